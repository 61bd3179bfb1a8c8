import { columnsOf, fieldProblem, fieldsOf, pasted, requestOf } from "./tensors.ts";

function equal(actual: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${a} is not ${b}`);
}

const matrix = [{ name: "x", datatype: "FP32", shape: [-1, 2] }];
const named = fieldsOf(matrix, { x: ["price", "day"] }) ?? [];

Deno.test("a prediction's values by row", () => {
  const columns = columnsOf({
    inputs: { x: { shape: [2, 2], data: [1, 2, 3, 4], columns: ["price", "day"] }, shop: ["a", "b"] },
    outputs: { y: { shape: [2, 1], data: [0.5, 0.6] } },
  });
  equal(columns.map(({ kind, label, at }) => [kind, label, at(1)]), [
    ["input", "price", 3],
    ["input", "day", 4],
    ["input", "shop", "b"],
    ["output", "y", 0.6],
  ]);
});

Deno.test("a form becomes a request", () => {
  equal(named.map((field) => field.label), ["price", "day"]);
  equal(requestOf(matrix, named, [["1.5", ""], ["2", "3"]]), {
    inputs: [{ name: "x", datatype: "FP32", shape: [2, 2], data: [1.5, null, 2, 3] }],
    parameters: { columns: ["price", "day"] },
  });
  const two = [{ name: "shop", datatype: "BYTES", shape: [-1] }, { name: "n", datatype: "INT64", shape: [-1] }];
  equal(requestOf(two, fieldsOf(two, {}) ?? [], [["a", "7"]]), {
    inputs: [
      { name: "shop", datatype: "BYTES", shape: [1], data: ["a"] },
      { name: "n", datatype: "INT64", shape: [1], data: [7] },
    ],
  });
  equal(fieldsOf([{ name: "x", datatype: "FP32", shape: [-1, -1] }], {}), null);
});

Deno.test("what a field may hold", () => {
  equal(fieldProblem("FP32", ""), null);
  equal(fieldProblem("INT64", ""), "needs a value");
  equal(fieldProblem("INT64", "1.5"), "is not a whole number");
  equal(fieldProblem("FP32", "x"), "is not a number");
  equal(fieldProblem("BYTES", "x"), null);
});

Deno.test("pasted rows, with and without a head", () => {
  equal(pasted("1,2\n3,4", named), [["1", "2"], ["3", "4"]]);
  equal(pasted("day\tprice\n1\t2", named), [["2", "1"]]);
});
