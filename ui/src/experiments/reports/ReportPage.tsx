import { useEffect, useMemo, useState } from "react";
import type { PageProps } from "../../app/feature.ts";
import { pathTo } from "../../app/paths.ts";
import { navigate } from "../../app/router.tsx";
import { flag, useUrlState } from "../../app/urlState.ts";
import { usePrincipal } from "../../app/project.ts";
import { useMutation, useQuery } from "../../api/hooks.ts";
import { Button } from "../../kit/Button.tsx";
import { Confirm } from "../../kit/Dialog.tsx";
import { Field, Input, Select, TextArea } from "../../kit/Field.tsx";
import { Markdown } from "../../kit/Markdown.tsx";
import { Menu } from "../../kit/Menu.tsx";
import { PageLayout } from "../../kit/Page.tsx";
import { Empty, Failed, Notice, Skeleton } from "../../kit/States.tsx";
import { Time } from "../../kit/Values.tsx";
import type { Experiment, Run } from "../api.ts";
import { colorsOf } from "../charts/colors.ts";
import { PanelDialog } from "../charts/PanelDialog.tsx";
import { PanelView } from "../charts/PanelView.tsx";
import { keysOf, numberOf } from "../fields.ts";
import { experimentPath, routes } from "../paths.ts";
import { type ChartBlock, chartSource, reportBlocks } from "./blocks.ts";
import { deleteReport, isTooLong, mostText, type Report, reportsOf, saveReport } from "./store.ts";

export default function ReportPage({ params }: PageProps<typeof routes.report>) {
  const query = useQuery("/api/v1/experiments/{id}", { path: { id: params.experiment } }, { fresh: 0 });
  if (query.error && !query.data) return <Failed error={query.error} retry={query.refresh} />;
  if (!query.data) return <Skeleton rows={8} />;
  const report = reportsOf(query.data).find((each) => each.id === params.report);
  if (!report) {
    return <Empty icon="file" title="There is no such report">It was deleted, or the address is wrong.</Empty>;
  }
  return (
    <ReportView
      key={report.id}
      project={params.project}
      experiment={query.data}
      report={report}
      refresh={query.refresh}
    />
  );
}

function ReportView(
  { project, experiment, report, refresh }: {
    project: string;
    experiment: Experiment;
    report: Report;
    refresh: () => void;
  },
) {
  const [isEditing, setEditing] = useUrlState("edit", flag, false);
  const [draft, setDraft] = useState(report);
  const [isDeleting, setDeleting] = useState(false);
  const me = usePrincipal();
  useEffect(() => {
    if (!isEditing) setDraft(report);
  }, [report.body, report.title, isEditing]);
  const back = `${experimentPath(project, experiment.id)}?tab=reports`;
  const save = useMutation(
    () => saveReport(experiment.id, { ...draft, author: me?.name ?? draft.author, changed: new Date().toISOString() }),
    {
      invalidates: ["/api/v1/experiments"],
      onDone: () => {
        setEditing(false);
        refresh();
      },
    },
  );
  const remove = useMutation(() => deleteReport(experiment.id, report.id).then(() => true), {
    invalidates: ["/api/v1/experiments"],
    onDone: () => navigate(back),
  });
  const tooLong = isTooLong(draft);
  return (
    <PageLayout
      title={isEditing ? draft.title || "Untitled" : report.title}
      crumbs={[
        { label: "Experiments", to: pathTo(routes.experiments, { project }) },
        { label: experiment.name, to: experimentPath(project, experiment.id) },
        { label: "Reports", to: back },
      ]}
      sub={
        <span>
          {report.author}, <Time at={report.changed} />
        </span>
      }
      tools={isEditing
        ? (
          <>
            <Button onClick={() => setEditing(false)}>Cancel</Button>
            <Button
              kind="primary"
              busy={save.running}
              disabled={tooLong || !draft.title.trim()}
              onClick={() => void save.run()}
            >
              Save
            </Button>
          </>
        )
        : (
          <>
            <Button icon="edit" onClick={() => setEditing(true)}>Edit</Button>
            <Menu
              label="More to do with the report"
              align="end"
              items={[
                { id: "delete", label: "Delete…", icon: "trash", danger: true, onSelect: () => setDeleting(true) },
              ]}
            />
          </>
        )}
    >
      {save.error && <Notice tone="bad">{save.error.message}</Notice>}
      {tooLong && (
        <Notice tone="warn">
          A report may have {mostText.toLocaleString("en")} characters. Shorten it to save it.
        </Notice>
      )}
      {isEditing
        ? (
          <div className="report-edit">
            <Editor draft={draft} onChange={setDraft} experiment={experiment} />
            <div className="report-sheet">
              <ReportBody body={draft.body} experiment={experiment} />
            </div>
          </div>
        )
        : (
          <div className="report-sheet">
            <ReportBody body={report.body} experiment={experiment} />
          </div>
        )}
      <Confirm
        open={isDeleting}
        onClose={() => setDeleting(false)}
        title={`Delete “${report.title}”?`}
        action="Delete the report"
        error={remove.error}
        onConfirm={() => remove.run()}
      >
        <p>Its text is gone for good. The runs that its charts show stay as they are.</p>
      </Confirm>
    </PageLayout>
  );
}

