import { useMemo, useState } from "react";
import { formatDuration } from "../../kit/format.ts";
import { LineChart } from "../../kit/chart/index.ts";
import { Badge } from "../../kit/Badge.tsx";
import { Empty, Failed, Skeleton } from "../../kit/States.tsx";
import type { Run } from "../api.ts";
import { BarPanel } from "./BarPanel.tsx";
import { notNumbers, seriesOf, useCurves } from "./curves.ts";
import { metricField } from "../fields.ts";
import type { PanelContext } from "./PanelView.tsx";

/** Metrics over steps or time. What was logged once only is drawn as bars. */
export function LinePanel(
  { metrics, runs, context }: { metrics: string[]; runs: readonly Run[]; context: PanelContext },
) {
  const { axis, smoothing, log, band, colors, height } = context;
  const [zoom, setZoom] = useState<[number, number] | null>(null);
  const concerned = useMemo(
    () => runs.filter((run) => metrics.some((metric) => metric in run.metrics)),
    [runs, metrics],
  );
  const curves = useCurves({ runs: concerned, metrics, axis, zoom, points: 600, active: context.isSeen });
  const series = useMemo(() => {
    const byId = new Map(concerned.map((run) => [run.id, run]));
    return (curves.data ?? []).filter((curve) => curve.buckets.length > 0).map((curve) => {
      const run = byId.get(curve.run);
      return seriesOf(curve, {
        axis,
        started: Date.parse(run?.started ?? ""),
        label: metrics.length > 1 ? `${run?.name ?? curve.run} · ${curve.metric}` : run?.name ?? curve.run,
        color: colors.get(curve.run),
        dashed: metrics.indexOf(curve.metric) > 0,
        band,
      });
    });
  }, [curves.data, concerned, axis, colors, band, metrics]);

  if (concerned.length === 0) return <Empty compact icon="chart" title="No run shown here has this metric" />;
  if (curves.error && !curves.data) return <Failed compact error={curves.error} retry={curves.refresh} />;
  if (!curves.data) return <Skeleton height={height} />;
  const isSingle = metrics.length === 1 && !zoom && curves.data.every((curve) => curve.points <= 1);
  if (isSingle && metrics[0]) {
    return <BarPanel field={metricField(metrics[0]).id} runs={concerned} context={context} />;
  }
  const odd = notNumbers(curves.data);
  return (
    <>
      {odd && (
        <div className="panel-odd">
          <Badge tone="warn" icon="warning" title="They cannot be drawn; the line has a gap there.">{odd}</Badge>
        </div>
      )}
      <LineChart
        label={`${metrics.join(", ")} of ${concerned.length} runs`}
        series={series}
        height={height}
        xScale={axis === "time" ? "time" : "linear"}
        yScale={log ? "log" : "linear"}
        smoothing={smoothing}
        zoom={zoom}
        onZoom={setZoom}
        hoverGroup={`${context.hoverGroup}-${axis}`}
        legend={context.legend}
        highlight={context.highlight ? `${context.highlight} ${metrics[0]}` : null}
        {...(axis === "relative" ? { formatX: (x: number) => formatDuration(x * 1000) } : {})}
      />
    </>
  );
}
