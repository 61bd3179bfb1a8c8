import type { Instant, Json } from "../../api/types.ts";
import type { RowsPage, Series, TableProfile } from "../api.ts";

export interface Split {
  kind: "random" | "stratified" | "time";
  parts: { name: string; fraction: number }[];
  part?: string;
  seed?: number;
  by?: string[];
  unit?: string[];
  time?: string | null;
  at?: string[];
}

export interface Wrong {
  predictions: string;
  key?: string[];
  prediction: string;
  truth: string;
  tolerance?: number | null;
}

export type SliceRule = { where: string } | { filter: string } | { split: Split } | { wrong: Wrong };

export interface Slice {
  name: string;
  ref: string;
  version: number;
  project: string;
  /** What it chooses from: a dataset's or a slice's ref. */
  over: string;
  /** The dataset at the bottom. */
  dataset: string;
  rule: SliceRule;
  /** The rule in words. */
  summary: string;
  description: string;
  purpose: string;
  owner: string;
  created: Instant;
}

export interface SliceSize {
  rows: number;
  of: number;
  [more: string]: Json;
}

export interface LeakageCheck {
  check: string;
  columns: string[];
  rows: number;
  verdict: "none" | "suspect" | "leak";
  examples: Json;
}

export interface Leakage {
  left: string;
  right: string;
  verdict: "none" | "suspect" | "leak";
  checks: LeakageCheck[];
}

declare module "../../api/types.ts" {
  interface Responses {
    "GET /api/v1/slices": { items: Slice[] };
    "POST /api/v1/slices": Slice;
    "POST /api/v1/slices/split": { items: Slice[] };
    "POST /api/v1/slices/leakage": Leakage;
    "GET /api/v1/slices/{name}": Slice;
    "GET /api/v1/slices/{name}/size": SliceSize;
    "GET /api/v1/slices/{name}/rows": RowsPage;
    "GET /api/v1/slices/{name}/profile": TableProfile;
    "GET /api/v1/slices/{name}/series": Series;
  }
}
