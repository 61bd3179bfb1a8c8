import type { Instant, Json } from "../api/types.ts";

/** A step as the server writes it back, with every default. */
export interface StepDefinition {
  name: string;
  run: string[];
  /** Name → `steps.STEP.OUTPUT` or a ref. */
  inputs?: Record<string, string>;
  /** Name → `dir`, `dataset:NAME` or `model:NAME`. */
  outputs?: Record<string, string>;
  params?: Record<string, Json>;
  needs?: string[];
  cache?: boolean;
  cpu?: number | null;
  environment?: string | null;
  /** Bytes. */
  memory?: number | null;
  network?: boolean;
  retries?: number;
  timeout_seconds?: number;
  variables?: Record<string, string>;
}

export type ParameterType = "text" | "integer" | "number" | "boolean";

export interface ParameterDefinition {
  type: ParameterType;
  /** Absent: every run must set it. */
  default?: Json;
  description?: string | null;
  choices?: Json[] | null;
}

export interface TriggerDefinition {
  /** Cron, UTC. */
  schedule?: string;
  event?: string;
  subject?: string;
  params?: Record<string, Json>;
}

export interface PipelineDefinition {
  name: string;
  description?: string;
  experiment: string;
  params?: Record<string, ParameterDefinition>;
  triggers?: TriggerDefinition[];
  steps: StepDefinition[];
}

export interface Pipeline {
  name: string;
  ref: string;
  version: number;
  project: string;
  definition: PipelineDefinition;
  codeDigest: string | null;
  author: string;
  created: Instant;
}

export type RunState = "queued" | "running" | "cancelling" | "succeeded" | "failed" | "cancelled";
export type StepState = "pending" | "running" | "succeeded" | "cached" | "failed" | "cancelled" | "skipped";

export interface PipelineRun {
  id: string;
  ref: string;
  pipeline: string;
  version: number;
  project: string;
  state: RunState;
  params: Record<string, Json>;
  cause: string | null;
  actor: string;
  created: Instant;
  started: Instant | null;
  ended: Instant | null;
  problem: string | null;
}

export interface StepUsage {
  cpuSeconds?: number;
  wallSeconds?: number;
  peakMemoryBytes?: number;
  memoryLimit?: string;
  sandbox?: string;
}

export interface StepRecipe {
  code?: string | null;
  command?: string[];
  environment?: string | null;
  /** Name → digest of what went in. */
  inputs?: Record<string, string>;
  outputs?: Record<string, string>;
  params?: Record<string, Json>;
  variables?: Record<string, string>;
}

export interface StepRun {
  step: string;
  state: StepState;
  attempt: number;
  recipe: StepRecipe | null;
  recipeDigest: string | null;
  /** The run whose outputs these are. */
  cachedFrom: string | null;
  outputs: Record<string, { digest: string; manifest: string; ref: string | null }>;
  problem: string | null;
  usage: StepUsage | null;
  started: Instant | null;
  ended: Instant | null;
}

export interface PipelineRunWithSteps extends PipelineRun {
  steps: StepRun[];
}

export const isOver = (state: RunState): boolean =>
  state === "succeeded" || state === "failed" || state === "cancelled";

declare module "../api/types.ts" {
  interface Responses {
    "GET /api/v1/pipelines": { items: Pipeline[] };
    "GET /api/v1/pipelines/{name}": Pipeline;
    "PUT /api/v1/pipelines/{name}": Pipeline;
    "POST /api/v1/pipelines/{name}/runs": PipelineRun;
    "GET /api/v1/pipeline-runs": Page<PipelineRun>;
    "GET /api/v1/pipeline-runs/{id}": PipelineRunWithSteps;
    "POST /api/v1/pipeline-runs/{id}/cancel": PipelineRun;
    "GET /api/v1/pipeline-runs/{id}/steps/{step}/log": string;
  }
}
