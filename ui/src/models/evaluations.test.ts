import type { Evaluation } from "./api.ts";
import { changeOf, metricsOf, newestBySubject, pairs } from "./evaluations.ts";

function equal(have: unknown, want: unknown): void {
  const [a, b] = [JSON.stringify(have), JSON.stringify(want)];
  if (a !== b) throw new Error(`${a} is not ${b}`);
}

const measured = (dataset: string, day: number, loss: number, slice: string | null = null): Evaluation => ({
  id: "",
  dataset,
  slice,
  run: null,
  metrics: { loss },
  created: `2026-01-0${day}T00:00:00Z`,
  createdBy: "ada",
});

const left = [measured("d@1", 1, 5), measured("d@1", 3, 4), measured("d@2", 2, 7)];

Deno.test("the newest numbers of each subject count", () => {
  const found = newestBySubject([...left, measured("d@1", 4, 9, "s")]);
  equal(found.map(({ subject, evaluation }) => [subject.key, evaluation.metrics["loss"]]), [
    ["d@1 ", 4],
    ["d@2 ", 7],
    ["d@1 s", 9],
  ]);
  equal(metricsOf(found), ["loss"]);
});

Deno.test("only the same rows are compared; they come first", () => {
  const found = pairs(left, [measured("d@1", 1, 3), measured("d@3", 5, 1)]);
  equal(found.map((pair) => [pair.subject.dataset, pair.left?.metrics["loss"], pair.right?.metrics["loss"]]), [
    ["d@1", 4, 3],
    ["d@3", undefined, 1],
    ["d@2", 7, undefined],
  ]);
});

Deno.test("changes", () => {
  equal([changeOf(4, 3), changeOf(0, 1), changeOf(-2, -1), changeOf(undefined, 1), changeOf(1, NaN)], [
    { by: -1, share: -0.25 },
    { by: 1, share: null },
    { by: 1, share: 0.5 },
    null,
    null,
  ]);
});
