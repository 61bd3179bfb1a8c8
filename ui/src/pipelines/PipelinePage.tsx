import { useMemo, useState } from "react";
import { useQuery } from "../api/hooks.ts";
import type { PageProps } from "../app/feature.ts";
import { pathTo } from "../app/paths.ts";
import { useMay } from "../app/project.ts";
import { number, oneOf, text, useUrlState } from "../app/urlState.ts";
import { Button, ButtonLink } from "../kit/Button.tsx";
import { Editor } from "../kit/editor/Editor.tsx";
import { Select } from "../kit/Field.tsx";
import { plural } from "../kit/format.ts";
import { Icon } from "../kit/Icon.tsx";
import { PageLayout, Panel } from "../kit/Page.tsx";
import { Empty, Loaded, Skeleton } from "../kit/States.tsx";
import { Segmented, Tabs } from "../kit/Tabs.tsx";
import { Digest, KeyValues, Time, useNow } from "../kit/Values.tsx";
import type { Pipeline, StepDefinition, TriggerDefinition } from "./api.ts";
import { describeSchedule, nextTimes, parseSchedule } from "./cron.ts";
import { Dag } from "./Dag.tsx";
import { RunDialog } from "./RunDialog.tsx";
import { RunsGrid, runStates } from "./RunsGrid.tsx";
import { definitionYaml, memoryText } from "./definitionYaml.ts";

export default function PipelinePage({ params: { project, name } }: PageProps<"/p/:project/pipelines/:name">) {
  const [version, setVersion] = useUrlState("version", number, 0);
  const newest = useQuery("/api/v1/pipelines/{name}", { path: { name } }, {
    live: ["pipeline."],
    about: (event) => event.subject.startsWith(`pipeline:${name}@`),
  });
  const older = useQuery("/api/v1/pipelines/{name}", { path: { name }, query: { version } }, {
    skip: version === 0 || version === newest.data?.version,
  });
  const shown = version === 0 || version === newest.data?.version ? newest : older;
  return (
    <Loaded
      query={newest}
      skeleton={
        <PageLayout title={name}>
          <Skeleton height={300} />
        </PageLayout>
      }
    >
      {(last) => (
        <Loaded query={shown}>
          {(pipeline) => (
            <PipelineView project={project} pipeline={pipeline} last={last.version} onVersion={setVersion} />
          )}
        </Loaded>
      )}
    </Loaded>
  );
}

function PipelineView(
  { project, pipeline, last, onVersion }: {
    project: string;
    pipeline: Pipeline;
    last: number;
    onVersion: (version: number) => void;
  },
) {
  const { name, definition } = pipeline;
  const [tab, setTab] = useUrlState("tab", oneOf("graph", "runs", "triggers", "definition"), "graph");
  const [state, setState] = useUrlState("state", oneOf(...runStates), "all");
  const [isStarting, setStarting] = useState(false);
  const mayRun = useMay("pipelines.run", project);
  const mayWrite = useMay("pipelines.write", project);
  const triggers = definition.triggers ?? [];
  return (
    <PageLayout
      fill
      title={name}
      crumbs={[{ label: "Pipelines", to: pathTo("/p/:project/pipelines", { project }) }]}
      sub={
        <span className="row row-wrap run-facts">
          {definition.description && <span>{definition.description}</span>}
          <span className="faint">
            version {pipeline.version} by {pipeline.author}, <Time at={pipeline.created} />
          </span>
        </span>
      }
      tools={
        <>
          {last > 1 && (
            <Select
              aria-label="Version"
              value={String(pipeline.version)}
              onChange={(value) => onVersion(Number(value) === last ? 0 : Number(value))}
              options={Array.from({ length: last }, (_, index) => ({
                value: String(last - index),
                label: `version ${last - index}${index === 0 ? " (newest)" : ""}`,
              }))}
            />
          )}
          {mayWrite && (
            <ButtonLink icon="edit" to={pathTo("/p/:project/pipelines/:name/edit", { project, name })}>Edit</ButtonLink>
          )}
          {mayRun && <Button kind="primary" icon="play" onClick={() => setStarting(true)}>Run…</Button>}
        </>
      }
    >
      <div className="row row-between row-wrap">
        <Tabs
          label="Parts of the pipeline"
          value={tab}
          onChange={(next) => setTab(next, { push: true })}
          tabs={[
            { id: "graph", label: "Steps", count: definition.steps.length },
            { id: "runs", label: "Runs" },
            { id: "triggers", label: "Triggers", count: triggers.length },
            { id: "definition", label: "YAML" },
          ]}
        />
        {tab === "runs" && (
          <Segmented
            label="State"
            value={state}
            onChange={setState}
            options={runStates.map((id) => ({ id, label: id }))}
          />
        )}
      </div>
      {tab === "graph" && <Steps pipeline={pipeline} />}
      {tab === "runs" && (
        <div className="fill">
          <RunsGrid project={project} pipeline={name} state={state} />
        </div>
      )}
      {tab === "triggers" && <Triggers triggers={triggers} canEdit={mayWrite} project={project} name={name} />}
      {tab === "definition" && (
        <div className="fill">
          <Editor label={`Definition of ${name}`} language="yaml" value={definitionYaml(definition)} readOnly />
        </div>
      )}
      {isStarting && <RunDialog pipeline={pipeline} onClose={() => setStarting(false)} />}
    </PageLayout>
  );
}

