import { lanesOf } from "./lanes.ts";

function equal(have: unknown, want: unknown): void {
  const [a, b] = [JSON.stringify(have), JSON.stringify(want)];
  if (a !== b) throw new Error(`${a} is not ${b}`);
}

Deno.test("a line of versions is one lane", () => {
  const found = lanesOf([{ version: 2, parent: 1, merged: null }, { version: 1, parent: null, merged: null }]);
  equal(found.map((row) => [row.lane, row.width, row.segments.length]), [[0, 1, 1], [0, 1, 1]]);
});

Deno.test("a branch that is merged again is a second lane between the two", () => {
  const found = lanesOf([
    { version: 4, parent: 3, merged: 2 },
    { version: 3, parent: 1, merged: null },
    { version: 2, parent: 1, merged: null },
    { version: 1, parent: null, merged: null },
  ]);
  equal(found.map((row) => row.lane), [0, 0, 1, 0]);
  equal(found[0]?.segments, [{ from: 0, to: 0, kind: "out" }, { from: 0, to: 1, kind: "out" }]);
  equal(found[2]?.segments, [{ from: 0, to: 0, kind: "down" }, { from: 1, to: 1, kind: "in" }, {
    from: 1,
    to: 0,
    kind: "out",
  }]);
  equal(found[3]?.segments, [{ from: 0, to: 0, kind: "in" }]);
});
