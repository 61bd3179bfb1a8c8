import type { Reign } from "./api.ts";
import { isLegible, timeline } from "./timeline.ts";

function equal(have: unknown, want: unknown): void {
  const [a, b] = [JSON.stringify(have), JSON.stringify(want)];
  if (a !== b) throw new Error(`${a} is not ${b}`);
}

const reign = (alias: string, version: number, from: number, until: number | null): Reign => ({
  alias,
  version,
  from: new Date(from).toISOString(),
  until: until === null ? null : new Date(until).toISOString(),
  setBy: "ada",
  reason: "set",
});

const history = [reign("staging", 3, 500, null), reign("champion", 2, 100, null), reign("champion", 1, 0, 100)];

Deno.test("to scale, places are shares of the time; the champion comes first", () => {
  const { lanes, ticks } = timeline(history, 1000, true);
  equal(lanes.map((lane) => [lane.alias, lane.reigns.map(({ reign, from, to }) => [reign.version, from, to])]), [
    ["champion", [[1, 0, 0.1], [2, 0.1, 1]]],
    ["staging", [[3, 0.5, 1]]],
  ]);
  equal(ticks.map((tick) => tick.time), [0, 100, 500, 1000]);
});

Deno.test("in order, each stretch between two changes is as wide as any other", () => {
  const { lanes } = timeline(history, 1000, false);
  equal(lanes[0]?.reigns.map(({ from, to }) => [from.toFixed(2), to.toFixed(2)]), [["0.00", "0.33"], ["0.33", "1.00"]]);
});

Deno.test("a short reign among long ones is not legible to scale", () => {
  equal([isLegible(history, 1000), isLegible(history, 100_000), isLegible([], 5)], [true, false, true]);
});
