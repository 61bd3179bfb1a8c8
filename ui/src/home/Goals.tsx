import { lazy, Suspense, useState } from "react";
import { useQuery } from "../api/hooks.ts";
import type { Goal, Instant } from "../api/types.ts";
import { useMay } from "../app/project.ts";
import { Badge } from "../kit/Badge.tsx";
import { Button } from "../kit/Button.tsx";
import { formatNumber, formatPercent } from "../kit/format.ts";
import { RefLink, Time } from "../kit/Values.tsx";
import { Measure } from "./Measure.tsx";

// Home comes first of all pages and shall not wait for the code of charts.
const LineChart = lazy(async () => ({ default: (await import("../kit/chart/LineChart.tsx")).LineChart }));

interface Measurement {
  time: Instant;
  value: number;
  evidence: string | null;
}

declare module "../api/types.ts" {
  interface Responses {
    "GET /api/v1/projects/{project}/goals/{goal}/measurements": Page<Measurement>;
  }
}

/** What the project is for, and how far it is: each goal of the charter with its measured values over time. */
export function Goals({ project, goals }: { project: string; goals: readonly Goal[] }) {
  if (goals.length === 0) return null;
  return (
    <section className="goals" aria-label="Goals">
      {goals.map((goal) => <GoalCard key={goal.name} project={project} goal={goal} />)}
    </section>
  );
}

function GoalCard({ project, goal }: { project: string; goal: Goal }) {
  const { data } = useQuery(
    "/api/v1/projects/{project}/goals/{goal}/measurements",
    { path: { project, goal: goal.name } },
    { live: ["project.goal.measured"] },
  );
  const [isMeasuring, setMeasuring] = useState(false);
  const mayMeasure = useMay("projects.measure", project);
  const values = [...data?.items ?? []].reverse();
  const format = (value: number) =>
    goal.relative ? `${value > 0 ? "+" : ""}${formatPercent(value)}` : formatNumber(value);
  const evidence = values.at(-1)?.evidence;
  return (
    <article className="goal">
      <div className="goal-text">
        <h2 className="goal-name">{goal.name}</h2>
        <div className="row row-wrap">
          <span className="goal-value">{goal.measured === null ? "–" : format(goal.measured)}</span>
          {goal.met !== null && (
            <Badge tone={goal.met ? "good" : "warn"} icon={goal.met ? "check" : "warning"}>
              {goal.met ? "met" : "not met"}
            </Badge>
          )}
        </div>
        <p className="small muted">
          Target {format(goal.target)}
          {goal.measuredAt
            ? (
              <>
                , measured <Time at={goal.measuredAt} />
              </>
            )
            : ", never measured"}
          {evidence && (
            <>
              , by <RefLink value={evidence} />
            </>
          )}
        </p>
      </div>
      {mayMeasure && <Button small icon="plus" onClick={() => setMeasuring(true)}>Measured</Button>}
      <Measure project={project} goal={goal} open={isMeasuring} onClose={() => setMeasuring(false)} />
      {values.length > 1 && (
        <div className="goal-chart">
          <Suspense>
            <LineChart
              label={`${goal.name} over time`}
              height={84}
              xScale="time"
              series={[{
                id: goal.name,
                label: goal.name,
                x: values.map(({ time }) => Date.parse(time)),
                y: values.map(({ value }) => value),
              }]}
              marks={[{ axis: "y", at: goal.target, label: "target", tone: "good" }]}
              points="dots"
              formatY={format}
            />
          </Suspense>
        </div>
      )}
    </article>
  );
}
