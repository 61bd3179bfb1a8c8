import type { Instant } from "../api/types.ts";
import type { LabelValue } from "./values.ts";

export type LabelKind = "class" | "multi-class" | "number" | "text" | "boxes" | "polygons" | "spans" | "ranges";

export interface LabelClass {
  name: string;
  colour: string;
  hotkey?: string;
  id?: number;
  about?: string;
}

export interface LabelAttribute {
  name: string;
  kind: "choice" | "number" | "text" | "flag";
  choices?: string[];
  required?: boolean;
}

export interface LabelSchema {
  name: string;
  ref: string;
  version: number;
  project: string;
  author: string;
  created: Instant;
  kind: LabelKind;
  classes?: LabelClass[];
  attributes?: LabelAttribute[];
  minimum?: number;
  maximum?: number;
  whole?: boolean;
  ordered?: boolean;
  instructions?: string;
}

export interface LabelTask {
  name: string;
  ref: string;
  project: string;
  author: string;
  created: Instant;
  state: "open" | "paused" | "closed";
  over: string;
  dataset: string;
  schema: string;
  column: string;
  key: string[];
  /** Of spans: the column with the text; of ranges: the one with the values. */
  content: string | null;
  /** Whether the rows are files. */
  files: boolean;
  overlap: number;
  items: number;
  complete: number;
  reviewed: number;
  annotations: number;
  annotators: Record<string, number>;
  reviewers: string[];
  rule: "majority" | "rank";
  select: { sample: number | null; seed: number; order: string };
  leaseSeconds: number;
  showPrelabels: boolean;
}

/** What an item is a label of: an image's size, a text's length, a series' ends. */
export type Extent = { width: number; height: number } | { length: number } | { start: number; end: number } | null;

export interface Prelabel {
  origin: string;
  value: LabelValue;
  score: number | null;
}

export interface LabelItem {
  item: number;
  key: string[];
  state: "open" | "complete" | "accepted" | "corrected";
  extent: Extent;
  assignee: string | null;
  slots: number;
  votes: number;
  final: { value: LabelValue; by: string; at: Instant } | null;
}

/** An item in one's hands. */
export interface HeldItem {
  item: number;
  key: string[];
  extent: Extent;
  prelabels: Prelabel[];
  draft: LabelValue | null;
  /** What a reviewer said who sent it back. */
  comment: string | null;
  leaseEnds: Instant | null;
}

export interface Annotation {
  item: number;
  annotator: string;
  state: "leased" | "submitted" | "accepted" | "rejected" | "skipped" | "released" | string;
  value: LabelValue | null;
  draft: LabelValue | null;
  origin: string | null;
  comment: string | null;
  at: Instant | null;
  seconds: number | null;
}

export interface ItemDetail extends LabelItem {
  annotations: Annotation[];
  prelabels: Prelabel[];
}

export interface ItemRow {
  item: number;
  /** Where the file is, for rows that are files. */
  file?: string;
  row: Record<string, unknown>;
}

export interface ItemChange {
  item: number;
  time: Instant;
  actor: string;
  action: string;
  annotator: string | null;
  value: LabelValue | null;
  comment: string | null;
  seconds: number | null;
}

export interface Progress {
  task: string;
  state: string;
  items: number;
  complete: number;
  open: number;
  reviewed: number;
  annotations: number;
  wanted: number;
  seconds: number;
  secondsPerItem: number | null;
  annotators: {
    annotator: string;
    submitted: number;
    accepted: number;
    rejected: number;
    skipped: number;
    seconds: number;
    secondsPerItem: number | null;
    last: Instant | null;
  }[];
}

export interface Agreement {
  kind: LabelKind;
  items: number;
  annotations: number;
  pairs: {
    a: string;
    b: string;
    items: number;
    same: number | null;
    similarity: number | null;
    kappa?: number | null;
    weightedKappa?: number | null;
    meanIoU?: number | null;
    f1?: number | null;
    exactF1?: number | null;
  }[];
  leastAgreed: { item: number; agreement: number }[];
  krippendorff?: { nominal?: number | null; ordinal?: number | null; interval?: number | null };
  krippendorffByClass?: Record<string, number | null>;
  fleiss?: { raters: number; items: number; kappa: number | null } | null;
}

export interface Published {
  ref: string;
  unchanged: boolean;
  labels: number;
  orphans: number;
}

declare module "../api/types.ts" {
  interface Responses {
    "GET /api/v1/label-schemas": Page<LabelSchema>;
    "POST /api/v1/label-schemas": LabelSchema;
    "GET /api/v1/label-schemas/{name}": LabelSchema;
    "GET /api/v1/label-tasks": Page<LabelTask>;
    "POST /api/v1/label-tasks": LabelTask;
    "GET /api/v1/label-tasks/{task}": LabelTask;
    "PATCH /api/v1/label-tasks/{task}": LabelTask;
    "GET /api/v1/label-tasks/{task}/progress": Progress;
    "GET /api/v1/label-tasks/{task}/agreement": Agreement;
    "GET /api/v1/label-tasks/{task}/items": Page<LabelItem>;
    "GET /api/v1/label-tasks/{task}/items/{item}": ItemDetail;
    "GET /api/v1/label-tasks/{task}/items/{item}/row": ItemRow;
    "GET /api/v1/label-tasks/{task}/items/{item}/history": { items: ItemChange[] };
    "POST /api/v1/label-tasks/{task}/items/{item}/review": LabelItem;
    "POST /api/v1/label-tasks/{task}/items/{item}/submit": Annotation;
    "POST /api/v1/label-tasks/{task}/next": { items: HeldItem[] };
    "POST /api/v1/label-tasks/{task}/undo": HeldItem;
    "POST /api/v1/label-tasks/{task}/accept": { accepted: number };
    "POST /api/v1/label-tasks/{task}/publish": Published;
    "POST /api/v1/label-tasks/{task}/extend": { task: LabelTask; added: number };
    "GET /api/v1/label-tasks/{task}/orphans": { version: string; orphans: number; keys: string[][] };
  }
}
