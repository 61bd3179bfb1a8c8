import type { Instant, Json } from "../../api/types.ts";
import type { MadeVersion } from "../api.ts";

export interface Freshness {
  changed: Instant | null;
  checked: Instant | null;
  due: Instant | null;
  late: boolean | null;
  periodSeconds: number | null;
}

export interface SourceSettings {
  dataset: string | null;
  branch: string;
  mode: "replace" | "append";
  schedule: string | null;
  periodSeconds: number | null;
  secret: string | null;
  authentication: "bearer" | "basic";
  onChange: "fail" | "evolve" | "ignore" | string;
  badRows: "stop" | "skip" | "keep";
  watermark: string | null;
  timeoutSeconds: number;
}

export interface Source {
  name: string;
  ref: string;
  project: string;
  kind: "file" | "http" | "s3" | "postgres" | "sqlite";
  location: string;
  query: string | null;
  format: "parquet" | "csv" | "json" | null;
  encoding: string;
  created: Instant;
  lastImported: Instant | null;
  lastSeen: Json;
  problem: string | null;
  freshness: Freshness;
  settings: SourceSettings;
}

export interface SyncResult extends MadeVersion {
  state: "new" | "unchanged" | "notModified";
}

declare module "../../api/types.ts" {
  interface Responses {
    "GET /api/v1/sources": { items: Source[] };
    "POST /api/v1/sources": Source;
    "GET /api/v1/sources/{name}": Source;
    "PATCH /api/v1/sources/{name}": Source;
    "POST /api/v1/sources/{name}/sync": SyncResult;
    "POST /api/v1/sources/{name}/import": SyncResult;
  }
}
