import {
  boxBetween,
  codePoints,
  crossesItself,
  movedBox,
  pieces,
  problem,
  seriesOf,
  summary,
  trimmed,
} from "./values.ts";
import type { LabelSchema } from "./api.ts";

function equal(actual: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${a} is not ${b}`);
}

const schema = (more: Partial<LabelSchema>) => ({ kind: "class", ...more }) as LabelSchema;

Deno.test("boxes stay inside the image and have whole pixels", () => {
  equal(boxBetween([90.4, 10.6], [120, -5], 100, 50), { x: 90, y: 0, width: 10, height: 11 });
  equal(movedBox({ class: "a", x: 1, y: 1, width: 9, height: 9 }, -5, 100, 20, 20), {
    class: "a",
    x: 0,
    y: 11,
    width: 9,
    height: 9,
  });
});

Deno.test("an outline that crosses itself is known", () => {
  equal(crossesItself([[0, 0], [4, 0], [4, 4], [0, 4]]), false);
  equal(crossesItself([[0, 0], [4, 4], [4, 0], [0, 4]]), true);
  equal(crossesItself([[0, 0], [4, 0], [0, 4]]), false);
});

Deno.test("texts are cut at code points, spans may overlap", () => {
  equal(
    pieces("a😀bc", [{ class: "x", start: 1, end: 3 }, { class: "y", start: 2, end: 4 }])
      .map((piece) => [piece.text, piece.start, piece.spans]),
    [["a", 0, []], ["😀", 1, [0]], ["b", 2, [0, 1]], ["c", 3, [1]]],
  );
  equal(codePoints("a😀bc", 3), 2);
  equal(trimmed("a  b ", 1, 5), { start: 3, end: 4 });
  equal(trimmed("a  b ", 1, 3), null);
});

Deno.test("what cannot be submitted says why", () => {
  equal(problem(schema({}), null), "Choose a class.");
  equal(problem(schema({ kind: "number", minimum: 1, whole: true }), 0), "The least is 1.");
  equal(problem(schema({ kind: "number", minimum: 1, whole: true }), 1.5), "A whole number.");
  equal(problem(schema({ kind: "multi-class" }), []), null);
  equal(
    problem(schema({ kind: "boxes", attributes: [{ name: "truncated", kind: "flag", required: true }] }), [
      { class: "cat", x: 0, y: 0, width: 1, height: 1 },
    ]),
    "Shape 1 (cat) needs its truncated.",
  );
});

Deno.test("values in few words, series in lists and in text", () => {
  equal(
    summary([{ class: "a", start: 0, end: 1 }, { class: "a", start: 2, end: 3 }, { class: "b", start: 4, end: 5 }]),
    "2 × a, b",
  );
  equal([summary([]), summary(["x", "y"]), summary(null), summary(3)], ["none", "x, y", "–", "3"]);
  equal(seriesOf("[1, null, 2.5]"), [1, null, 2.5]);
  equal([seriesOf("oats"), seriesOf("{}"), seriesOf([1, "2"])], [null, null, null]);
});
