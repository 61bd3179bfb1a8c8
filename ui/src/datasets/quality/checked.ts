import type { Instant, LedgerEvent } from "../../api/types.ts";

/** When contracts were set or ended, by dataset. */
export type Contracts = ReadonlyMap<string, { at: Instant; ended: boolean }[]>;

export function byDataset(events: readonly LedgerEvent[]): Contracts {
  const found = new Map<string, { at: Instant; ended: boolean }[]>();
  for (const { subject, time, data } of events) {
    const name = subject.replace(/^dataset:/, "").replace(/@.*$/, "");
    found.set(name, [...found.get(name) ?? [], { at: time, ended: data["ended"] === true }]);
  }
  return found;
}

/** Whether a version was made while its dataset had a contract, and so has a report. */
export function wasChecked(contracts: Contracts, dataset: string, made: Instant): boolean {
  const before = (contracts.get(dataset) ?? []).filter((each) => each.at <= made).sort((a, b) => a.at < b.at ? 1 : -1);
  return before[0] !== undefined && !before[0].ended;
}

/** Whether a dataset has a contract now. */
export function hasContract(contracts: Contracts, dataset: string): boolean {
  return wasChecked(contracts, dataset, "9999");
}
