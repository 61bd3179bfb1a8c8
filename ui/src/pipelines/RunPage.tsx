import { useEffect, useState } from "react";
import { post } from "../api/client.ts";
import { useMutation, useQuery } from "../api/hooks.ts";
import type { PageProps } from "../app/feature.ts";
import { pathTo } from "../app/paths.ts";
import { useMay } from "../app/project.ts";
import { oneOf, text, useUrlState } from "../app/urlState.ts";
import { StateBadge } from "../kit/Badge.tsx";
import { Button, ButtonLink } from "../kit/Button.tsx";
import { Confirm } from "../kit/Dialog.tsx";
import { plural } from "../kit/format.ts";
import { PageLayout } from "../kit/Page.tsx";
import { Loaded, Notice, Skeleton } from "../kit/States.tsx";
import { Segmented } from "../kit/Tabs.tsx";
import { Duration, Progress, Time } from "../kit/Values.tsx";
import { isOver, type PipelineRunWithSteps } from "./api.ts";
import { Cause } from "./Cause.tsx";
import { Dag } from "./Dag.tsx";
import { inOrder } from "./dag.ts";
import { Gantt } from "./Gantt.tsx";
import { RunDialog } from "./RunDialog.tsx";
import { StepPanel } from "./StepPanel.tsx";

/** How often a run that is under way is asked for: the ledger has events of runs, not of steps. */
const askEvery = 1000;

export default function RunPage({ params: { project, id } }: PageProps<"/p/:project/pipeline-runs/:id">) {
  const run = useQuery("/api/v1/pipeline-runs/{id}", { path: { id } }, {
    live: ["pipeline.run."],
    about: (event) => event.subject === `pipeline-run:${id}`,
  });
  const isLive = run.data !== undefined && !isOver(run.data.state);
  useEffect(() => {
    if (!isLive) return;
    const timer = setInterval(() => {
      if (!document.hidden) run.refresh();
    }, askEvery);
    return () => clearInterval(timer);
  }, [isLive, run.refresh]);
  return (
    <Loaded
      query={run}
      skeleton={
        <PageLayout title="Pipeline run">
          <Skeleton height={300} />
        </PageLayout>
      }
    >
      {(data) => <RunView project={project} run={data} />}
    </Loaded>
  );
}

