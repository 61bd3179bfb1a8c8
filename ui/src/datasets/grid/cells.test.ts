import { cellText, kindOf, widthFor } from "./cells.ts";

function equal(have: unknown, want: unknown): void {
  const [a, b] = [JSON.stringify(have), JSON.stringify(want)];
  if (a !== b) throw new Error(`${a} is not ${b}`);
}

Deno.test("types have kinds", () => {
  const types = [
    "BIGINT",
    "UTINYINT",
    "INTEGER",
    "DECIMAL(9,2)",
    "DOUBLE",
    "DATE",
    "TIMESTAMP_NS",
    "BOOLEAN",
    "VARCHAR",
    "JSON",
    "INTEGER[]",
    "STRUCT(a INTEGER)",
  ];
  equal(types.map(kindOf), [
    "number",
    "number",
    "number",
    "number",
    "number",
    "time",
    "time",
    "boolean",
    "text",
    "nested",
    "nested",
    "nested",
  ]);
});

Deno.test("cells are one line of text and lose nothing", () => {
  equal(cellText(null, "BIGINT"), "NULL");
  equal(cellText("2017-01-01T11:53:26.000Z", "TIMESTAMP"), "2017-01-01 11:53:26");
  equal(cellText("2017-01-01T11:53:26.120Z", "TIMESTAMP"), "2017-01-01 11:53:26.12");
  equal(cellText("12345678901234567890123", "HUGEINT"), "12345678901234567890123");
  equal(cellText([{ x: 1 }], "JSON"), '[{"x":1}]');
});

Deno.test("widths stay within bounds", () => {
  equal(widthFor({ name: "a", type: "BIGINT" }), 72);
  equal(widthFor({ name: "a", type: "VARCHAR" }, ["x".repeat(500)]), 320);
});
