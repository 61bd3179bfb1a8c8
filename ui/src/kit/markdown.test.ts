import { equal } from "../testing.ts";
import { inlineOf, isSafeUrl, parseMarkdown } from "./markdown.ts";

Deno.test("only harmless addresses are links", () => {
  const bad = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\nscript:alert(1)",
    " javascript:alert(1)",
    "\u0001javascript:alert(1)",
    "data:text/html,<script>",
    "data:image/svg+xml,<svg onload=x>",
    "vbscript:x",
    "file:///etc/passwd",
    "//evil.example/x",
    "blob:x",
  ];
  equal(bad.filter(isSafeUrl), []);
  const good = [
    "https://a.example/b",
    "http://a",
    "mailto:a@b",
    "/ui/p/x",
    "#part",
    "a/b.md",
    "?x=1",
    "data:image/png;base64,AA",
  ];
  equal(good.filter((url) => !isSafeUrl(url)), []);
});

Deno.test("HTML is text, and a dangerous link leaves its words", () => {
  equal(parseMarkdown("<script>alert(1)</script> <b onclick=x>"), [
    { kind: "paragraph", text: [{ kind: "text", text: "<script>alert(1)</script> <b onclick=x>" }] },
  ]);
  equal(inlineOf("[click](javascript:alert(1))"), [{ kind: "text", text: "click" }, { kind: "text", text: ")" }]);
});

Deno.test("emphasis, code, links and escapes", () => {
  equal(inlineOf("a **b *c*** `d*e*` snake_case_name \\*x\\* ~~y~~"), [
    { kind: "text", text: "a " },
    {
      kind: "strong",
      parts: [{ kind: "text", text: "b " }, { kind: "emphasis", parts: [{ kind: "text", text: "c" }] }],
    },
    { kind: "text", text: " " },
    { kind: "code", text: "d*e*" },
    { kind: "text", text: " snake_case_name *x* " },
    { kind: "strike", parts: [{ kind: "text", text: "y" }] },
  ]);
  equal(inlineOf("see https://a.example/b."), [
    { kind: "text", text: "see " },
    { kind: "link", url: "https://a.example/b", parts: [{ kind: "text", text: "https://a.example/b" }] },
    { kind: "text", text: "." },
  ]);
});

Deno.test("blocks", () => {
  const blocks = parseMarkdown(
    "# T\n\n- a\n  - b\n- [x] c\n\n1. d\n\n> q\n\n```sql\nSELECT *\n```\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n---\n",
  );
  equal(blocks.map(({ kind }) => kind), ["heading", "list", "list", "quote", "code", "table", "rule"]);
  const list = blocks[1];
  equal(list?.kind === "list" && list.items.map(({ checked, blocks }) => [checked, blocks.map(({ kind }) => kind)]), [
    [null, ["paragraph", "list"]],
    [true, ["paragraph"]],
  ]);
  const table = blocks[5];
  equal(
    table?.kind === "table" && [table.align, table.rows],
    [
      [null, "right"],
      [[[{ kind: "text", text: "1" }], [{ kind: "text", text: "2" }]]],
    ].map((each, index) => index === 0 ? [undefined, "right"] : each),
  );
});

Deno.test("no text takes long or deep", () => {
  const start = performance.now();
  parseMarkdown(">".repeat(5000) + " x");
  parseMarkdown("- ".repeat(3000));
  inlineOf("*".repeat(3000) + "a" + "_".repeat(3000));
  inlineOf("[".repeat(2000));
  inlineOf("`".repeat(5000));
  inlineOf("**a ".repeat(1500));
  equal(performance.now() - start < 2000, true);
});
