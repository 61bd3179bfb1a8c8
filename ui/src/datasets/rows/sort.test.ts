import { nextSort, sortCodec } from "./sort.ts";

function equal(have: unknown, want: unknown): void {
  const [a, b] = [JSON.stringify(have), JSON.stringify(want)];
  if (a !== b) throw new Error(`${a} is not ${b}`);
}

Deno.test("an order is written and read, with any names", () => {
  const sort = [{ column: "price", descending: true }, { column: "-a,b%", descending: false }];
  equal(sortCodec.write(sort), "-price,%2Da%2Cb%25");
  equal(sortCodec.read("-price,%2Da%2Cb%25"), sort);
  equal(sortCodec.write([]), null);
});

Deno.test("a click goes ascending, descending, none; with Shift the others stay", () => {
  const up = [{ column: "a", descending: false }];
  const down = [{ column: "a", descending: true }];
  equal(nextSort([], "a", false), up);
  equal(nextSort(up, "a", false), down);
  equal(nextSort(down, "a", false), []);
  equal(nextSort(up, "b", false), [{ column: "b", descending: false }]);
  equal(nextSort(up, "b", true), [...up, { column: "b", descending: false }]);
  equal(nextSort([...up, { column: "b", descending: false }], "a", true), [...down, {
    column: "b",
    descending: false,
  }]);
});
