import type { FeatureReport } from "./api.ts";
import { distributionOf, severity, windowText } from "./distribution.ts";

function equal(actual: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${a} is not ${b}`);
}

const feature: FeatureReport = {
  name: "x",
  kind: "numeric",
  psi: 0.3654245545919168,
  missing: 0.1,
  referenceMissing: 0,
  rows: 1652,
  bins: {
    current: [126, 240, 32, 103, 71, 138, 230, 267, 445],
    reference: [1429, 3819, 467, 1428, 1424, 1428, 1428, 1428, 1427],
    upperEdges: [0.9373, 1, 1.0246, 1.0867, 1.1538, 1.2292, 1.3506, 1.5933],
  },
};

Deno.test("the parts of a stability index add up to what the server says", () => {
  const parts = distributionOf(feature)?.psi ?? [];
  const sum = parts.reduce((total, part) => total + part, 0);
  if (Math.abs(sum - 0.3654245545919168) > 1e-9) throw new Error(`${sum}`);
});

Deno.test("labels of bins", () => {
  const bins = (upperEdges: number[], count: number) =>
    distributionOf({ ...feature, bins: { current: Array(count).fill(1), reference: Array(count).fill(1), upperEdges } })
      ?.labels;
  equal(bins([1, 2], 3), ["≤ 1", "≤ 2", "> 2"]);
  equal(bins([0, 0, 6.6], 4), ["< 0", "= 0", "≤ 6.6", "> 6.6"]);
  const values = distributionOf({ ...feature, bins: { current: [1, 1], reference: [1, 1], values: ["a"] } });
  equal(values?.labels, ["a", "others"]);
});

Deno.test("how far over a limit", () => {
  equal(severity(feature, { psi: 0.3654245545919168, missing: 0.05 }), 2);
  equal(severity(feature, {}), 0);
});

Deno.test("windows in words", () => {
  equal([windowText({ seconds: 2_419_200 }), windowText({ hours: 1 }), windowText({ rows: 1000 })], [
    "28 days",
    "1 hour",
    "the newest 1,000 rows",
  ]);
});
