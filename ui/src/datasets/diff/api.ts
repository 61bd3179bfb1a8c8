import type { Json } from "../../api/types.ts";
import type { Cell } from "../api.ts";

export interface Diff {
  from: string;
  to: string;
  same: boolean;
  key: string[];
  schema: { added: string[]; removed: string[]; changed: { name: string; from: string; to: string | null }[] };
  rows: { from: number; to: number; added: number; removed: number; changed?: number };
  cells: { column: string; changed: number }[];
  labels: { name: string; set: number; changed: number; cleared: number }[];
  statistics: { name: string; changes: { [figure: string]: { from: Json; to: Json } } }[];
  files?: { added: number; removed: number; changed: number };
}

export interface RowChange {
  kind: "added" | "removed" | "changed";
  key: { [column: string]: Cell };
  cells: { column: string; from?: Cell; to?: Cell }[];
}

declare module "../../api/types.ts" {
  interface Responses {
    /** With `kind` a page of the rows that differ (`RowChange`) instead. */
    "GET /api/v1/datasets/{name}/diff": Diff;
  }
}
