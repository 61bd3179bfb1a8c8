import { useMemo, useState } from "react";
import { useMay } from "../../app/project.ts";
import { post } from "../../api/client.ts";
import { useMutation, useQuery } from "../../api/hooks.ts";
import { Button } from "../../kit/Button.tsx";
import { BarChart } from "../../kit/chart/index.ts";
import { Dialog } from "../../kit/Dialog.tsx";
import { Field, Input, Select, TextArea } from "../../kit/Field.tsx";
import { formatPercent } from "../../kit/format.ts";
import { Panel } from "../../kit/Page.tsx";
import { Empty, Notice } from "../../kit/States.tsx";
import { Num, RefLink, Time } from "../../kit/Values.tsx";
import { betterOf } from "../../experiments/compare/diff.ts";
import type { Evaluation, Model, VersionDetail } from "../api.ts";
import { changeOf, metricsOf, newestBySubject, type Subject } from "../evaluations.ts";

/** What the version was measured on, per dataset version and slice, beside the champion on the same rows. */
export function Evaluations({ project, model, version }: { project: string; model: Model; version: VersionDetail }) {
  const measured = useMemo(() => newestBySubject(version.evaluations), [version.evaluations]);
  const metrics = useMemo(() => metricsOf(measured), [measured]);
  const [chosen, setChosen] = useState<string | null>(null);
  const [isAdding, setAdding] = useState(false);
  const mayWrite = useMay("models.write", model.project);
  const champion = model.aliases["champion"];
  const isChallenger = champion !== undefined && champion !== version.version;
  const other = useQuery(
    "/api/v1/models/{name}/versions/{version}",
    { path: { name: model.name, version: champion ?? 0 } },
    { skip: !isChallenger, fresh: 10_000 },
  );
  const theirs = useMemo(
    () =>
      new Map(
        newestBySubject(other.data?.evaluations ?? []).map(({ subject, evaluation }) => [subject.key, evaluation]),
      ),
    [other.data],
  );
  const metric = chosen ?? metrics.find((each) => betterOf(each) !== null) ?? metrics[0];
  return (
    <Panel
      title="Evaluations"
      flush={measured.length > 0}
      tools={mayWrite ? <Button small icon="plus" onClick={() => setAdding(true)}>Add</Button> : null}
    >
      {measured.length === 0
        ? (
          <Empty compact icon="target" title="Not measured yet">
            <p>
              Record what it was measured on:{" "}
              <code>slipway model evaluate {model.name} {version.version} --dataset … --metric …</code>
            </p>
          </Empty>
        )
        : (
          <>
            {metric && measured.length > 1 && (
              <div className="evaluation-chart">
                <Select
                  aria-label="Metric of the chart"
                  className="evaluation-metric"
                  value={metric}
                  onChange={setChosen}
                  options={metrics.map((each) => ({ value: each, label: each }))}
                />
                <BarChart
                  label={`${metric} by what it was measured on`}
                  categories={measured.map(({ subject }) => subjectText(subject))}
                  height={170}
                  series={[
                    ...(isChallenger && theirs.size > 0
                      ? [{
                        id: "champion",
                        label: `version ${champion} (champion)`,
                        color: "var(--cat-8)",
                        values: measured.map(({ subject }) => theirs.get(subject.key)?.metrics[metric] ?? null),
                      }]
                      : []),
                    {
                      id: "this",
                      label: `version ${version.version}`,
                      color: "var(--cat-1)",
                      values: measured.map(({ evaluation }) => evaluation.metrics[metric] ?? null),
                    },
                  ]}
                />
              </div>
            )}
            <div className="evaluation-scroll" tabIndex={0} role="region" aria-label="Evaluations">
              <table className="model-table">
                <thead>
                  <tr>
                    <th scope="col">Measured on</th>
                    {metrics.map((each) => <th key={each} scope="col" className="num">{each}</th>)}
                    <th scope="col">When</th>
                  </tr>
                </thead>
                <tbody>
                  {measured.map(({ subject, evaluation }) => (
                    <tr key={subject.key}>
                      <td>
                        <SubjectView subject={subject} />
                      </td>
                      {metrics.map((each) => (
                        <td key={each} className="num">
                          <Num value={evaluation.metrics[each]} />
                          {isChallenger && (
                            <Change
                              metric={each}
                              before={theirs.get(subject.key)}
                              after={evaluation}
                              champion={champion}
                            />
                          )}
                        </td>
                      ))}
                      <td className="small muted">
                        <Time at={evaluation.created} /> by {evaluation.createdBy}
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          </>
        )}
      {isAdding && (
        <EvaluationDialog
          project={project}
          model={model}
          version={version}
          onClose={() => setAdding(false)}
        />
      )}
    </Panel>
  );
}

export function subjectText({ dataset, slice }: Subject): string {
  const bare = (ref: string) => ref.replace(/^\w+:/, "");
  return [dataset && bare(dataset), slice && bare(slice)].filter(Boolean).join(" · ");
}

export function SubjectView({ subject }: { subject: Subject }) {
  return (
    <span className="row">
      {subject.dataset && <RefLink value={subject.dataset} />}
      {subject.slice && <RefLink value={subject.slice} />}
    </span>
  );
}

/** How much better or worse than the champion on the same rows. */
function Change(
  { metric, before, after, champion }: {
    metric: string;
    before: Evaluation | undefined;
    after: Evaluation;
    champion: number | undefined;
  },
) {
  const change = changeOf(before?.metrics[metric], after.metrics[metric]);
  if (!change || change.by === 0) return null;
  return (
    <div
      className={`small ${toneOf(metric, change.by)}`}
      title={`Version ${champion} has ${before?.metrics[metric]} there`}
    >
      {change.by > 0 ? "+" : "−"}
      {change.share === null ? Math.abs(change.by) : formatPercent(Math.abs(change.share))}
    </div>
  );
}

export function toneOf(metric: string, by: number): string {
  const better = betterOf(metric);
  if (better === null || by === 0) return "muted";
  return (better === "lower") === (by < 0) ? "tone-good" : "tone-bad";
}

function EvaluationDialog(
  { model, version, onClose }: { project: string; model: Model; version: VersionDetail; onClose: () => void },
) {
  const [on, setOn] = useState(version.evaluations.at(-1)?.dataset?.replace(/@\d+$/, "@latest") ?? "dataset:");
  const [lines, setLines] = useState("");
  const metrics = parseMetrics(lines);
  const add = useMutation(
    () =>
      post("/api/v1/models/{name}/versions/{version}/evaluations", {
        path: { name: model.name, version: version.version },
        json: { [on.startsWith("slice:") ? "slice" : "dataset"]: on.trim(), metrics },
      }),
    { invalidates: ["/api/v1/models"], onDone: onClose },
  );
  return (
    <Dialog
      open
      size="small"
      title="Record an evaluation"
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" busy={add.running} disabled={metrics === null} onClick={() => void add.run()}>
            Record
          </Button>
        </>
      }
    >
      <div className="stack">
        <Field
          label="Measured on"
          required
          help="dataset:NAME@VERSION or slice:NAME. It is pinned to the version that it means now."
        >
          <Input mono value={on} onChange={setOn} />
        </Field>
        <Field
          label="Metrics"
          required
          help="One a line: rmse = 0.31"
          error={lines.trim() !== "" && metrics === null ? "Each line is a name, = and a number." : null}
        >
          <TextArea mono value={lines} onChange={setLines} />
        </Field>
        {add.error && <Notice tone="bad">{add.error.message}</Notice>}
      </div>
    </Dialog>
  );
}

function parseMetrics(text: string): Record<string, number> | null {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const entries = lines.map((line) => /^\s*(.+?)\s*[=:]\s*([-+\d.eE]+)\s*$/.exec(line));
  if (lines.length === 0 || entries.some((entry) => !entry || !Number.isFinite(Number(entry[2])))) return null;
  return Object.fromEntries(entries.map((entry) => [entry?.[1] ?? "", Number(entry?.[2])]));
}
