import type { Instant } from "../../api/types.ts";
import type { Cell, Version } from "../api.ts";

export interface MergeCounts {
  added: number;
  deleted: number;
  edited: number;
  cells: number;
  rowsInConflict: number;
  conflicts: number;
  open: number;
  deleteConflicts: number;
  byColumn: { [column: string]: number };
  openByColumn: { [column: string]: number };
}

export type RuleName = "ours" | "theirs" | "newest" | "annotator-rank" | "majority" | "filled";

export interface MergeRule {
  rule: RuleName;
  column?: string;
  ranks?: string[];
}

export interface SchemaConflict {
  column: string;
  kind: string;
  base: string | null;
  ours: string | null;
  theirs: string | null;
  rows: number | null;
}

export interface Merge {
  id: string;
  dataset: string;
  state: "conflicts" | "merged" | "abandoned";
  into: string;
  from: string;
  base: number | null;
  ours: number;
  theirs: number;
  key: string[];
  by: "cell" | "row";
  rules: MergeRule[];
  schemaConflicts: SchemaConflict[];
  counts: MergeCounts;
  message: string;
  author: string;
  created: Instant;
  version: number | null;
}

export interface MergeOutcome {
  state: "merged" | "conflicts" | "upToDate" | "fastForward" | "mergeable";
  counts: MergeCounts;
  base: number | null;
  version?: Version;
  id?: string;
  merge?: Merge;
}

export interface ConflictSide {
  value: Cell;
  version: number;
  author: string;
  at: Instant | null;
  annotator?: string;
  deleted?: boolean;
}

export type Take = "ours" | "theirs" | "base";

export interface Decision {
  take: Take | "value";
  /** hand, or the rule. */
  how: string;
  value?: Cell;
  author?: string;
  at?: Instant;
}

export interface Conflict {
  id: number;
  key: { [column: string]: Cell };
  /** null: the whole row, deleted on one side and changed on the other. */
  column: string | null;
  kind: "cell" | "label" | "row";
  base: Cell;
  ours: ConflictSide;
  theirs: ConflictSide;
  decision: Decision | null;
}

export type Resolution =
  | { id: number; take: Take | "open" }
  | { id: number; value: Cell }
  | { column?: string; take: Take | "open" }
  | { rule: RuleName; column?: string; ranks?: string[] };

declare module "../../api/types.ts" {
  interface Responses {
    "POST /api/v1/datasets/{name}/merge": MergeOutcome;
    "GET /api/v1/datasets/{name}/merges": Page<Merge>;
    "GET /api/v1/merges/{id}": Merge;
    "GET /api/v1/merges/{id}/conflicts": Page<Conflict>;
    "POST /api/v1/merges/{id}/resolutions": Merge;
    "POST /api/v1/merges/{id}/commit": { merge: Merge; version: Version };
  }
}
