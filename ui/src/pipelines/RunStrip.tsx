import { Link } from "../app/router.tsx";
import { pathTo } from "../app/paths.ts";
import { formatDuration, formatTime } from "../kit/format.ts";
import type { PipelineRun } from "./api.ts";

/** The last runs as bars, oldest first: the height is how long each took, the colour how it ended. */
export function RunStrip({ runs, count = 14 }: { runs: readonly PipelineRun[]; count?: number }) {
  const shown = runs.slice(0, count).reverse();
  if (shown.length === 0) return <span className="faint">no run yet</span>;
  const lengths = shown.map(lengthOf);
  const most = Math.max(...lengths, 1);
  return (
    <span className="run-strip" role="list" aria-label="Last runs">
      {shown.map((run, index) => (
        <Link
          key={run.id}
          role="listitem"
          to={pathTo("/p/:project/pipeline-runs/:id", { project: run.project, id: run.id })}
          className={`run-bar run-${run.state}`}
          title={`${run.state}, ${formatTime(Date.parse(run.created))}, ${formatDuration(lengths[index] ?? 0)}`}
          aria-label={`${run.state}, ${formatTime(Date.parse(run.created))}`}
        >
          <span style={{ height: `${20 + 80 * (lengths[index] ?? 0) / most}%` }} />
        </Link>
      ))}
    </span>
  );
}

export function lengthOf(run: Pick<PipelineRun, "started" | "ended">): number {
  if (!run.started) return 0;
  return (run.ended ? Date.parse(run.ended) : Date.now()) - Date.parse(run.started);
}
