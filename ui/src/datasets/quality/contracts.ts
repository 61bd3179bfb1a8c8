import { useMemo } from "react";
import { everyItem } from "../../api/client.ts";
import { useFetch } from "../../api/hooks.ts";
import { byDataset, type Contracts } from "./checked.ts";

const none: Contracts = new Map();

/** Read from the ledger, once for all datasets of a project: asking each for its report would mostly be refused. */
export function useContracts(project: string): Contracts | undefined {
  const events = useFetch(
    `contracts ${project}`,
    (signal) => everyItem("/api/v1/events", { query: { type: "dataset.contract.set", project }, signal }, 2000),
    { live: ["dataset.contract.set"], fresh: 60_000 },
  );
  return useMemo(() => events.data ? byDataset(events.data) : events.error ? none : undefined, [
    events.data,
    events.error,
  ]);
}
