import type { Instant, Json } from "../../api/types.ts";

export interface RuleResult {
  rule: string;
  severity: "block" | "warn";
  /** In the contract's YAML. */
  line: number;
  passed: boolean;
  /** What was looked at. */
  scope: "new" | "all" | "none";
  /** Rows that break it. */
  count?: number;
  problem?: string;
  measured?: { [name: string]: Json };
  examples?: { file?: string; row?: number; key?: { [column: string]: Json }; values?: { [column: string]: Json } }[];
}

export interface QualityReport {
  dataset: string;
  contract: number | null;
  outcome: "passed" | "warned" | "blocked";
  checked: Instant;
  rows: { new: number; all: number };
  seconds: number;
  failed: number;
  rules: RuleResult[];
}

export interface Contract {
  dataset: string;
  /** Its number. */
  contract: number;
  yaml: string;
  owner: string | null;
  author: string;
  created: Instant;
  rules: { rule: string; severity: "block" | "warn"; line: number }[];
  /** Of a contract that was just set: what the newest version lacks. */
  notes?: string[];
}

declare module "../../api/types.ts" {
  interface Responses {
    "GET /api/v1/datasets/{name}/contract": Contract;
    "PUT /api/v1/datasets/{name}/contract": Contract;
    "POST /api/v1/datasets/{name}/contract/check": QualityReport;
    "GET /api/v1/datasets/{name}/versions/{version}/quality": QualityReport;
  }
}
