import { categoryCss } from "./color.ts";
import type { Scale } from "./scale.ts";
import { lowerBound, nearestIndex, type Series } from "./series.ts";

/** How far beside its ends a line is still read out, in px. */
const reach = 12;

export interface Read {
  series: Series;
  index: number;
  x: number;
  y: number;
  color: string;
}

/** The value of each line at an x, the nearest to the pointer first. */
export function readOut(
  shown: readonly Series[],
  all: readonly Series[],
  smoothed: ReadonlyMap<string, ArrayLike<number>>,
  x: number,
  sx: Scale,
  near: number | null,
  yScale: "linear" | "log",
): Read[] {
  const rows: Read[] = [];
  for (const each of shown) {
    // A line that has ended long before says nothing of here.
    const first = each.x[0] ?? NaN;
    const last = each.x[each.x.length - 1] ?? NaN;
    if (sx.at(x) < sx.at(first) - reach || sx.at(x) > sx.at(last) + reach) continue;
    const index = nearestIndex(each.x, x);
    const y = (smoothed.get(each.id) ?? each.y)[index] ?? NaN;
    const at = each.x[index];
    if (at === undefined || !Number.isFinite(y) || (yScale === "log" && y <= 0)) continue;
    rows.push({ series: each, index, x: at, y, color: each.color ?? categoryCss(all.indexOf(each)) });
  }
  if (near !== null) rows.sort((a, b) => Math.abs(a.y - near) - Math.abs(b.y - near));
  return rows;
}

/** The x that a step with the keyboard leads to: the next points of the line with most points in sight. */
export function nextX(shown: readonly Series[], from: number | null, step: number, sx: Scale): number | null {
  const [low, high] = sx.domain;
  let longest: { x: ArrayLike<number>; start: number; end: number } | null = null;
  for (const { x } of shown) {
    const start = lowerBound(x, low);
    const end = lowerBound(x, high);
    if (end > start && (!longest || end - start > longest.end - longest.start)) longest = { x, start, end };
  }
  if (!longest) return null;
  const { x, start, end } = longest;
  if (from === null) return x[step > 0 ? start : end - 1] ?? null;
  // Through ten thousand points in steps that one can see.
  const stride = Math.max(1, Math.ceil((end - start) / 200)) * step;
  return x[Math.max(start, Math.min(end - 1, nearestIndex(x, from) + stride))] ?? null;
}
