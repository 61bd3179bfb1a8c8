import { useMemo } from "react";
import { LineChart, type Series } from "../kit/chart/index.ts";
import { formatTime } from "../kit/format.ts";
import { Panel } from "../kit/Page.tsx";
import { Empty } from "../kit/States.tsx";
import type { Measure, Monitor, Report } from "./api.ts";
import { measureNames } from "./distribution.ts";

const measures = ["mae", "rmse", "bias", "pinball", "errorRate"] as const satisfies readonly Measure[];

/** How good the answers turned out to be, report by report. */
export function QualityTab({ monitor, reports }: { monitor: Monitor; reports: readonly Report[] }) {
  const lines = useMemo(() => {
    const known = reports.filter((report) => report.quality !== null).sort((a, b) => a.at < b.at ? -1 : 1);
    return measures.flatMap((measure) => {
      const points = known.filter((report) => typeof report.quality?.[measure] === "number");
      if (points.length === 0) return [];
      const series: Series = {
        id: measure,
        label: measureNames[measure],
        x: points.map((report) => Date.parse(report.at)),
        y: points.map((report) => report.quality?.[measure] ?? NaN),
      };
      return [{ measure, series }];
    });
  }, [reports]);
  const judged = reports.filter((report) => report.quality);
  if (!monitor.quality) {
    return (
      <Empty icon="target" title="It does not judge answers">
        With <code>"quality": {"{}"}</code>{" "}
        in its settings it compares predictions with the feedback on them (what turned out to be true).
      </Empty>
    );
  }
  if (lines.length === 0) {
    return (
      <Empty icon="target" title="No feedback yet">
        {judged.length > 0 ? "No prediction of a window has feedback so far." : "No report has judged answers so far."}
        {" "}
        Tell what was true on a prediction's page, or by <code>POST /api/v1/feedback</code>.
      </Empty>
    );
  }
  const rows = reports.filter((report) => report.quality).sort((a, b) => a.at < b.at ? -1 : 1);
  return (
    <div className="grid-2">
      {lines.map(({ measure, series }) => {
        const limit = monitor.thresholds[measure];
        return (
          <Panel key={measure} title={measureNames[measure]}>
            <LineChart
              label={measureNames[measure]}
              series={[series]}
              xScale="time"
              points="dots"
              hoverGroup="quality"
              height={200}
              formatX={(x) => formatTime(x).slice(0, 16)}
              marks={limit === undefined ? [] : [{ axis: "y", at: limit, label: `limit ${limit}`, tone: "bad" }]}
            />
          </Panel>
        );
      })}
      <Panel title="Rows with feedback">
        <LineChart
          label="Rows with feedback"
          series={[{
            id: "rows",
            label: "rows",
            x: rows.map((report) => Date.parse(report.at)),
            y: rows.map((report) => report.quality?.rows ?? 0),
            color: "var(--cat-8)",
          }]}
          xScale="time"
          points="dots"
          hoverGroup="quality"
          height={200}
          marks={[{ axis: "y", at: monitor.minimumRows, label: `judged from ${monitor.minimumRows}`, tone: "neutral" }]}
        />
      </Panel>
    </div>
  );
}
