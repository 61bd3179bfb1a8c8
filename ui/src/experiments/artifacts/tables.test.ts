import { confusionOf, parseCsv, stepImage, tableOfJson } from "./tables.ts";
import { previewKind } from "./read.ts";

function equal(have: unknown, want: unknown): void {
  const [a, b] = [JSON.stringify(have), JSON.stringify(want)];
  if (a !== b) throw new Error(`${a} is not ${b}`);
}

Deno.test("CSV with quotes, line breaks in cells, and other separators", () => {
  equal(parseCsv('a,"b ""c"""\r\n1,"two\nlines"\r\n,\n'), {
    columns: ["a", 'b "c"'],
    rows: [["1", "two\nlines"], ["", ""]],
    isCut: false,
  });
  equal(parseCsv("a;b;a\n1;2;3"), { columns: ["a", "b", "a (2)"], rows: [["1", "2", "3"]], isCut: false });
  equal(parseCsv("a,b\n1,2\n3,", true), { columns: ["a", "b"], rows: [["1", "2"]], isCut: true });
});

Deno.test("tables in JSON", () => {
  const split = { columns: ["a", "b"], rows: [[1, null], [2, "x"]], isCut: false };
  equal(tableOfJson({ columns: ["a", "b"], data: [[1, null], [2, "x"]] }), split);
  equal(tableOfJson([{ a: 1, b: null }, { a: 2, b: "x" }]), split);
  equal(tableOfJson({ a: 1 }), null);
  equal(tableOfJson([1, 2]), null);
});

Deno.test("confusion matrices, written down or counted", () => {
  const want = { classes: ["cat", "dog"], counts: [[2, 1], [0, 1]] };
  equal(confusionOf({ labels: ["cat", "dog"], matrix: [[2, 1], [0, 1]] }), want);
  const data = [["cat", "cat"], ["cat", "cat"], ["cat", "dog"], ["dog", "dog"]];
  equal(confusionOf({ columns: ["actual", "predicted"], data }), want);
  equal(confusionOf({ columns: ["a", "b"], data }, "a", "b"), want);
  equal(confusionOf({ columns: ["a", "b"], data }), null);
});

Deno.test("names of images by step", () => {
  equal(stepImage("images/conv#1+step+20+timestamp+17955+77a36440-fa7f.png"), {
    key: "conv/1",
    step: 20,
    timestamp: 17955,
    path: "images/conv#1+step+20+timestamp+17955+77a36440-fa7f.png",
  });
  equal(stepImage("images/a%step%0%timestamp%17%ff.png")?.key, "a");
  equal(stepImage("images/a+step+0+timestamp+17+ff+compressed.webp"), null);
  equal(stepImage("images/plain.png"), null);
});

Deno.test("how files are shown", () => {
  equal(
    ["a.PNG", "x/MLmodel", "t.csv", "w.bin", "n.ipynb", "d.parquet", "noext", "train.py"].map(previewKind),
    ["image", "text", "table", "binary", "notebook", "parquet", "text", "text"],
  );
});
