import { usePages } from "../api/hooks.ts";
import { pathTo } from "../app/paths.ts";
import { Link, navigate } from "../app/router.tsx";
import { StateBadge } from "../kit/Badge.tsx";
import { type Column, DataGrid, pagesSource } from "../kit/grid/index.ts";
import { Empty } from "../kit/States.tsx";
import { Duration, RefLink, Time } from "../kit/Values.tsx";
import type { PipelineRun } from "./api.ts";
import { Cause } from "./Cause.tsx";

const runPath = (run: PipelineRun) => pathTo("/p/:project/pipeline-runs/:id", { project: run.project, id: run.id });

const columns: Column<PipelineRun>[] = [
  {
    id: "state",
    header: "State",
    width: 124,
    pinned: true,
    value: (run) => run.state,
    cell: (run) => <StateBadge state={run.state} title={run.problem ?? undefined} />,
  },
  {
    id: "run",
    header: "Run",
    width: 130,
    value: (run) => run.id,
    cell: (run) => <Link to={runPath(run)} className="mono">{run.id.slice(0, 6)}…{run.id.slice(-4)}</Link>,
  },
  {
    id: "pipeline",
    header: "Pipeline",
    width: 190,
    value: (run) => run.pipeline,
    cell: (run) => <RefLink value={`pipeline:${run.pipeline}@${run.version}`} kind={false} />,
  },
  { id: "created", header: "Started", width: 110, cell: (run) => <Time at={run.created} /> },
  {
    id: "duration",
    header: "Took",
    align: "end",
    width: 100,
    cell: (run) => run.started ? <Duration from={run.started} to={run.ended} /> : <span className="faint">waits</span>,
  },
  { id: "cause", header: "Why", width: 230, cell: (run) => <Cause run={run} /> },
  {
    id: "params",
    header: "Parameters",
    width: 320,
    grow: true,
    cell: (run) => <span className="mono small ellipsis">{paramText(run)}</span>,
  },
  {
    id: "problem",
    header: "Problem",
    width: 240,
    hidden: true,
    cell: (run) => run.problem && <span className="tone-bad ellipsis" title={run.problem}>{run.problem}</span>,
  },
];

const paramText = (run: PipelineRun) =>
  Object.entries(run.params).map(([name, value]) =>
    `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`
  )
    .join("  ");

/** Runs of a project or of one pipeline, newest first, live. */
export function RunsGrid(
  { project, pipeline, state, height }: { project: string; pipeline?: string; state: string; height?: number },
) {
  const pages = usePages(
    "/api/v1/pipeline-runs",
    { query: { project, pipeline: pipeline ?? null, state: state === "all" ? null : state } },
    { live: ["pipeline."], limit: 60 },
  );
  return (
    <DataGrid
      label="Pipeline runs"
      columns={pipeline ? columns.filter((column) => column.id !== "pipeline") : columns}
      source={pagesSource(pages)}
      rowKey={(run) => run.id}
      onOpen={(run) => navigate(runPath(run))}
      {...(height ? { autoHeight: height } : {})}
      empty={state === "all"
        ? (
          <Empty icon="play" title="No run yet">
            A run starts by the button Run, on a schedule, after an event, or when a monitor sees drift.
          </Empty>
        )
        : <Empty icon="play" title={`No run is ${state}`}>Choose another state to see others.</Empty>}
    />
  );
}

export const runStates = ["all", "running", "queued", "succeeded", "failed", "cancelled"] as const;
