import type { Instant, Json } from "../api/types.ts";

export type Measure = "psi" | "ks" | "missing" | "mae" | "rmse" | "bias" | "pinball" | "errorRate";
export type ReportStatus = "ok" | "drift" | "insufficient-data";

export interface Monitor {
  name: string;
  /** Of its newest version. */
  ref: string;
  version: number;
  project: string;
  endpoint: string;
  reference: string;
  description: string;
  features: string[] | "all";
  columns: Record<string, string[]>;
  window: { seconds?: number; rows?: number; hours?: number; days?: number };
  minimumRows: number;
  thresholds: Partial<Record<Measure, number>>;
  quality: {
    output?: string | null;
    column?: string | number | null;
    task?: string;
    quantile?: number | null;
    delaySeconds?: number;
  } | null;
  onDrift: { pipeline: string; params: Record<string, Json>; minimumSeconds: number } | null;
  everySeconds: number | null;
  nextEvaluation: Instant | null;
  /** The active alert's ref. */
  alert: string | null;
  lastAt: Instant | null;
  lastStatus: ReportStatus | null;
  builtFrom: { dataset: string; slice: string | null; rows: number; features: string[] };
  author: string;
  created: Instant;
}

/** How a feature is spread in the window and in the reference. */
export interface FeatureReport {
  name: string;
  kind: string;
  psi: number | null;
  ks?: number | null;
  ksPValue?: number | null;
  missing: number | null;
  referenceMissing: number;
  mean?: number | null;
  referenceMean?: number | null;
  above?: number;
  below?: number;
  unseen?: number;
  rows: number;
  bins: {
    current: number[];
    reference: number[];
    /** Numbers: a bin ends at each, and one is above. */
    upperEdges?: number[];
    /** Categories: a bin each; the last bin is all others. */
    values?: string[];
    categories?: string[];
    labels?: string[];
  } | null;
}

export interface Report {
  id: string;
  monitor: string;
  ref: string;
  version: number;
  at: Instant;
  from: Instant | null;
  created: Instant;
  status: ReportStatus;
  rows: number;
  predictions: number;
  truncated: boolean;
  note: string | null;
  alert: string | null;
  crossed: { measure: Measure; feature: string | null; value: number; threshold: number }[];
  features: FeatureReport[];
  quality: QualityReport | null;
  models: { ref: string; rows: number }[];
  pipelineStart?: PipelineStart | null;
}

export interface QualityReport {
  rows: number;
  mae?: number | null;
  rmse?: number | null;
  bias?: number | null;
  pinball?: number | null;
  errorRate?: number | null;
}

export interface PipelineStart {
  at: Instant;
  event: string;
  pipeline: string;
  problem: string | null;
  run: string | null;
  runId: string | null;
  state: string;
}

export interface Alert {
  id: string;
  ref: string;
  monitor: string;
  version: number;
  project: string;
  state: "open" | "acknowledged" | "resolved";
  summary: string;
  report: string;
  opened: Instant;
  lastSeen: Instant;
  resolved: Instant | null;
  acknowledgedBy: string | null;
  comment: string | null;
  pipelineStarts: PipelineStart[];
}

declare module "../api/types.ts" {
  interface Responses {
    "GET /api/v1/monitors": Page<Monitor>;
    "GET /api/v1/monitors/{name}": Monitor;
    "PUT /api/v1/monitors/{name}": Monitor;
    "GET /api/v1/monitors/{name}/reports": Page<Report>;
    "GET /api/v1/monitors/{name}/reports/{id}": Report;
    "POST /api/v1/monitors/{name}/evaluate": Report;
    "GET /api/v1/alerts": Page<Alert>;
    "GET /api/v1/alerts/{id}": Alert;
    "POST /api/v1/alerts/{id}/acknowledge": Alert;
  }
}
