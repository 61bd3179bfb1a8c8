import { send } from "../api/client.ts";
import type { Instant, Json } from "../api/types.ts";

export interface Policy {
  /** People who must approve before a version takes a protected alias: 0, 1 or 2. */
  approvalsRequired: number;
  selfApproval: boolean;
  protectedAliases: string[];
}

export interface Model {
  name: string;
  ref: string;
  project: string;
  owner: string;
  description: string;
  /** The version that each alias names now. */
  aliases: Record<string, number>;
  policy: Policy;
  tags: Record<string, string>;
  created: Instant;
  updated: Instant;
}

export type ApprovalState = "pending" | "approved" | "rejected";

export interface RecipeInput {
  name: string;
  digest: string | null;
  context: string | null;
}

export interface Recipe {
  inputs: RecipeInput[];
  code: {
    entryPoint: string | null;
    gitRepository: string | null;
    gitBranch: string | null;
    gitCommit: string | null;
    pipelineCode: string | null;
  };
  params: Record<string, string>;
  seed: string | null;
  /** Digests by file. */
  environment: Record<string, string>;
  environmentDigest: string | null;
  metrics: Record<string, number>;
  pipeline: string | null;
  pipelineRun: string | null;
  step: string | null;
}

export interface SignatureField {
  name?: string;
  type: string;
  required?: boolean;
  default?: Json;
  "tensor-spec"?: { dtype: string; shape: number[] };
}

export interface Signature {
  inputs?: SignatureField[] | null;
  outputs?: SignatureField[] | null;
  params?: SignatureField[] | null;
}

export interface Version {
  name: string;
  version: number;
  ref: string;
  project: string;
  owner: string;
  description: string;
  aliases: string[];
  approval: ApprovalState;
  stage: string;
  tags: Record<string, string>;
  source: string;
  run: string | null;
  runLink: string | null;
  loggedModel: string | null;
  hasFiles: boolean;
  flavors: Record<string, Json> | null;
  signature: Signature | null;
  recipe: Recipe;
  created: Instant;
  updated: Instant;
}

export interface Evaluation {
  id: string;
  dataset: string | null;
  slice: string | null;
  run: string | null;
  metrics: Record<string, number>;
  created: Instant;
  createdBy: string;
}

export interface Approval {
  by: string;
  decision: "approve" | "reject";
  comment: string;
  time: Instant;
}

/** A stretch of time in which an alias named a version. */
export interface Reign {
  alias: string;
  version: number;
  from: Instant;
  /** null: it still does. */
  until: Instant | null;
  setBy: string;
  reason: string;
}

export interface VersionFile {
  path: string;
  digest: string;
  sizeBytes: number;
}

export interface VersionDetail extends Version {
  files: VersionFile[];
  metrics: Record<string, number>;
  /** Oldest first. */
  evaluations: Evaluation[];
  approvals: Approval[];
  history: Reign[];
}

export interface PromotionDecision {
  promotes: boolean;
  checks: { name: string; passed: boolean; finding: string }[];
  challengerValue: number | null;
  holderValue: number | null;
  improvement: number | null;
  evaluatedOn: string | null;
}

export interface Reproduction {
  id: string;
  state: string;
  tolerance: number;
  keep: boolean;
  pipelineRun: string | null;
  verdict: string | null;
  result: {
    verdict: string;
    filesCompared: number;
    metricsCompared: number;
    firstDifference: { kind: string; name: string; recorded: string; rerun: string } | null;
  } | null;
  problem: string | null;
  startedBy: string;
  created: Instant;
  ended: Instant | null;
}

declare module "../api/types.ts" {
  interface Responses {
    "GET /api/v1/models": Page<Model>;
    "POST /api/v1/models": Model;
    "GET /api/v1/models/{name}": Model;
    "PUT /api/v1/models/{name}/policy": Model;
    "GET /api/v1/models/{name}/versions": Page<Version>;
    "POST /api/v1/models/{name}/versions": Version;
    "GET /api/v1/models/{name}/versions/{version}": VersionDetail;
    "GET /api/v1/models/{name}/history": { items: Reign[] };
    "PUT /api/v1/models/{name}/aliases/{alias}": Model;
    "POST /api/v1/models/{name}/promote": PromotionDecision;
    "POST /api/v1/models/{name}/versions/{version}/approvals": Version;
    "POST /api/v1/models/{name}/versions/{version}/evaluations": Evaluation;
    "GET /api/v1/models/{name}/versions/{version}/reproductions": { items: Reproduction[] };
    "POST /api/v1/models/{name}/versions/{version}/reproduce": Reproduction;
  }
}

/** Descriptions and tags are written through MLflow's registry, which is the same one. */
async function change(path: string, body: { [key: string]: Json }, method: "POST" | "PATCH" | "DELETE"): Promise<void> {
  await send(method, "/api/2.0/mlflow/" + path, { json: body });
}

export function describeModel(name: string, description: string): Promise<void> {
  return change("registered-models/update", { name, description }, "PATCH");
}

export function describeVersion(name: string, version: number, description: string): Promise<void> {
  return change("model-versions/update", { name, version: String(version), description }, "PATCH");
}
