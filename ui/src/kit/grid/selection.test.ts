import { equal } from "../../testing.ts";
import { asTabSeparated, select } from "./selection.ts";

const keyOf = (index: number) => index === 3 ? undefined : `r${index}`;
const click = (index: number, keys: { shift?: boolean; add?: boolean } = {}) => ({
  key: `r${index}`,
  index,
  shift: keys.shift ?? false,
  add: keys.add ?? false,
});

Deno.test("clicks choose as in file managers", () => {
  equal(select(new Set(["r1"]), click(2), null, keyOf), new Set(["r2"]));
  equal(select(new Set(["r1"]), click(1), null, keyOf), new Set());
  equal(select(new Set(["r1"]), click(2, { add: true }), null, keyOf), new Set(["r1", "r2"]));
  equal(select(new Set(["r1", "r2"]), click(2, { add: true }), null, keyOf), new Set(["r1"]));
  // r3 has not arrived.
  equal(select(new Set(["r9"]), click(4, { shift: true }), 1, keyOf), new Set(["r1", "r2", "r4"]));
  equal(select(new Set(["r9"]), click(1, { shift: true, add: true }), 2, keyOf), new Set(["r9", "r1", "r2"]));
});

Deno.test("copied cells are what a spreadsheet reads", () => {
  equal(asTabSeparated([["a", 1, null], ['say "hi"', "x\ty", true]]), 'a\t1\t\n"say ""hi"""\t"x\ty"\ttrue');
});
