import { categoryCss } from "../../kit/chart/color.ts";

/** A colour for each run, the same wherever the same runs are shown together, whatever their order there. */
export function colorsOf(runs: readonly string[]): Map<string, string> {
  return new Map([...runs].sort().map((run, index) => [run, categoryCss(index)]));
}
