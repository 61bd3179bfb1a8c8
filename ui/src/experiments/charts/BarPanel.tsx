import { Link } from "../../app/router.tsx";
import { useProject } from "../../app/project.ts";
import { formatNumber, plural } from "../../kit/format.ts";
import { Empty } from "../../kit/States.tsx";
import type { Run } from "../api.ts";
import { fieldOf, numberOf, valueOf } from "../fields.ts";
import { runPath } from "../paths.ts";
import type { PanelContext } from "./PanelView.tsx";

/** Bars that are shown without scrolling far. */
const most = 100;

/** One bar for each run: the newest value of a metric, or a parameter. The greatest is on top. */
export function BarPanel({ field: id, runs, context }: { field: string; runs: readonly Run[]; context: PanelContext }) {
  const field = fieldOf(id);
  const project = useProject();
  const values = runs.map((run) => ({ run, value: numberOf(valueOf(run, field)) }))
    .filter((each): each is { run: Run; value: number } => each.value !== undefined)
    .sort((a, b) => b.value - a.value);
  if (values.length === 0) return <Empty compact icon="chart" title="No run shown here has a number there" />;
  const low = Math.min(0, ...values.map(({ value }) => value));
  const high = Math.max(0, ...values.map(({ value }) => value));
  const share = (value: number) => (value - low) / (high - low || 1) * 100;
  const zero = share(0);
  return (
    <div
      className="bars"
      style={{ maxHeight: context.height }}
      role="list"
      aria-label={`${field.key} by run`}
      tabIndex={0}
    >
      {values.slice(0, most).map(({ run, value }) => (
        <div key={run.id} className="bar-row" role="listitem">
          {project
            ? <Link className="bar-name ellipsis" to={runPath(project, run.id)} title={run.name}>{run.name}</Link>
            : <span className="bar-name ellipsis">{run.name}</span>}
          <span className="bar-track">
            <span
              className="bar-fill"
              style={{
                left: `${Math.min(zero, share(value))}%`,
                width: `${Math.max(0.4, Math.abs(share(value) - zero))}%`,
                background: context.colors.get(run.id) ?? "var(--cat-1)",
              }}
            />
          </span>
          <span className="bar-value tabular" title={String(value)}>{formatNumber(value)}</span>
        </div>
      ))}
      {values.length > most && <div className="faint small">and {plural(values.length - most, "run")} below</div>}
    </div>
  );
}
