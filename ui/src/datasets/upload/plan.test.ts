import { nameFor, planAll, planOf, tarHeader, tarOf } from "./plan.ts";

function equal(have: unknown, want: unknown): void {
  const [a, b] = [JSON.stringify(have), JSON.stringify(want)];
  if (a !== b) throw new Error(`${a} is not ${b}`);
}

Deno.test("files are told by their names", () => {
  equal(planOf("Sales.CSV.gz"), { kind: "rows", type: "text/csv", gzip: true });
  equal([planOf("a.tgz"), planOf("a.zip"), planOf("cat.png")].map((plan) => plan.kind), [
    "archive",
    "archive",
    "files",
  ]);
  equal([
    planAll(["a.csv", "b.parquet"]),
    planAll(["a.csv", "b.png"]),
    planAll(["a.zip"]),
    planAll(["a.zip", "b.zip"]),
    planAll([]),
  ], ["rows", "files", "archive", "files", "files"]);
});

Deno.test("a dataset's name is made of a file's", () => {
  equal(["Sales 2024.csv", "x/Ärzte.tar.gz", "-.csv"].map(nameFor), ["sales-2024", "a-rzte", ""]);
});

Deno.test("a tar has its sums, its blocks and its end", async () => {
  const header = tarHeader("cats/1.txt", 5);
  const text = new TextDecoder().decode(header);
  equal([text.slice(0, 10), text.slice(124, 136), text.slice(257, 262)], ["cats/1.txt", "00000000005\0", "ustar"]);
  const sum = parseInt(text.slice(148, 154), 8);
  equal(sum, header.reduce((all, byte, index) => all + (index >= 148 && index < 156 ? 32 : byte), 0));
  const tar = tarOf([{ path: "a", file: new Blob(["hello"]) }]);
  equal([tar.size, await tar.slice(512, 517).text()], [512 + 512 + 1024, "hello"]);
  const long = `${"d".repeat(120)}/${"n".repeat(90)}`;
  equal(new TextDecoder().decode(tarHeader(long, 0)).slice(345, 465), "d".repeat(120));
});
