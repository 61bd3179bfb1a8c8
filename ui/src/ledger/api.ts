/** What recomputing the whole chain of hashes found. */
export interface Verification {
  events: number;
  whole: boolean;
  /** The hash of the last event. */
  head: string;
  /** The first event that does not fit, and why. */
  fault: { sequence: number; problem: string } | null;
}

declare module "../api/types.ts" {
  interface Responses {
    "GET /api/v1/audit/verify": Verification;
  }
}
