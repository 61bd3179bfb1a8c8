import { equal, near } from "../../testing.ts";
import { linearTicks, makeScale, niceDomain, ticksOf, tickText } from "./scale.ts";

Deno.test("ticks are round and without an error that adds up", () => {
  equal(linearTicks([0, 1], 5), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  equal(linearTicks([-0.3, 0.3], 6), [-0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.3]);
  equal(linearTicks([0, 14_278], 4), [0, 5000, 10_000]);
  equal(linearTicks([5, 5], 4), [5]);
});

Deno.test("log ticks are decades, with halves where there are few", () => {
  equal(ticksOf("log", [0.0001, 1], 5), [0.0001, 0.001, 0.01, 0.1, 1]);
  equal(ticksOf("log", [1, 100], 5), [1, 2, 5, 10, 20, 50, 100]);
});

Deno.test("scales go there and back", () => {
  for (const kind of ["linear", "log", "time"] as const) {
    const scale = makeScale(kind, [1, 1000], [50, 850]);
    for (const value of [1, 10, 500, 1000]) near(scale.invert(scale.at(value)), value, 1e-6);
  }
  equal(Number.isNaN(makeScale("log", [1, 10], [0, 1]).at(-1)), true);
});

Deno.test("domains of nothing, of one value and of values that a log axis cannot show", () => {
  equal(niceDomain("linear", Infinity, -Infinity), [0, 1]);
  equal(niceDomain("linear", 5, 5), [4.5, 5.5]);
  equal(niceDomain("log", Infinity, -Infinity), [1, 10]);
  const [low, high] = niceDomain("log", 0, 100);
  equal(low > 0 && high > 100, true);
});

Deno.test("tick texts tell neighbours apart", () => {
  const ticks = [100_000, 100_001, 100_002];
  equal(ticks.map((value) => tickText("linear", value, ticks)), ["100,000", "100,001", "100,002"]);
  const small = [0.0012, 0.0014];
  equal(small.map((value) => tickText("linear", value, small)), ["0.0012", "0.0014"]);
});
