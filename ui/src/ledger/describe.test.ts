import type { LedgerEvent } from "../api/types.ts";
import { passes, summary } from "./describe.ts";

function equal(actual: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${a} is not ${b}`);
}

Deno.test("an event in one line", () => {
  equal(
    summary({ from: "model:a@1", to: "model:a@2", note: null, tags: ["x"], rows: { a: 1 } }),
    "from model:a@1  ·  to model:a@2  ·  tags x  ·  rows {1}",
  );
});

Deno.test("what the page filters itself", () => {
  const event: LedgerEvent = {
    id: "1",
    sequence: 1,
    time: "2026-11-24T10:00:00Z",
    type: "slipway.model.promoted",
    subject: "model:a@2",
    actor: "ada",
    project: "p",
    data: { alias: "champion" },
    hash: "",
  };
  const all = { actor: "", words: "", from: null, to: null };
  equal(passes(event, all), true);
  equal(passes(event, { ...all, words: "CHAMPION promoted" }), true);
  equal(passes(event, { ...all, words: "challenger" }), false);
  equal(passes(event, { ...all, actor: "bob" }), false);
  equal(passes(event, { ...all, from: Date.parse("2026-11-24T10:00:00Z") }), true);
  equal(passes(event, { ...all, to: Date.parse("2026-11-24T10:00:00Z") }), false);
});