function Editor(
  { draft, onChange, experiment }: { draft: Report; onChange: (draft: Report) => void; experiment: Experiment },
) {
  const [isAdding, setAdding] = useState(false);
  const [limit, setLimit] = useState("10");
  const [filter, setFilter] = useState("");
  const runs = useQuery("/api/v1/runs", { query: { experiment: experiment.id, limit: 100 } }, { fresh: 60_000 });
  const items = runs.data?.items ?? [];
  const keys = useMemo(() => keysOf(items), [items]);
  return (
    <div className="stack report-editor">
      <Field label="Title">
        <Input value={draft.title} onChange={(title) => onChange({ ...draft, title })} />
      </Field>
      <Field
        label="Text in Markdown"
        help="Charts are code blocks of the language “chart”. “Add chart” writes one at the end."
      >
        <TextArea mono rows={22} value={draft.body} onChange={(body) => onChange({ ...draft, body })} />
      </Field>
      <div className="grid-2">
        <Field label="Runs of the next chart" help="A filter, as in the run table; empty: all.">
          <Input mono value={filter} onChange={setFilter} placeholder="tags.stage = 'final'" />
        </Field>
        <Field label="How many at most">
          <Select
            value={limit}
            onChange={setLimit}
            options={["5", "10", "25", "50", "100"].map((value) => ({ value, label: value }))}
          />
        </Field>
      </div>
      <div>
        <Button icon="plus" onClick={() => setAdding(true)}>Add chart</Button>
      </div>
      {isAdding && (
        <PanelDialog
          panel={null}
          keys={keys}
          numericParams={keys.params.filter((key) => items.some((run) => numberOf(run.params[key]) !== undefined))}
          runs={items}
          onClose={() => setAdding(false)}
          onSave={(panel) => {
            const block = chartSource({ panel, filter, order: "", limit: Number(limit) });
            onChange({ ...draft, body: `${draft.body.trimEnd()}\n\n${block}\n` });
            setAdding(false);
          }}
        />
      )}
    </div>
  );
}

function ReportBody({ body, experiment }: { body: string; experiment: Experiment }) {
  const blocks = useMemo(() => reportBlocks(body), [body]);
  return (
    <article className="report-text">
      {blocks.map((block, index) => {
        switch (block.kind) {
          case "text":
            return <Markdown key={index} text={block.text} />;
          case "wrong":
            return (
              <Notice key={index} tone="warn">
                <strong>This chart cannot be drawn.</strong> {block.why}
                <pre className="small">{block.source}</pre>
              </Notice>
            );
          case "chart":
            return <LiveChart key={block.source} chart={block.chart} experiment={experiment.id} />;
        }
      })}
    </article>
  );
}

/** A chart of a report: its runs are looked for when it is opened, and again when runs end. */
function LiveChart({ chart, experiment }: { chart: ChartBlock; experiment: string }) {
  const { filter, order, limit } = chart;
  const query = useQuery(
    "/api/v1/runs",
    { query: { experiment, filter, order, limit } },
    { live: ["run."], fresh: 10_000 },
  );
  const none = useMemo<Run[]>(() => [], []);
  const runs = query.data?.items ?? none;
  const colors = useMemo(() => colorsOf(runs.map((run) => run.id)), [runs]);
  if (query.error && !query.data) return <Failed compact error={query.error} retry={query.refresh} />;
  if (!query.data) return <Skeleton height={260} />;
  return (
    <figure className="report-chart">
      <PanelView
        panel={chart.panel}
        runs={runs}
        context={{
          axis: "step",
          smoothing: 0,
          log: false,
          band: true,
          colors,
          height: 260,
          hoverGroup: "report",
          legend: true,
          highlight: null,
        }}
      />
      <figcaption className="small faint">
        {runs.length} {runs.length === 1 ? "run" : "runs"}
        {filter && (
          <>
            where <code>{filter}</code>
          </>
        )}
      </figcaption>
    </figure>
  );
}
