import { restoring } from "./undo.ts";

Deno.test("decisions are undone to what they were", () => {
  const found = restoring([
    { id: 1, decision: null },
    { id: 2, decision: { take: "ours", how: "hand" } },
    { id: 3, decision: { take: "value", value: 5, how: "hand" } },
    { id: 4, decision: { take: "theirs", how: "newest" } },
  ]);
  const wanted = [{ id: 1, take: "open" }, { id: 2, take: "ours" }, { id: 3, value: 5 }, { id: 4, take: "open" }];
  if (JSON.stringify(found) !== JSON.stringify(wanted)) throw new Error(JSON.stringify(found));
});
