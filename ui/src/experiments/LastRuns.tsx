import { useQuery } from "../api/hooks.ts";
import { Link } from "../app/router.tsx";
import { Time } from "../kit/Values.tsx";
import { runPath } from "./paths.ts";

const shown = 8;
const tones: Record<string, string> = {
  FINISHED: "var(--good)",
  RUNNING: "var(--info)",
  FAILED: "var(--bad)",
  KILLED: "var(--bad)",
  SCHEDULED: "var(--ink-3)",
};

/** How the newest runs of an experiment went, the newest first. */
export function LastRuns({ project, experiment }: { project: string; experiment: string }) {
  const runs = useQuery(
    "/api/v1/runs",
    { query: { experiment, limit: shown } },
    { live: ["run."], fresh: 30_000 },
  );
  const items = runs.data?.items ?? [];
  if (runs.data && items.length === 0) return <span className="faint">none</span>;
  return (
    <span className="last-runs">
      {items.map((run) => (
        <Link
          key={run.id}
          to={runPath(project, run.id)}
          className="last-run"
          style={{ background: tones[run.status] }}
          title={`${run.name}: ${run.status.toLowerCase()}`}
          aria-label={`${run.name}, ${run.status.toLowerCase()}`}
        />
      ))}
      {items[0] && (
        <span className="small muted">
          <Time at={items[0].started} />
        </span>
      )}
    </span>
  );
}
