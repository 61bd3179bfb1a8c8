import { equal } from "../../testing.ts";
import { type FilterFieldInfo, quoteName, suggest, tokenize } from "./filterWords.ts";

const fields: FilterFieldInfo[] = [
  { name: "metrics.rmse", kind: "number" },
  { name: "metrics.val/loss", kind: "number" },
  { name: "tags.stage", kind: "text", values: ["prod", "it's"] },
  { name: "status", kind: "text", values: ["RUNNING", "FINISHED"] },
];
const labels = (source: string, caret = source.length) =>
  suggest(source, caret, fields).items.map(({ label }) => label);

Deno.test("each place offers what may stand there", () => {
  equal(labels(""), ["metrics.rmse", "metrics.val/loss", "tags.stage", "status"]);
  equal(labels("met"), ["metrics.rmse", "metrics.val/loss"]);
  equal(labels("rmse"), ["metrics.rmse"]);
  equal(labels("metrics.rmse ")[0], "=");
  equal(labels("tags.stage = "), ["prod", "it's"]);
  equal(labels("tags.stage = 'pr"), ["prod"]);
  equal(labels("metrics.rmse < 0.3 "), ["AND", "OR"]);
  equal(labels("metrics.rmse < 0.3 AND st"), ["status", "tags.stage"]);
  equal(labels("NOT (sta"), ["status", "tags.stage"]);
  equal(labels("status IN ('RUNNING', "), ["RUNNING", "FINISHED"]);
  equal(labels("metrics.`val/loss` < 1 ", 3), ["metrics.rmse", "metrics.val/loss"]);
});

Deno.test("what is put in is what the grammar takes", () => {
  equal(suggest("tags.stage = ", 13, fields).items.map(({ text }) => text), ["'prod' ", "'it''s' "]);
  equal(["rmse", "metrics.rmse", "metrics.val/loss", "a b", "metrics.x`y"].map(quoteName), [
    "rmse",
    "metrics.rmse",
    "metrics.`val/loss`",
    "`a b`",
    'metrics."x`y"',
  ]);
});

Deno.test("tokens of unfinished text", () => {
  equal(tokenize("a<=-1.5e3 AND `b c` LIKE 'x").map(({ kind, text }) => `${kind} ${text}`), [
    "word a",
    "symbol <=",
    "number -1.5e3",
    "word AND",
    "name `b c`",
    "word LIKE",
    "open 'x",
  ]);
});
