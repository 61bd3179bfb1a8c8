import type { Run } from "../api.ts";
import { betterOf, compareRuns, ends } from "./diff.ts";

function equal(have: unknown, want: unknown): void {
  const [a, b] = [JSON.stringify(have), JSON.stringify(want)];
  if (a !== b) throw new Error(`${a} is not ${b}`);
}

function run(params: Record<string, string>, metrics: Run["metrics"], tags: Record<string, string> = {}): Run {
  return {
    id: "",
    ref: "",
    name: "",
    experiment: "1",
    project: "",
    status: "FINISHED",
    lifecycle: "active",
    user: "",
    started: "",
    ended: null,
    artifactLocation: "",
    modelOutputs: [],
    datasets: [],
    params,
    metrics,
    tags,
  };
}

Deno.test("what differs comes first, each part in the order of names", () => {
  const groups = compareRuns([
    run({ b: "1", a: "1", c: "x" }, { loss: 1, "system/cpu": 3 }, { stage: "x", "mlflow.user": "ada" }),
    run({ b: "2", a: "1" }, { loss: 2 }, { stage: "x", "mlflow.user": "ada" }),
  ]);
  equal(
    groups.map((group) => [group.id, group.lines.map((line) => line.key + (line.differs ? "!" : ""))]),
    [
      ["params", ["b!", "c!", "a"]],
      ["metrics", ["loss!"]],
      ["code", ["mlflow.user"]],
      ["tags", ["stage"]],
      ["system", ["system/cpu!"]],
    ],
  );
});

Deno.test("NaN equals NaN, so two diverged runs do not differ by it", () => {
  const [group] = compareRuns([run({}, { loss: "NaN" }), run({}, { loss: "NaN" })]);
  equal(group?.lines.map((line) => line.differs), [false]);
});

Deno.test("the ends of a line, and which end is better", () => {
  equal(ends({ key: "a", values: [3, 1, NaN, undefined, 2], differs: true }), { low: 1, high: 3 });
  equal(ends({ key: "a", values: [1, 1], differs: false }), null);
  equal(["val/loss", "accuracy", "rmse", "gain"].map(betterOf), ["lower", "higher", "lower", null]);
});
