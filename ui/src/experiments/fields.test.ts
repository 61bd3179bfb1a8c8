import { fieldOf, keysOf, literal, metricField, quoted } from "./fields.ts";

function equal(have: unknown, want: unknown): void {
  const [a, b] = [JSON.stringify(have), JSON.stringify(want)];
  if (a !== b) throw new Error(`${a} is not ${b}`);
}

Deno.test("keys with other characters are quoted, and read back", () => {
  equal(["loss", "val/loss", "only even", "a`b"].map(quoted), ["loss", "val/loss", "`only even`", '"a`b"']);
  for (const key of ["loss", "val/loss", "only even", "a`b"]) equal(fieldOf(metricField(key).id).key, key);
  equal(literal("it's"), "'it''s'");
});

Deno.test("keys are in the order of people, numbers by their size", () => {
  const run = (params: Record<string, string>) => ({ metrics: {}, params, tags: {} }) as never;
  equal(keysOf([run({ layer10: "1", layer2: "1" }), run({ layer2: "1", b: "" })]).params, ["b", "layer2", "layer10"]);
});
