import type { FilterFieldInfo } from "../kit/filter/index.ts";
import type { Measured, Run } from "./api.ts";

/** A field of a run as filters and orders name it: `metrics.loss`, `params.width`, `status`. */
export interface Field {
  /** As the server's grammar writes it. */
  id: string;
  kind: "attribute" | "metric" | "param" | "tag" | "dataset";
  /** Without the kind. */
  key: string;
}

const plain = /^[A-Za-z_][A-Za-z0-9_]*(?:[./-][A-Za-z0-9_]+)*$/;

/** A key as it stands in a filter; with other characters than names have, in quotes. */
export function quoted(key: string): string {
  return plain.test(key) ? key : key.includes("`") ? `"${key}"` : "`" + key + "`";
}

export function metricField(key: string): Field {
  return { id: "metrics." + quoted(key), kind: "metric", key };
}

export function paramField(key: string): Field {
  return { id: "params." + quoted(key), kind: "param", key };
}

export function tagField(key: string): Field {
  return { id: "tags." + quoted(key), kind: "tag", key };
}

export function attributeField(key: string): Field {
  return { id: key, kind: key.startsWith("dataset.") ? "dataset" : "attribute", key };
}

/** The field that an id names. */
export function fieldOf(id: string): Field {
  const match = /^(metrics|params|tags)\.(?:`(.*)`|"(.*)"|(.*))$/s.exec(id);
  if (!match) return attributeField(id);
  const key = match[2] ?? match[3] ?? match[4] ?? "";
  return match[1] === "metrics" ? metricField(key) : match[1] === "params" ? paramField(key) : tagField(key);
}

/** What the server says of a number; NaN and the infinities too. Undefined if there is none. */
export function measured(value: Measured | undefined): number | undefined {
  if (value === null || value === undefined) return undefined;
  return typeof value === "number" ? value : Number(value);
}

/** How long a run took, or has run so far, in seconds. */
export function duration(run: Run, now = Date.now()): number | undefined {
  const end = run.ended ? Date.parse(run.ended) : run.status === "RUNNING" ? now : NaN;
  const seconds = (end - Date.parse(run.started)) / 1000;
  return Number.isFinite(seconds) ? seconds : undefined;
}

/** What a run has in a field: a number for metrics, times (ms) and the duration (s), text otherwise. */
export function valueOf(run: Run, field: Field): string | number | undefined {
  switch (field.kind) {
    case "metric":
      return measured(run.metrics[field.key]);
    case "param":
      return run.params[field.key];
    case "tag":
      return run.tags[field.key];
    case "dataset":
      return (run.datasets ?? []).map((dataset) => field.key === "dataset.digest" ? dataset.digest : dataset.name).join(
        ", ",
      ) ||
        undefined;
    case "attribute":
      return attribute(run, field.key);
  }
}

function attribute(run: Run, key: string): string | number | undefined {
  switch (key) {
    case "run_name":
      return run.name;
    case "status":
      return run.status;
    case "start_time":
      return Date.parse(run.started);
    case "end_time":
      return run.ended ? Date.parse(run.ended) : undefined;
    case "duration":
      return duration(run);
    case "user_id":
      return run.user;
    case "run_id":
      return run.id;
    case "artifact_uri":
      return run.artifactLocation;
    default:
      return undefined;
  }
}

/** A value as a number if it is one: parameters are texts, but charts want numbers. */
export function numberOf(value: string | number | undefined): number | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
  if (value === undefined || value.trim() === "") return undefined;
  const number = Number(value);
  return Number.isFinite(number) ? number : undefined;
}

/** The keys that some runs have, each list in the order of the alphabet. */
export interface Keys {
  metrics: string[];
  params: string[];
  tags: string[];
}

export function keysOf(runs: Iterable<Run>): Keys {
  const metrics = new Set<string>();
  const params = new Set<string>();
  const tags = new Set<string>();
  for (const run of runs) {
    for (const key in run.metrics) metrics.add(key);
    for (const key in run.params) params.add(key);
    for (const key in run.tags) tags.add(key);
  }
  return { metrics: byName(metrics), params: byName(params), tags: byName(tags) };
}

const collator = new Intl.Collator("en", { numeric: true });

export function byName(names: Iterable<string>): string[] {
  return [...names].sort(collator.compare);
}

/** Metrics of the machine that the run was on, as MLflow's client names them. */
export function isSystemMetric(key: string): boolean {
  return key.startsWith("system/");
}

/** Tags that clients and the server set for themselves. */
export function isOwnTag(key: string): boolean {
  return key.startsWith("mlflow.") || key.startsWith("slipway.");
}

/** A text as a filter writes it. */
export function literal(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

/** Values that are offered for a field, the most frequent first. */
const offered = 30;

/** What a filter of runs may name, with the values that the runs at hand have. */
export function filterFields(keys: Keys, runs: readonly Run[]): FilterFieldInfo[] {
  const usual = (field: Field): string[] => {
    const counts = new Map<string, number>();
    for (const run of runs) {
      const value = valueOf(run, field);
      if (value !== undefined) counts.set(String(value), (counts.get(String(value)) ?? 0) + 1);
    }
    return [...counts].sort((a, b) => b[1] - a[1]).slice(0, offered).map(([value]) => value);
  };
  const text = (field: Field, detail: string): FilterFieldInfo => ({
    name: field.id,
    kind: "text",
    values: usual(field),
    detail,
  });
  return [
    ...keys.metrics.map((key): FilterFieldInfo => ({ name: metricField(key).id, kind: "number", detail: "metric" })),
    ...keys.params.map((key) => text(paramField(key), "parameter")),
    { name: "status", kind: "text", values: statuses, detail: "of the run" },
    ...["run_name", "user_id", "dataset.name", "dataset.digest"].map((name) =>
      text(attributeField(name), "of the run")
    ),
    { name: "run_id", kind: "text", detail: "of the run" },
    { name: "start_time", kind: "number", detail: "ms since 1970" },
    { name: "end_time", kind: "number", detail: "ms since 1970" },
    ...keys.tags.map((key) => text(tagField(key), "tag")),
  ];
}

const statuses = ["FINISHED", "RUNNING", "FAILED", "KILLED", "SCHEDULED"];
