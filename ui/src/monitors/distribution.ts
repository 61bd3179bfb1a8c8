import { formatNumber } from "../kit/format.ts";
import type { FeatureReport, Measure, Monitor, Report } from "./api.ts";

export interface Distribution {
  labels: string[];
  /** Shares of all that had a value; they add up to 1, or are 0 where nothing was. */
  reference: number[];
  current: number[];
  /** What each bin adds to the population stability index; half a row is given to each bin, as the server does. */
  psi: number[];
}

/** The two distributions of a feature by bin, as shares, so that sides with different numbers of rows compare. */
export function distributionOf(feature: FeatureReport): Distribution | null {
  const bins = feature.bins;
  if (!bins) return null;
  const count = bins.reference.length;
  const shares = (values: readonly number[]) => {
    const all = values.reduce((sum, value) => sum + value, 0);
    return values.map((value) => all > 0 ? value / all : 0);
  };
  const smoothed = (values: readonly number[]) => {
    const all = values.reduce((sum, value) => sum + value, 0) + count / 2;
    return values.map((value) => (value + 0.5) / all);
  };
  const [r, c] = [smoothed(bins.reference), smoothed(bins.current)];
  return {
    labels: labelsOf(bins, count),
    reference: shares(bins.reference),
    current: shares(bins.current),
    psi: r.map((share, index) => ((c[index] ?? 0) - share) * Math.log((c[index] ?? 1) / share)),
  };
}

function labelsOf(bins: NonNullable<FeatureReport["bins"]>, count: number): string[] {
  const edges = bins.upperEdges;
  if (edges) {
    return Array.from({ length: count }, (_, index) => {
      const upper = edges[index];
      const lower = edges[index - 1];
      if (upper === undefined) return `> ${formatNumber(lower ?? 0, 3)}`;
      // Where the reference's minimum fills a tenth, the first bin is what lies below it, the second the minimum itself.
      if (lower === upper) return `= ${formatNumber(upper, 3)}`;
      return index === 0 && edges[1] === upper ? `< ${formatNumber(upper, 3)}` : `≤ ${formatNumber(upper, 3)}`;
    });
  }
  const values = bins.values ?? [];
  return Array.from({ length: count }, (_, index) => values[index] ?? "others");
}

/** How far a feature is over its limits: 1 is at a limit. 0 where nothing limits it or nothing is known. */
export function severity(feature: FeatureReport, thresholds: Monitor["thresholds"]): number {
  const parts: number[] = [];
  if (thresholds.psi && feature.psi !== null) parts.push(feature.psi / thresholds.psi);
  if (thresholds.ks && typeof feature.ks === "number") parts.push(feature.ks / thresholds.ks);
  if (thresholds.missing && feature.missing !== null) {
    parts.push(Math.abs(feature.missing - feature.referenceMissing) / thresholds.missing);
  }
  return Math.max(0, ...parts);
}

/** A figure of a feature over reports, oldest first. */
export function history(
  reports: readonly Report[],
  feature: string,
  measure: "psi" | "ks" | "missing",
): { x: number[]; y: number[]; report: string[] } {
  const points = reports.flatMap((report) => {
    const value = report.features.find((each) => each.name === feature)?.[measure];
    return typeof value === "number" ? [{ at: Date.parse(report.at), value, id: report.id }] : [];
  }).sort((a, b) => a.at - b.at);
  return { x: points.map(({ at }) => at), y: points.map(({ value }) => value), report: points.map(({ id }) => id) };
}

export const measureNames: Record<Measure, string> = {
  psi: "population stability index",
  ks: "Kolmogorov–Smirnov distance",
  missing: "change in the share that is missing",
  mae: "mean absolute error",
  rmse: "root mean squared error",
  bias: "bias (prediction minus truth)",
  pinball: "pinball loss",
  errorRate: "share of wrong labels",
};

/** "28 days", "1,000 rows". */
export function windowText(window: Monitor["window"]): string {
  const { seconds, hours, days, rows } = window;
  if (rows !== undefined) return `the newest ${rows.toLocaleString("en")} rows`;
  const all = (seconds ?? 0) + (hours ?? 0) * 3600 + (days ?? 0) * 86_400;
  const [value, unit] = all % 86_400 === 0
    ? [all / 86_400, "day"]
    : all % 3600 === 0
    ? [all / 3600, "hour"]
    : [all, "second"];
  return `${value} ${unit}${value === 1 ? "" : "s"}`;
}
