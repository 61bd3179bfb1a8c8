import type { Run } from "../api.ts";
import { byName, type Field, measured, valueOf } from "../fields.ts";

/** A row of a grouped table: a group's head, or one of its runs. */
export type GroupedRow = { kind: "group"; group: Group } | { kind: "run"; run: Run };

export interface Group {
  /** What its runs have in common; null: they lack it. */
  value: string | null;
  runs: Run[];
  /** Of each metric that some of its runs have. */
  metrics: Map<string, Spread>;
}

export interface Spread {
  count: number;
  mean: number;
  min: number;
  max: number;
}

/** Runs by what they have in a field. Groups are in the order of their values; who lacks it comes last. */
export function groupRuns(runs: readonly Run[], field: Field, metrics: readonly string[]): Group[] {
  const byValue = new Map<string | null, Run[]>();
  for (const run of runs) {
    const value = valueOf(run, field);
    const key = value === undefined ? null : String(value);
    const list = byValue.get(key);
    if (list) list.push(run);
    else byValue.set(key, [run]);
  }
  const named = byName([...byValue.keys()].filter((key) => key !== null));
  const order: (string | null)[] = byValue.has(null) ? [...named, null] : named;
  return order.map((value) => {
    const members = byValue.get(value) ?? [];
    return { value, runs: members, metrics: spreads(members, metrics) };
  });
}

export function spreads(runs: readonly Run[], metrics: readonly string[]): Map<string, Spread> {
  const found = new Map<string, Spread>();
  for (const key of metrics) {
    const values = runs.map((run) => measured(run.metrics[key])).filter((value) => value !== undefined)
      .filter(Number.isFinite);
    if (values.length === 0) continue;
    found.set(key, {
      count: values.length,
      mean: values.reduce((sum, value) => sum + value, 0) / values.length,
      min: Math.min(...values),
      max: Math.max(...values),
    });
  }
  return found;
}

/** The rows of a grouped table; closed groups show their head only. */
export function groupedRows(groups: readonly Group[], closed: ReadonlySet<string>): GroupedRow[] {
  return groups.flatMap((group): GroupedRow[] => [
    { kind: "group", group },
    ...closed.has(groupKey(group)) ? [] : group.runs.map((run): GroupedRow => ({ kind: "run", run })),
  ]);
}

export function groupKey(group: Group): string {
  return group.value === null ? "none" : "=" + group.value;
}
