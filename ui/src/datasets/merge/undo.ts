import { everyItem, post, remove } from "../../api/client.ts";
import type { Conflict, Decision, Merge, MergeRule, Resolution } from "./api.ts";

/** What brings conflicts back to how they were decided before. */
export function restoring(before: readonly { id: number; decision: Decision | null }[]): Resolution[] {
  return before.map(({ id, decision }): Resolution => {
    if (!decision || decision.how !== "hand") return { id, take: "open" };
    return decision.take === "value" ? { id, value: decision.value ?? null } : { id, take: decision.take };
  });
}

/** Rules cannot be taken out of a merge: it is begun anew with the others, and what was chosen by hand is chosen again. */
export async function withoutRule(merge: Merge, rule: MergeRule): Promise<Merge> {
  const path = { id: merge.id };
  const decided: Conflict[] = await everyItem(
    "/api/v1/merges/{id}/conflicts",
    { path, query: { state: "decided" } },
    100_000,
  );
  const byHand = decided.filter((each) => each.decision?.how === "hand");
  await remove("/api/v1/merges/{id}", { path });
  const outcome = await post("/api/v1/datasets/{name}/merge", {
    path: { name: merge.dataset },
    json: { from: merge.from, into: merge.into, key: merge.key, by: merge.by, message: merge.message },
  });
  const again = outcome.merge;
  if (!again) throw new Error("The branch moved on while the rule was taken back; open the merge again.");
  const others: Resolution[] = merge.rules.filter((each) => each !== rule);
  const resolutions = [...others, ...restoring(byHand)];
  return resolutions.length === 0
    ? again
    : await post("/api/v1/merges/{id}/resolutions", { path: { id: again.id }, json: { resolutions } });
}
