import { type QueryState, useFetch } from "../../api/hooks.ts";
import type { Series } from "../../kit/chart/index.ts";
import { type Curve, curvesOf, type Run } from "../api.ts";
import { useEvery } from "../run/useEvery.ts";

/** What the horizontal axis of curves is: steps, time since the run began, or the clock. */
export type CurveAxis = "step" | "relative" | "time";

export interface CurveRequest {
  runs: readonly Run[];
  metrics: readonly string[];
  axis: CurveAxis;
  /** The stretch that is shown, on the axis; null: all. */
  zoom: readonly [number, number] | null;
  /** Buckets: one for each pixel of the chart. */
  points: number;
  /** Whether anybody sees the chart. */
  active: boolean;
}

/** How often charts of runs that still log are drawn anew, in ms. */
const liveEvery = 5_000;

/** The curves of a chart. Zoomed in, the server thins out only that stretch, so that nothing stays hidden. */
export function useCurves(request: CurveRequest): QueryState<Curve[]> {
  const { runs, metrics, axis, zoom, points, active } = request;
  const ids = runs.map((run) => run.id);
  // Time since the start is another one for each run; the server knows steps and the clock.
  const asked = axis === "time" ? "time" : "step";
  const range = axis === "relative" || !zoom ? null : zoom;
  const key = `curves ${asked} ${points} ${range?.join("-") ?? ""} ${metrics.join("|")} ${ids.join(" ")}`;
  const state = useFetch(active && ids.length > 0 ? key : null, (signal) =>
    curvesOf(ids, metrics, {
      points,
      axis: asked,
      from: range && Math.floor(range[0]),
      to: range && Math.ceil(range[1]),
    }, signal), {
    fresh: 30_000,
    live: ["run.finished"],
    about: (event) => ids.some((id) => event.subject.includes(id)),
  });
  const isLive = active && runs.some((run) => run.status === "RUNNING");
  const { refresh } = state;
  useEvery(liveEvery, isLive, refresh);
  return state;
}

/** A curve as a line of a chart: the mean of each bucket, and from the least to the greatest value as a band. */
export function seriesOf(
  curve: Curve,
  options: {
    axis: CurveAxis;
    started: number;
    label: string;
    color?: string | undefined;
    band: boolean;
    dashed?: boolean;
  },
): Series {
  const { axis, started, band } = options;
  const count = curve.buckets.length;
  const x = new Float64Array(count);
  const y = new Float64Array(count);
  const low = new Float64Array(count);
  const high = new Float64Array(count);
  let isThinned = false;
  for (const [index, bucket] of curve.buckets.entries()) {
    x[index] = axis === "step"
      ? (bucket.firstStep + bucket.lastStep) / 2
      : (Date.parse(bucket.firstTime) + Date.parse(bucket.lastTime)) / 2 - (axis === "relative" ? started : 0);
    if (axis === "relative") x[index] = (x[index] ?? 0) / 1000;
    y[index] = bucket.mean ?? NaN;
    low[index] = bucket.min ?? NaN;
    high[index] = bucket.max ?? NaN;
    if (bucket.points > 1) isThinned = true;
  }
  const { label, color, dashed } = options;
  return {
    id: `${curve.run} ${curve.metric}`,
    label,
    x,
    y,
    ...(band && isThinned ? { low, high } : {}),
    ...(color ? { color } : {}),
    ...(dashed ? { dashed } : {}),
  };
}

/** How many of a chart's points are no numbers, in words; empty if all are. */
export function notNumbers(curves: readonly Curve[]): string {
  let nan = 0;
  let infinite = 0;
  for (const { buckets } of curves) {
    for (const bucket of buckets) {
      nan += bucket.nan ?? 0;
      infinite += (bucket.positiveInfinity ?? 0) + (bucket.negativeInfinity ?? 0);
    }
  }
  return [nan && `${nan} NaN`, infinite && `${infinite} infinite`].filter(Boolean).join(", ");
}
