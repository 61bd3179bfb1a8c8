export interface LineageEdge {
  /** What was made … */
  target: string;
  /** … from this … */
  source: string;
  /** … and how: derive, trained-on, predicted-by. */
  relation: string;
}

export interface LineageAnswer {
  ref: string;
  direction: string;
  edges: LineageEdge[];
}

/** The server stops at so many edges; more than that and one has to go nearer. */
export const mostEdges = 2000;

declare module "../api/types.ts" {
  interface Responses {
    "GET /api/v1/lineage/{ref}": LineageAnswer;
  }
}
