import { useMemo } from "react";
import type { PageProps } from "../../app/feature.ts";
import { pathTo } from "../../app/paths.ts";
import { Link, navigate } from "../../app/router.tsx";
import { flag, list, oneOf, useUrlState } from "../../app/urlState.ts";
import { get } from "../../api/client.ts";
import { useFetch } from "../../api/hooks.ts";
import { StateBadge } from "../../kit/Badge.tsx";
import { IconButton } from "../../kit/Button.tsx";
import { Checkbox } from "../../kit/Field.tsx";
import { formatNumber, plural } from "../../kit/format.ts";
import { PageLayout, Panel } from "../../kit/Page.tsx";
import { Empty, Loaded, Skeleton } from "../../kit/States.tsx";
import { Tabs } from "../../kit/Tabs.tsx";
import { Time } from "../../kit/Values.tsx";
import type { Run } from "../api.ts";
import { colorsOf } from "../charts/colors.ts";
import { experimentPath, routes, runPath } from "../paths.ts";
import { CompareCharts } from "./CompareCharts.tsx";
import { CompareFiles } from "./CompareFiles.tsx";
import { betterOf, compareRuns, ends, type Group, type Line } from "./diff.ts";

/** Runs beside each other: what differs first, then their curves and files. */
export default function ComparePage({ params: { project } }: PageProps<typeof routes.compare>) {
  const [ids, setIds] = useUrlState("runs", list, []);
  const [tab, setTab] = useUrlState("tab", oneOf("differences", "charts", "files"), "differences");
  const query = useFetch(
    `compare ${ids.join(" ")}`,
    (signal) => Promise.all(ids.map((id) => get("/api/v1/runs/{id}", { path: { id }, signal }))),
    { live: ["run."], about: (event) => ids.some((id) => event.subject.includes(id)), fresh: 5_000 },
  );
  const first = query.data?.[0];
  const names = query.data?.map((run) => run.name).join(", ") ?? "";
  return (
    <PageLayout
      title={`Compare ${plural(ids.length, "run")}`}
      crumbs={[
        { label: "Experiments", to: pathTo(routes.experiments, { project }) },
        ...(first ? [{ label: "Runs", to: experimentPath(project, first.experiment) }] : []),
      ]}
      sub={<span className="ellipsis" title={names}>{names}</span>}
    >
      {ids.length === 0
        ? <Empty icon="swap" title="No runs to compare">Choose runs in an experiment, then Compare.</Empty>
        : (
          <Tabs
            label="Parts of the comparison"
            value={tab}
            onChange={setTab}
            tabs={[
              { id: "differences", label: "Differences" },
              { id: "charts", label: "Charts" },
              { id: "files", label: "Files" },
            ]}
          >
            <Loaded query={query} skeleton={<Skeleton rows={10} />}>
              {(runs) =>
                tab === "charts"
                  ? <CompareCharts runs={runs} />
                  : tab === "files"
                  ? <CompareFiles runs={runs} />
                  : <Differences project={project} runs={runs} onRuns={setIds} />}
            </Loaded>
          </Tabs>
        )}
    </PageLayout>
  );
}

function Differences(
  { project, runs, onRuns }: { project: string; runs: readonly Run[]; onRuns: (runs: string[]) => void },
) {
  const [isAll, setAll] = useUrlState("same", flag, false);
  const groups = useMemo(() => compareRuns(runs), [runs]);
  const colors = useMemo(() => colorsOf(runs.map((run) => run.id)), [runs]);
  const same = groups.reduce((sum, group) => sum + group.lines.filter((line) => !line.differs).length, 0);
  const shown = groups.map((group) => ({
    ...group,
    lines: isAll ? group.lines : group.lines.filter((line) => line.differs),
  }))
    .filter((group) => group.lines.length > 0);
  const without = (run: Run) => {
    const rest = runs.filter((each) => each.id !== run.id).map((each) => each.id);
    if (rest.length > 0) onRuns(rest);
    else navigate(experimentPath(project, run.experiment));
  };
  return (
    <div className="stack">
      <div className="row">
        <Checkbox checked={isAll} onChange={setAll}>
          Show the {same.toLocaleString("en")} that are the same in all runs
        </Checkbox>
      </div>
      <Panel flush className="compare-panel">
        <div className="compare-scroll" tabIndex={0} role="region" aria-label="Differences of the runs">
          <table className="compare-table">
            <thead>
              <tr>
                <th scope="col" className="compare-key">Run</th>
                {runs.map((run) => (
                  <th key={run.id} scope="col">
                    <span className="row">
                      <span className="run-dot" style={{ background: colors.get(run.id) }} aria-hidden />
                      <Link className="ellipsis grow" to={runPath(project, run.id)} title={run.name}>{run.name}</Link>
                      <IconButton small icon="close" label={`Leave out ${run.name}`} onClick={() => without(run)} />
                    </span>
                  </th>
                ))}
              </tr>
              <tr className="compare-facts">
                <th scope="row" className="compare-key">Status</th>
                {runs.map((run) => (
                  <td key={run.id}>
                    <span className="row row-wrap">
                      <StateBadge state={run.status} />
                      <span className="small muted">
                        <Time at={run.started} />
                      </span>
                    </span>
                  </td>
                ))}
              </tr>
            </thead>
            {shown.map((group) => <GroupRows key={group.id} group={group} runs={runs} />)}
          </table>
          {shown.length === 0 && (
            <Empty compact icon="check" title="Nothing differs">All that the runs logged is the same.</Empty>
          )}
        </div>
      </Panel>
    </div>
  );
}

function GroupRows({ group, runs }: { group: Group; runs: readonly Run[] }) {
  return (
    <tbody>
      <tr className="compare-group">
        <th scope="colgroup" className="compare-key">{group.title}</th>
        <td colSpan={runs.length} />
      </tr>
      {group.lines.map((line) => <DifferenceRow key={line.key} line={line} isMetric={group.id === "metrics"} />)}
    </tbody>
  );
}

function DifferenceRow({ line, isMetric }: { line: Line; isMetric: boolean }) {
  const range = ends(line);
  const better = isMetric ? betterOf(line.key) : null;
  const best = range === null || better === null ? null : better === "lower" ? range.low : range.high;
  return (
    <tr className={line.differs ? "compare-differs" : "compare-same"}>
      <th scope="row" className="compare-key">
        <span className="ellipsis compare-name" title={line.key}>{line.key.replace(/^mlflow\.(source\.)?/, "")}</span>
      </th>
      {line.values.map((value, index) => (
        <td key={index} className={typeof value === "number" ? "num" : undefined}>
          {value === undefined
            ? <span className="faint">–</span>
            : typeof value === "number"
            ? (
              <span className="compare-number" title={String(value)}>
                {range && (
                  <span className="compare-bar" aria-hidden>
                    <span style={{ width: `${8 + 92 * (value - range.low) / (range.high - range.low)}%` }} />
                  </span>
                )}
                {value === best && (
                  <span className="compare-best" title={`The ${better === "lower" ? "least" : "greatest"}`}>best</span>
                )}
                <span>{formatNumber(value, 5)}</span>
              </span>
            )
            : <span className="compare-text" title={value}>{value}</span>}
        </td>
      ))}
    </tr>
  );
}
