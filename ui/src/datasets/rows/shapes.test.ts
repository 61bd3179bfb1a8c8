import { cutText, outlines, shapesOf, spans } from "./shapes.ts";

function equal(have: unknown, want: unknown): void {
  const [a, b] = [JSON.stringify(have), JSON.stringify(want)];
  if (a !== b) throw new Error(`${a} is not ${b}`);
}

Deno.test("labels are columns with the name of who said it", () => {
  const columns = ["path", "thing", "thing_by", "thing_at", "note_by"].map((name) => ({ name, type: "VARCHAR" }));
  equal(shapesOf(columns), [{ name: "thing", index: 1 }]);
});

Deno.test("boxes and polygons are read, the rest is left out", () => {
  equal(outlines('[{"class": "cat", "x": 1, "y": 2, "width": 3, "height": 4}, {"class": "dog", "x": 1}]'), [
    { kind: "box", label: "cat", x: 1, y: 2, width: 3, height: 4 },
  ]);
  equal(outlines([{ class: "a", points: [[0, 0], [1, 0], [1, 1]] }]), [{
    kind: "polygon",
    label: "a",
    parts: [[[0, 0], [1, 0], [1, 1]]],
  }]);
  equal([outlines("cat"), outlines("[broken"), outlines(null)], [[], [], []]);
});

Deno.test("texts are cut at spans, by code points", () => {
  const found = spans('[{"class": "b", "start": 3, "end": 5}, {"class": "a", "start": 1, "end": 4}]');
  equal(cutText("😀bcdef", found), [
    { text: "😀", labels: [] },
    { text: "bc", labels: ["a"] },
    { text: "d", labels: ["a", "b"] },
    { text: "e", labels: ["b"] },
    { text: "f", labels: [] },
  ]);
});
