import { useMemo } from "react";
import { useFetch, usePages } from "../api/hooks.ts";
import { get } from "../api/client.ts";
import { flag, useUrlState } from "../app/urlState.ts";
import { StateBadge } from "../kit/Badge.tsx";
import { Checkbox } from "../kit/Field.tsx";
import { formatDuration } from "../kit/format.ts";
import { arraySource, type Column, DataGrid } from "../kit/grid/index.ts";
import { Panel, Stat } from "../kit/Page.tsx";
import { Empty, Failed } from "../kit/States.tsx";
import { Duration, RefLink, Time } from "../kit/Values.tsx";
import type { PipelineRun } from "../pipelines/api.ts";
import { Cause } from "../pipelines/Cause.tsx";

const columns: Column<PipelineRun>[] = [
  {
    id: "state",
    header: "State",
    width: 120,
    pinned: true,
    value: (row) => row.state,
    cell: (row) => <StateBadge state={row.state} />,
  },
  { id: "run", header: "Run", width: 150, value: (row) => row.id, cell: (row) => <RefLink value={row.ref} /> },
  {
    id: "pipeline",
    header: "Pipeline",
    width: 190,
    value: (row) => row.pipeline,
    cell: (row) => <RefLink value={`pipeline:${row.pipeline}`} />,
  },
  { id: "project", header: "Project", width: 130, value: (row) => row.project },
  {
    id: "waits",
    header: "Waited",
    width: 110,
    align: "end",
    cell: (row) => <Duration from={row.created} to={row.started} />,
  },
  {
    id: "runs",
    header: "Runs for",
    width: 110,
    align: "end",
    cell: (row) => row.started ? <Duration from={row.started} to={row.ended} /> : <span className="faint">–</span>,
  },
  { id: "why", header: "Why", width: 240, grow: true, cell: (row) => <Cause run={row} /> },
];

/** What the server is working on and what waits. */
export function Jobs({ project }: { project: string }) {
  const [all, setAll] = useUrlState("everywhere", flag, true);
  const scope = all ? null : project;
  const live = { live: ["pipeline.run."], limit: 100 };
  const running = usePages("/api/v1/pipeline-runs", { query: { project: scope, state: "running" } }, live);
  const stopping = usePages("/api/v1/pipeline-runs", { query: { project: scope, state: "cancelling" } }, live);
  const queued = usePages("/api/v1/pipeline-runs", { query: { project: scope, state: "queued" } }, live);
  const last = usePages("/api/v1/pipeline-runs", { query: { project: scope } }, live);
  const pending = useFetch(`pending deliveries ${scope ?? ""}`, async (signal) => {
    const hooks = await get("/api/v1/webhooks", { query: { project: scope, limit: 100 }, signal });
    const counts = await Promise.all(hooks.items.map(async (hook) => {
      const answer = await get("/api/v1/webhooks/{webhook}/deliveries", {
        path: { webhook: hook.id },
        query: { state: "pending", limit: 100 },
        signal,
      });
      return {
        hook,
        count: answer.items.length,
        more: answer.next !== undefined,
        oldest: answer.items[answer.items.length - 1]?.created ?? null,
      };
    }));
    return counts.filter((each) => each.count > 0);
  });
  const rows = useMemo(() => [...running.items, ...stopping.items, ...queued.items], [
    running.items,
    stopping.items,
    queued.items,
  ]);
  const waits = last.items.flatMap((run) => run.started ? [Date.parse(run.started) - Date.parse(run.created)] : [])
    .sort((a, b) => a - b);
  const failed = last.items.filter((run) => run.state === "failed").length;
  if (running.error) return <Failed error={running.error} retry={running.refresh} />;
  return (
    <div className="stack">
      <div className="row row-end">
        <Checkbox checked={all} onChange={setAll}>all projects that I may see</Checkbox>
      </div>
      <div className="endpoint-stats panel">
        <Stat label="Running" value={running.items.length + stopping.items.length} detail="pipeline runs" />
        <Stat label="Waiting" value={queued.items.length} detail="for their turn" />
        <Stat
          label="Half waited less than"
          value={waits.length > 0 ? formatDuration(waits[Math.floor(waits.length / 2)] ?? 0) : "–"}
          detail={`of the last ${waits.length} that began`}
        />
        <Stat label="Failed" value={failed} detail={`of the last ${last.items.length}`} />
        <Stat
          label="Deliveries waiting"
          value={pending.data?.reduce((sum, each) => sum + each.count, 0) ?? "–"}
          detail="of webhooks"
        />
      </div>
      <Panel title="Pipeline runs under way" flush>
        <DataGrid
          label="Pipeline runs under way"
          columns={columns}
          source={{ ...arraySource(rows), loading: running.loading }}
          rowKey={(row) => row.id}
          autoHeight={480}
          empty={
            <Empty compact icon="check" title="Nothing runs and nothing waits">Runs appear here as they begin.</Empty>
          }
        />
      </Panel>
      {pending.data && pending.data.length > 0 && (
        <Panel title="Webhooks with deliveries on their way">
          <ul className="stack">
            {pending.data.map(({ hook, count, more, oldest }) => (
              <li key={hook.id} className="row">
                <span className="grow">{hook.name}</span>
                <span className="tabular">{count}{more ? "+" : ""} waiting</span>
                {oldest && (
                  <span className="muted">
                    the oldest <Time at={oldest} />
                  </span>
                )}
              </li>
            ))}
          </ul>
        </Panel>
      )}
    </div>
  );
}
