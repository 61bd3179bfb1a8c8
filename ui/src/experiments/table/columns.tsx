import { Link } from "../../app/router.tsx";
import type { Column } from "../../kit/grid/index.ts";
import { StateBadge } from "../../kit/Badge.tsx";
import { formatDuration } from "../../kit/format.ts";
import { Num, Time } from "../../kit/Values.tsx";
import type { Run } from "../api.ts";
import {
  duration,
  isOwnTag,
  isSystemMetric,
  type Keys,
  measured,
  metricField,
  paramField,
  tagField,
} from "../fields.ts";
import { runPath } from "../paths.ts";

/** Metrics and parameters that are shown without being chosen, of each. */
const shownAtFirst = 8;

/** The columns of the run table: what every run has, then the keys that some run has. */
export function runColumns(project: string, keys: Keys, color: (run: Run) => string | undefined): Column<Run>[] {
  const metrics = [...keys.metrics].sort((a, b) => Number(isSystemMetric(a)) - Number(isSystemMetric(b)));
  return [
    {
      id: "run_name",
      header: "Run",
      width: 220,
      minWidth: 120,
      pinned: true,
      fixed: true,
      sortable: true,
      value: (run) => run.name,
      cell: (run) => <RunName run={run} project={project} color={color(run)} />,
    },
    {
      id: "status",
      header: "Status",
      width: 108,
      sortable: true,
      value: (run) => run.status,
      cell: (run) => <StateBadge state={run.lifecycle === "deleted" ? "deleted" : run.status} />,
    },
    {
      id: "start_time",
      header: "Started",
      width: 104,
      sortable: true,
      value: (run) => run.started,
      cell: (run) => <Time at={run.started} />,
    },
    {
      id: "duration",
      header: "Duration",
      width: 104,
      align: "end",
      value: (run) => duration(run),
      cell: (run) => <RunDuration run={run} />,
    },
    ...metrics.map((key, index): Column<Run> => ({
      id: metricField(key).id,
      header: key,
      group: isSystemMetric(key) ? "System metrics" : "Metrics",
      width: Math.min(200, Math.max(96, key.length * 7.5 + 36)),
      align: "end",
      sortable: true,
      hidden: isSystemMetric(key) || index >= shownAtFirst,
      value: (run) => run.metrics[key],
      cell: (run) => <Num value={measured(run.metrics[key])} />,
    })),
    ...keys.params.map((key, index): Column<Run> => ({
      id: paramField(key).id,
      header: key,
      group: "Parameters",
      width: Math.min(200, Math.max(96, key.length * 7.5 + 36)),
      sortable: true,
      hidden: index >= shownAtFirst,
      value: (run) => run.params[key],
    })),
    {
      id: "user_id",
      header: "User",
      width: 110,
      sortable: true,
      value: (run) => run.user,
    },
    {
      id: "dataset.name",
      header: "Datasets",
      width: 170,
      hidden: true,
      value: (run) => (run.datasets ?? []).map((dataset) => dataset.ref ?? dataset.name).join(", "),
    },
    ...keys.tags.map((key): Column<Run> => ({
      id: tagField(key).id,
      header: key.replace(/^(mlflow|slipway)\./, ""),
      name: key,
      group: isOwnTag(key) ? "Tags of the client" : "Tags",
      width: 130,
      sortable: true,
      hidden: isOwnTag(key),
      value: (run) => run.tags[key],
    })),
    { id: "run_id", header: "Id", width: 270, hidden: true, value: (run) => run.id },
  ];
}

export function RunName({ run, project, color }: { run: Run; project: string; color?: string | undefined }) {
  const isChild = run.tags["mlflow.parentRunId"] !== undefined;
  return (
    <span className="run-name">
      {color && <span className="run-dot" style={{ background: color }} aria-hidden />}
      {isChild && <span className="faint" title="A child of another run">↳</span>}
      <Link to={runPath(project, run.id)} className="ellipsis">{run.name}</Link>
    </span>
  );
}

export function RunDuration({ run }: { run: Run }) {
  const seconds = duration(run);
  if (seconds === undefined) return <span className="faint">–</span>;
  return <span className="tabular">{formatDuration(seconds * 1000)}</span>;
}
