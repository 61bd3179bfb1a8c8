import type { QueryState } from "../api/hooks.ts";
import type { Instant, Json } from "../api/types.ts";

export interface Endpoint {
  name: string;
  ref: string;
  project: string;
  /** `model:NAME@ALIAS`, `model:NAME@VERSION` or `model:NAME`. */
  model: string;
  state: "ready" | "idle" | "failed";
  /** The version that answers now. */
  serving: string | null;
  runsIn: string | null;
  isolation: "auto" | "server" | "worker";
  log: "buffered" | "sync";
  /** The share of predictions that are logged, 0 to 1. */
  logRate: number;
  problem: string | null;
  note: string | null;
  /** Answered by this process of the server. */
  requests: number;
  owner: string;
  created: Instant;
  updated: Instant;
}

/** Values by row, or a matrix with its columns' names if the log knows them. */
export type LoggedTensor = Json[] | { shape: number[]; data: Json[]; columns?: string[] };

export interface Feedback {
  predictionId: string;
  row: number;
  value: Json;
  time: Instant;
  principal?: string;
}

export interface Prediction {
  id: string;
  ref: string;
  endpoint: string;
  model: string;
  project: string;
  time: Instant;
  rowCount: number;
  principal: string;
  requestId: string | null;
  inputs: Record<string, LoggedTensor>;
  outputs: Record<string, LoggedTensor>;
}

export interface JudgedPrediction extends Prediction {
  feedback: Feedback[];
}

/** Of the Open Inference Protocol. */
export interface TensorSpec {
  name: string;
  datatype: string;
  shape: number[];
}

export interface ModelMetadata {
  name: string;
  versions: string[];
  platform: string;
  inputs: TensorSpec[];
  outputs: TensorSpec[];
}

export interface InferAnswer {
  model_name: string;
  model_version: string;
  id?: string;
  outputs: { name: string; datatype: string; shape: number[]; data: Json[] }[];
}

/** What the switching page reads of a model's versions; the models' own pages describe them whole. */
export interface ServedVersion {
  version: number;
  ref: string;
  aliases: string[];
  approval: string;
  approvals: { by: string; decision: string; comment: string | null; time: Instant }[];
  evaluations: { dataset: string | null; slice: string | null; metrics: Record<string, number>; created: Instant }[];
  created: Instant;
  owner: string;
}

export interface ServedModel {
  name: string;
  aliases: Record<string, number>;
  policy: { approvalsRequired: number; protectedAliases: string[]; selfApproval: boolean };
}

/** An answer that another feature describes, read with the few fields that are needed here. */
export function reading<T>(query: unknown): QueryState<T> {
  return query as QueryState<T>;
}

declare module "../api/types.ts" {
  interface Responses {
    "GET /api/v1/endpoints": Page<Endpoint>;
    "GET /api/v1/endpoints/{name}": Endpoint;
    "PUT /api/v1/endpoints/{name}": Endpoint;
    "GET /api/v1/predictions": Page<Prediction>;
    "GET /api/v1/predictions/{id}": JudgedPrediction;
    "POST /api/v1/feedback": { accepted: number };
  }
}