function Steps({ pipeline }: { pipeline: Pipeline }) {
  const [chosen, setChosen] = useUrlState("step", text, "");
  const { definition, codeDigest } = pipeline;
  const defaults = useMemo(
    () =>
      Object.fromEntries(Object.entries(definition.params ?? {}).map(([name, { default: value }]) => [name, value])),
    [definition],
  );
  const step = definition.steps.find((each) => each.name === chosen);
  return (
    <div className="fill run-split">
      <div className="run-view panel">
        <Dag
          label={`Steps of ${pipeline.name}`}
          steps={definition.steps}
          params={defaults}
          selected={chosen || null}
          onSelect={(name) => setChosen(name ?? "")}
        />
      </div>
      <div className="step-side">
        {step ? <StepCard step={step} /> : (
          <Panel title="Pipeline">
            <KeyValues
              items={[
                ["Experiment", definition.experiment],
                ["Code", codeDigest ? <Digest key="c" value={codeDigest} /> : "none of its own"],
              ]}
            />
          </Panel>
        )}
        <Panel title="Parameters">
          {Object.keys(definition.params ?? {}).length === 0 && (
            <span className="muted">It has none: every run is the same.</span>
          )}
          <KeyValues
            items={Object.entries(definition.params ?? {}).map(([name, parameter]) => [
              <code key="n">{name}</code>,
              <span key="v">
                <code>{parameter.default === undefined ? "must be set" : JSON.stringify(parameter.default)}</code>
                <span className="faint small">{parameter.type}</span>
                {parameter.choices && <div className="small faint">one of {parameter.choices.join(", ")}</div>}
                {parameter.description && <div className="small muted">{parameter.description}</div>}
              </span>,
            ])}
          />
        </Panel>
      </div>
    </div>
  );
}

function StepCard({ step }: { step: StepDefinition }) {
  const list = (values: Record<string, string> | undefined) =>
    values && Object.keys(values).length > 0
      ? Object.entries(values).map(([name, value]) => (
        <div key={name}>
          <code>{name}</code> <span className="muted">{value}</span>
        </div>
      ))
      : <span className="faint">none</span>;
  return (
    <Panel title={`Step ${step.name}`}>
      <div className="stack">
        <code className="step-command">{step.run.join(" ")}</code>
        <KeyValues
          items={[
            ["Inputs", list(step.inputs)],
            ["Outputs", list(step.outputs)],
            ["Parameters", Object.keys(step.params ?? {}).join(", ") || "none"],
            ["Waits for", step.needs && step.needs.length > 0 ? step.needs.join(", ") : null],
            [
              "Cache",
              step.cache === false ? "never: it runs every time" : "an earlier run of the same recipe stands in",
            ],
            [
              "Limits",
              [
                step.memory ? memoryText(step.memory) : null,
                step.cpu ? `${step.cpu} processors` : null,
                step.timeout_seconds ? `${step.timeout_seconds} s` : null,
              ].filter(Boolean).join(", "),
            ],
            ["Tries", (step.retries ?? 0) + 1],
            ["Network", step.network ? "yes" : "none"],
            ["Environment", step.environment ?? null],
          ]}
        />
      </div>
    </Panel>
  );
}

function Triggers(
  { triggers, canEdit, project, name }: {
    triggers: TriggerDefinition[];
    canEdit: boolean;
    project: string;
    name: string;
  },
) {
  const now = useNow();
  if (triggers.length === 0) {
    return (
      <Empty
        icon="clock"
        title="Nothing starts it by itself"
        action={canEdit && (
          <ButtonLink icon="edit" to={pathTo("/p/:project/pipelines/:name/edit", { project, name })}>
            Add a trigger
          </ButtonLink>
        )}
      >
        A schedule (cron, in UTC) or an event of the ledger can start it; a monitor can, too, when it sees drift.
      </Empty>
    );
  }
  return (
    <ul className="stack">
      {triggers.map((trigger, index) => {
        const schedule = trigger.schedule ? parseSchedule(trigger.schedule) : null;
        const words = trigger.schedule ? describeSchedule(trigger.schedule) : null;
        return (
          <li key={index} className="pipeline-card">
            <Icon name={trigger.schedule ? "clock" : "bell"} size={20} />
            <div className="grow">
              {trigger.schedule
                ? (
                  <div>
                    <code>{trigger.schedule}</code>
                    {words && <span className="muted">· {words}</span>}
                  </div>
                )
                : (
                  <div>
                    after <code>{trigger.event}</code>
                    {trigger.subject && trigger.subject !== "*"
                      ? (
                        <span>
                          of <code>{trigger.subject}</code>
                        </span>
                      )
                      : <span className="muted">of anything</span>}
                  </div>
                )}
              {schedule && (
                <div className="small muted">
                  next: {nextTimes(schedule, now, 3).map((time, at) => (
                    <span key={time}>
                      {at > 0 && ", then "}
                      <Time at={time} exact />
                    </span>
                  ))}
                </div>
              )}
              {Object.keys(trigger.params ?? {}).length > 0 && (
                <div className="small">
                  with{" "}
                  {Object.entries(trigger.params ?? {}).map(([key, value]) => (
                    <code key={key} className="trigger-param">{key}={String(value)}</code>
                  ))}
                </div>
              )}
            </div>
            <span className="faint small">
              {schedule
                ? plural(nextTimes(schedule, now, 1000).filter((time) => time < now + 7 * 86_400_000).length, "start") +
                  " a week"
                : "each time"}
            </span>
          </li>
        );
      })}
    </ul>
  );
}
