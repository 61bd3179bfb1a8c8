import { get, post, send } from "../api/client.ts";
import type { Instant, Json } from "../api/types.ts";

export interface Experiment {
  id: string;
  ref: string;
  name: string;
  project: string;
  artifactLocation: string;
  lifecycle: "active" | "deleted";
  created: Instant;
  updated: Instant;
  tags: Record<string, string>;
}

export type RunStatus = "RUNNING" | "SCHEDULED" | "FINISHED" | "FAILED" | "KILLED";

/** A dataset that was given to a run. */
export interface RunDataset {
  name: string;
  digest: string;
  /** The version of a dataset of ours, if it is one. */
  ref: string | null;
  source: string;
  sourceType: string;
  schema: string | null;
  tags: Record<string, string>;
}

/** A number as the server writes it: what is no number in JSON comes as text. */
export type Measured = number | "NaN" | "Infinity" | "-Infinity" | null;

export interface Run {
  id: string;
  ref: string;
  name: string;
  experiment: string;
  project: string;
  status: RunStatus;
  lifecycle: "active" | "deleted";
  user: string;
  started: Instant;
  ended: Instant | null;
  artifactLocation: string;
  /** The newest value of each. */
  metrics: Record<string, Measured>;
  params: Record<string, string>;
  tags: Record<string, string>;
  /** Absent when there are none. */
  datasets?: RunDataset[];
  modelOutputs?: string[];
}

export interface Artifact {
  path: string;
  folder: boolean;
  digest: string | null;
  sizeBytes: number | null;
}

export interface LoggedModel {
  id: string;
  ref: string;
  name: string;
  experiment: string;
  project: string;
  status: string;
  type: string | null;
  sourceRun: string | null;
  artifactLocation: string;
  created: Instant;
  updated: Instant;
  params: Record<string, string>;
  tags: Record<string, string>;
  metrics: { key: string; value: Measured }[];
}

/** Some points of a metric, as many as share a pixel. */
export interface Bucket {
  firstStep: number;
  lastStep: number;
  firstTime: Instant;
  lastTime: Instant;
  points: number;
  /** Of the finite values; absent if there are none. */
  min?: number;
  max?: number;
  mean?: number;
  nan?: number;
  positiveInfinity?: number;
  negativeInfinity?: number;
}

export interface Curve {
  run: string;
  metric: string;
  points: number;
  buckets: Bucket[];
}

export interface BulkOutcome {
  matched: number;
  changed: number;
  runs: string[];
}

export interface Folder {
  path: string;
  experiments: number;
}

declare module "../api/types.ts" {
  interface Responses {
    "GET /api/v1/experiments": Page<Experiment>;
    "POST /api/v1/experiments": Experiment;
    "GET /api/v1/experiments/{id}": Experiment;
    "GET /api/v1/experiment-folders": { folders: Folder[]; items: Experiment[] };
    "GET /api/v1/runs": Page<Run>;
    "GET /api/v1/runs/{id}": Run;
    "GET /api/v1/runs/{id}/artifacts": { items: Artifact[] };
    "GET /api/v1/logged-models/{id}": LoggedModel;
    "GET /api/v1/logged-models/{id}/artifacts": { items: Artifact[] };
    "GET /api/v1/metrics": { items: Curve[] };
    "POST /api/v1/runs/bulk": BulkOutcome;
  }
}

/** A change through MLflow's API, which is how runs are written. */
async function change(path: string, body: { [key: string]: Json }): Promise<void> {
  await send("POST", "/api/2.0/mlflow/" + path, { json: body });
}

export function setRunTag(run: string, key: string, value: string): Promise<void> {
  return change("runs/set-tag", { run_id: run, key, value });
}

export function deleteRunTag(run: string, key: string): Promise<void> {
  return change("runs/delete-tag", { run_id: run, key });
}

export function renameRun(run: string, name: string): Promise<void> {
  return change("runs/update", { run_id: run, run_name: name });
}

export function setExperimentTag(experiment: string, key: string, value: string): Promise<void> {
  return change("experiments/set-experiment-tag", { experiment_id: experiment, key, value });
}

export function deleteExperimentTag(experiment: string, key: string): Promise<void> {
  return change("experiments/delete-experiment-tag", { experiment_id: experiment, key });
}

export function deleteExperiment(experiment: string): Promise<void> {
  return change("experiments/delete", { experiment_id: experiment });
}

export function restoreExperiment(experiment: string): Promise<void> {
  return change("experiments/restore", { experiment_id: experiment });
}

export function renameExperiment(experiment: string, name: string): Promise<void> {
  return change("experiments/update", { experiment_id: experiment, new_name: name });
}

export interface BulkChange {
  experiments: string[];
  filter: string;
  action: "set-tags" | "delete-tags" | "delete" | "restore" | "move" | "copy";
  tags?: Record<string, string>;
  keys?: string[];
  to?: string;
  preview?: boolean;
}

export function changeRuns(bulk: BulkChange): Promise<BulkOutcome> {
  return post("/api/v1/runs/bulk", { json: bulk });
}

/** How many curves the server gives in one answer. */
const curvesAtOnce = 500;

/** Curves of many runs on one axis, asked for in as few questions as the server allows. */
export async function curvesOf(
  runs: readonly string[],
  metrics: readonly string[],
  options: { points: number; axis: "step" | "time"; from?: number | null; to?: number | null },
  signal: AbortSignal,
): Promise<Curve[]> {
  if (runs.length === 0 || metrics.length === 0) return [];
  const each = Math.max(1, Math.floor(curvesAtOnce / metrics.length));
  const found: Curve[] = [];
  for (let at = 0; at < runs.length; at += each) {
    const answer = await get("/api/v1/metrics", {
      query: { run: runs.slice(at, at + each), metric: metrics, ...options },
      signal,
    });
    found.push(...answer.items);
  }
  return found;
}
