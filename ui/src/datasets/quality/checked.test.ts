import type { LedgerEvent } from "../../api/types.ts";
import { byDataset, hasContract, wasChecked } from "./checked.ts";

Deno.test("a version has a report if there was a contract when it was made", () => {
  const event = (time: string, ended: boolean): LedgerEvent => ({
    id: "",
    sequence: 0,
    type: "",
    actor: "",
    project: "",
    hash: "",
    subject: "dataset:a",
    time,
    data: { ended },
  });
  const contracts = byDataset([event("2026-03", true), event("2026-01", false)]);
  const found = ["2025-12", "2026-02", "2026-04"].map((made) => wasChecked(contracts, "a", made));
  if (
    JSON.stringify([...found, hasContract(contracts, "a"), hasContract(contracts, "b")]) !==
      "[false,true,false,false,false]"
  ) throw new Error(String(found));
});