function RunView({ project, run }: { project: string; run: PipelineRunWithSteps }) {
  const [view, setView] = useUrlState("view", oneOf("graph", "gantt"), "graph");
  const [chosen, setChosen] = useUrlState("step", text, "");
  const [isCancelling, setCancelling] = useState(false);
  const [isAgain, setAgain] = useState(false);
  const mayRun = useMay("pipelines.run", run.project);
  const pipeline = useQuery("/api/v1/pipelines/{name}", {
    path: { name: run.pipeline },
    query: { version: run.version },
  });
  const cancel = useMutation(() => post("/api/v1/pipeline-runs/{id}/cancel", { path: { id: run.id } }), {
    invalidates: ["/api/v1/pipeline-runs"],
    onDone: () => setCancelling(false),
  });
  const over = isOver(run.state);
  const done = run.steps.filter(({ state }) => state === "succeeded" || state === "cached").length;
  const cached = run.steps.filter(({ state }) => state === "cached").length;
  const steps = pipeline.data?.definition.steps ?? [];
  const step = steps.find((each) => each.name === chosen);
  // What failed is what one came to see.
  const failed = run.steps.find(({ state }) => state === "failed")?.step;
  useEffect(() => {
    if (failed && chosen === "") setChosen(failed);
  }, [failed]);
  useEffect(() => {
    const names = inOrder(steps).map((each) => each.name);
    const key = (event: KeyboardEvent) => {
      if (event.target instanceof HTMLElement && event.target.closest("input, textarea, select, dialog, .graph-view")) {
        return;
      }
      if (event.ctrlKey || event.metaKey || event.altKey || (event.key !== "j" && event.key !== "k")) return;
      const at = names.indexOf(chosen);
      const next = names[event.key === "j" ? Math.min(at + 1, names.length - 1) : Math.max(at - 1, 0)];
      if (next) setChosen(next);
    };
    addEventListener("keydown", key);
    return () => removeEventListener("keydown", key);
  }, [steps, chosen]);
  return (
    <PageLayout
      fill
      title={
        <span>
          Run <span className="mono">{run.id.slice(0, 6)}…{run.id.slice(-4)}</span>
        </span>
      }
      crumbs={[
        { label: "Pipelines", to: pathTo("/p/:project/pipelines", { project }) },
        { label: run.pipeline, to: pathTo("/p/:project/pipelines/:name", { project, name: run.pipeline }) },
      ]}
      badges={<StateBadge state={run.state} />}
      sub={
        <span className="row row-wrap run-facts">
          <span>
            started <Time at={run.started ?? run.created} />
          </span>
          <span>
            {over ? "took" : "for"} <Duration from={run.started} to={run.ended} />
          </span>
          <Cause run={run} />
          <span>version {run.version}</span>
          <span>{done} of {plural(run.steps.length, "step")} done{cached > 0 ? `, ${cached} from the cache` : ""}</span>
        </span>
      }
      tools={
        <>
          <ButtonLink
            icon="lineage"
            to={pathTo("/p/:project/lineage", { project }) + `?ref=${encodeURIComponent(run.ref)}`}
          >
            Lineage
          </ButtonLink>
          {mayRun && !over && (
            <Button
              icon="stop"
              kind="danger"
              disabled={run.state === "cancelling"}
              onClick={() => setCancelling(true)}
            >
              {run.state === "cancelling" ? "Stopping…" : "Cancel"}
            </Button>
          )}
          {mayRun && over && pipeline.data && <Button icon="refresh" onClick={() => setAgain(true)}>Run again…</Button>}
        </>
      }
    >
      {!over && <Progress value={run.steps.length ? done / run.steps.length : null} label="Steps that are done" />}
      {run.problem && <Notice tone="bad">{run.problem}</Notice>}
      <div className="row row-between row-wrap">
        <Segmented
          label="View"
          value={view}
          onChange={setView}
          options={[{ id: "graph", label: "Graph" }, { id: "gantt", label: "Time" }]}
        />
        <Params params={run.params} />
      </div>
      <Loaded query={pipeline} skeleton={<Skeleton height={300} />}>
        {({ definition }) => (
          <div className={step ? "fill run-split" : "fill"}>
            <div className="run-view panel">
              {view === "graph"
                ? (
                  <Dag
                    label={`Steps of ${run.pipeline}`}
                    steps={definition.steps}
                    runs={run.steps}
                    params={run.params}
                    selected={chosen || null}
                    onSelect={(name) => setChosen(name ?? "")}
                  />
                )
                : (
                  <Gantt
                    definition={definition}
                    run={run}
                    now={run.ended ? Date.parse(run.ended) : Date.now()}
                    selected={chosen || null}
                    onSelect={setChosen}
                  />
                )}
            </div>
            {step && <StepPanel run={run} step={step} onClose={() => setChosen("")} />}
          </div>
        )}
      </Loaded>
      <Confirm
        open={isCancelling}
        onClose={() => setCancelling(false)}
        title="Cancel this run?"
        action="Cancel the run"
        error={cancel.error}
        onConfirm={() => cancel.run()}
      >
        <p>
          {plural(run.steps.filter(({ state }) => state === "running").length, "running step")} will be stopped and{" "}
          {run.steps.filter(({ state }) => state === "pending").length} will not begin. What {done}{" "}
          finished made stays, and a later run can take it from the cache.
        </p>
      </Confirm>
      {isAgain && pipeline.data && (
        <RunDialog
          pipeline={pipeline.data}
          given={run.params}
          onClose={() => setAgain(false)}
        />
      )}
    </PageLayout>
  );
}

function Params({ params }: { params: PipelineRunWithSteps["params"] }) {
  const entries = Object.entries(params);
  if (entries.length === 0) return null;
  return (
    <ul className="run-params" aria-label="Parameters">
      {entries.map(([name, value]) => (
        <li key={name}>
          <span className="muted">{name}</span>{" "}
          <span className="mono">{typeof value === "string" ? value : JSON.stringify(value)}</span>
        </li>
      ))}
    </ul>
  );
}
