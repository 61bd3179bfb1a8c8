import { equal, near } from "../../testing.ts";
import { makeScale } from "./scale.ts";
import { nextX, readOut } from "./values.ts";
import { extent, lowerBound, nearestIndex, smooth, thin } from "./series.ts";

Deno.test("smoothing starts at the first value and keeps gaps", () => {
  const out = smooth([10, 10, NaN, 10], 0.9);
  near(out[0] ?? 0, 10);
  near(out[1] ?? 0, 10);
  equal(Number.isNaN(out[2]), true);
  near(out[3] ?? 0, 10);
  // By hand: m = 0.5·(0.5·1) + 0.5·3 = 1.75; 1 − 0.5² = 0.75.
  near(smooth([1, 3], 0.5)[1] ?? 0, 1.75 / 0.75);
  equal(smooth([1, 2, 3], 0), [1, 2, 3]);
});

Deno.test("thinning keeps first, last, lowest and highest of each pixel column", () => {
  const n = 100_000;
  const x = Float64Array.from({ length: n }, (_, index) => index);
  const y = Float64Array.from({ length: n }, (_, index) => Math.sin(index / 50));
  y[54_321] = 9;
  y[54_322] = -9;
  const { indexes } = thin(x, y, 0, n, 500);
  equal(indexes.length <= 2000, true);
  equal(indexes[0], 0);
  equal(indexes.at(-1), n - 1);
  equal(indexes.includes(54_321) && indexes.includes(54_322), true);
  equal([...indexes].every((value, at) => at === 0 || value > (indexes[at - 1] ?? 0)), true);
});

Deno.test("thinning a stretch takes a neighbour at each side, so that the line leaves the frame", () => {
  const x = [0, 10, 20, 30, 40, 50];
  equal(thin(x, x, 15, 35, 100).indexes, [1, 2, 3, 4, 5]);
});

Deno.test("places in ascending x", () => {
  const x = [1, 3, 5];
  equal([0, 1, 2, 5, 6].map((value) => lowerBound(x, value)), [0, 0, 1, 2, 3]);
  equal([-9, 1.9, 2.1, 99].map((value) => nearestIndex(x, value)), [0, 0, 1, 2]);
  equal(nearestIndex([], 1), -1);
});

Deno.test("extents leave out what is not finite", () => {
  equal(extent([NaN, 2, Infinity, -1]), [-1, 2]);
  equal(extent([0, -3, 7], true), [7, 7]);
});

Deno.test("the keyboard walks through the points in sight", () => {
  const sx = makeScale("linear", [0, 100], [0, 500]);
  const series = [{ id: "a", label: "a", x: [0, 50, 100], y: [1, 2, 3] }, {
    id: "b",
    label: "b",
    x: [0, 10, 20, 30],
    y: [1, 2, 3, 4],
  }];
  equal([nextX(series, null, 1, sx), nextX(series, 10, 1, sx), nextX(series, 10, -10, sx), nextX([], 5, 1, sx)], [
    0,
    20,
    0,
    null,
  ]);
});

Deno.test("a line that has ended is not read out far from its end", () => {
  const sx = makeScale("linear", [0, 100], [0, 500]);
  const series = [{ id: "a", label: "a", x: [0, 50, 100], y: [1, 2, 3] }, {
    id: "b",
    label: "b",
    x: [0, 20],
    y: [5, 6],
  }];
  const y = new Map(series.map((each) => [each.id, each.y]));
  equal(readOut(series, series, y, 80, sx, null, "linear").map((row) => [row.series.id, row.y]), [["a", 3]]);
  equal(readOut(series, series, y, 21, sx, 6, "linear").map((row) => [row.series.id, row.y]), [["b", 6], ["a", 1]]);
});
