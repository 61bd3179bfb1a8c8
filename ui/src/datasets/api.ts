import type { Instant, Json } from "../api/types.ts";

/** What the dataset routes answer. The forms of merges and contracts are in `merge/api.ts` and `quality/api.ts`. */

export interface Dataset {
  name: string;
  ref: string;
  project: string;
  kind: "table" | "files";
  /** The columns that together identify a row. */
  key: string[];
  description: string;
  /** The newest version's number; null for a dataset without versions. */
  latest: number | null;
  created: Instant;
}

export interface Column {
  name: string;
  /** DuckDB's name of the type. */
  type: string;
}

export interface Recipe {
  kind: string;
  inputs: string[];
  details: { [key: string]: Json };
}

export interface Version {
  ref: string;
  dataset: string;
  project: string;
  version: number;
  kind: "table" | "files";
  branch: string;
  parent: number | null;
  /** The second parent of a merge. */
  merged: number | null;
  author: string;
  created: Instant;
  message: string;
  columns: Column[];
  rows: number;
  files: number;
  sizeBytes: number;
  digest: string;
  tree: string | null;
  recipe: Recipe;
  /** When its files were given up; its record stays. */
  deleted: Instant | null;
}

export interface MadeVersion extends Version {
  unchanged: boolean;
  mergedWithOthers?: boolean;
}

export interface NamedVersion {
  kind: "branch" | "tag";
  name: string;
  ref: string;
  version: number;
  author: string;
  created: Instant;
}

export type Cell = Json;

export interface FileView {
  url: string;
  mediaType: string | null;
  width?: number;
  height?: number;
}

export interface RowsPage {
  columns: Column[];
  rows: Cell[][];
  /** Each row's number in the table, from 0. */
  rowNumbers: number[];
  /** The first row's number in this view, when it is known. */
  position?: number;
  total?: number;
  next?: string;
  previous?: string;
  truncated: boolean;
  files?: FileView[];
}

export interface QueryResult {
  columns: Column[];
  rows: Cell[][];
  truncated: boolean;
}

export interface ColumnProfile {
  name: string;
  type: string;
  kind: "number" | "text" | "time" | "boolean" | "other" | string;
  nullCount: number;
  notFiniteCount: number;
  distinctCount: number | null;
  minimum: string | null;
  maximum: string | null;
  mean?: number | null;
  standardDeviation?: number | null;
  quantiles: { probability: number; value: number }[];
  histogram?: { edges: number[]; counts: number[] } | null;
  topValues: { value: string; count: number }[];
}

export interface TableProfile {
  rowCount: number;
  columns: ColumnProfile[];
}

export interface Series {
  x: { name: string; type: string; unit: string | null };
  from: number;
  to: number;
  rows: number;
  /** Where each piece of the range begins; of times in seconds since 1970, UTC. */
  starts: number[];
  counts: number[];
  series: SeriesColumn[];
}

export interface SeriesColumn {
  name: string;
  minimum: (number | null)[];
  maximum: (number | null)[];
  mean: (number | null)[];
}

export interface Bars {
  counts: number[];
  below: number;
  above: number;
  nulls: number;
  other: number;
}

export interface ComparedColumn {
  name: string;
  left: ColumnProfile;
  right: ColumnProfile;
  /** Jensen and Shannon's, to the base 2; null where it is not defined. */
  distance: number | null;
  distribution: { left: Bars; right: Bars; values?: string[]; edges?: number[] } | null;
}

export interface Comparison {
  left: { ref: string; rows: number };
  right: { ref: string; rows: number };
  schema: { onlyLeft: Column[]; onlyRight: Column[]; types: { name: string; left: string; right: string }[] };
  columns: ComparedColumn[];
}

export interface FileEntry {
  path: string;
  digest?: string;
  sizeBytes: number;
  folder?: boolean;
  files?: number;
}

export interface ColumnMark {
  column: string;
  pii: "none" | "indirect" | "direct" | "sensitive" | null;
  kind: string | null;
  description: string | null;
  unit: string | null;
  basis?: string;
  from?: string | null;
}

export interface RetentionRule {
  keepLast: number | null;
  keepDays: number | null;
  keepTagged: boolean;
  automatic: boolean;
}

export interface Deletion {
  dryRun: boolean;
  versions: string[];
  count: number;
  frees: { objects: number; bytes: number };
  models?: { version: number; models: string[] }[];
  held?: { version: number; models: string[] }[];
  kept?: number;
  rule?: RetentionRule;
}

export interface PushedEvents {
  dataset: string;
  branch: string;
  waiting: number;
  oldest: Instant | null;
  accepted: number;
  problem: string | null;
  rows: number;
  seconds: number;
  onChange: string;
  rememberSeconds: number;
}

export interface DatasetCard {
  markdown: string;
  /** The owner's text. */
  text: string;
  by: string;
  license: string | null;
  citation: string | null;
  url: string | null;
  creators: string[];
  keywords: string[];
  responsible: { [field: string]: Json };
}

declare module "../api/types.ts" {
  interface Responses {
    "GET /api/v1/datasets": Page<Dataset>;
    "POST /api/v1/datasets": Dataset;
    "GET /api/v1/datasets/{name}": Dataset;
    "PATCH /api/v1/datasets/{name}": Dataset;
    "DELETE /api/v1/datasets/{name}": Deletion;
    "GET /api/v1/datasets/{name}/versions": Page<Version>;
    "GET /api/v1/datasets/{name}/versions/{version}": Version;
    "DELETE /api/v1/datasets/{name}/versions/{version}": Deletion;
    "GET /api/v1/datasets/{name}/versions/{version}/rows": RowsPage;
    "GET /api/v1/datasets/{name}/versions/{version}/profile": TableProfile;
    "GET /api/v1/datasets/{name}/versions/{version}/series": Series;
    "GET /api/v1/datasets/{name}/versions/{version}/files": Page<FileEntry>;
    "GET /api/v1/datasets/{name}/branches": { items: NamedVersion[] };
    "PUT /api/v1/datasets/{name}/branches/{label}": NamedVersion;
    "GET /api/v1/datasets/{name}/tags": { items: NamedVersion[] };
    "PUT /api/v1/datasets/{name}/tags/{label}": NamedVersion;
    "GET /api/v1/datasets/{name}/columns": { items: ColumnMark[]; policy: "open" | "restricted" };
    "GET /api/v1/datasets/{name}/retention": { rule: RetentionRule | null };
    "PUT /api/v1/datasets/{name}/retention": { rule: RetentionRule };
    "POST /api/v1/datasets/{name}/retention/apply": Deletion;
    "GET /api/v1/datasets/{name}/events": PushedEvents;
    "GET /api/v1/datasets/{name}/card": DatasetCard;
    "PUT /api/v1/datasets/{name}/card": DatasetCard;
    "POST /api/v1/datasets/{name}/append": MadeVersion;
    "POST /api/v1/datasets/{name}/derive": MadeVersion;
    "POST /api/v1/datasets/{name}/files": MadeVersion;
    "POST /api/v1/datasets/{name}/archive": MadeVersion;
    "POST /api/v1/query": QueryResult;
    "GET /api/v1/compare": Comparison;
  }
}
