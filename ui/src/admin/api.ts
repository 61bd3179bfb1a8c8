import type { Instant } from "../api/types.ts";

export interface Account {
  name: string;
  kind: "user" | "service";
  /** On all projects without a grant of their own. */
  role: string | null;
  created: Instant;
}

export interface Member {
  name: string;
  role: string;
}

export interface Token {
  id: string;
  principal: string;
  label: string;
  /** Permissions by name; null: all that its owner has. */
  scopes: string[] | null;
  created: Instant;
  expires: Instant | null;
}

export interface Secret {
  name: string;
  project: string;
  author?: string;
  created?: Instant;
  updated?: Instant;
}

export interface Webhook {
  id: string;
  project: string;
  name: string;
  description: string | null;
  url: string;
  events: string[];
  status: "active" | "disabled";
  signed: boolean;
  author: string;
  created: Instant;
  updated: Instant;
}

export interface Delivery {
  id: string;
  webhook: string;
  event: string;
  state: "pending" | "delivered" | "failed";
  attempts: number;
  created: Instant;
  due: Instant | null;
  finished: Instant | null;
  responseStatus: number | null;
  error: string | null;
}

export interface Collection {
  dryRun: boolean;
  examined: number;
  removed: number;
  removedBytes: number;
  /** Not held by anything, but younger than the grace period. */
  kept: number;
  leftovers: number;
  owners: { owner: string; objects: number; bytes: number }[];
}

export interface ServerFacts {
  version: string;
  database: string;
  /** "ok", or why tables cannot be read. */
  tables: string;
}

declare module "../api/types.ts" {
  interface Responses {
    "GET /api/v1/secrets": { items: Secret[] };
    "GET /api/v1/users": Page<Account>;
    "POST /api/v1/users": Account;
    "GET /api/v1/projects/{project}/members": { items: Member[] };
    "GET /api/v1/tokens": { items: Token[] };
    "POST /api/v1/tokens": Token & { token: string };
    "PUT /api/v1/secrets/{name}": Secret;
    "GET /api/v1/webhooks": Page<Webhook>;
    "POST /api/v1/webhooks": Webhook;
    "PATCH /api/v1/webhooks/{webhook}": Webhook;
    "GET /api/v1/webhooks/{webhook}/deliveries": Page<Delivery>;
    "POST /api/v1/webhooks/{webhook}/test": {
      succeeded: boolean;
      error: string | null;
      responseStatus: number | null;
      responseBody: string;
    };
    "POST /api/v1/objects/collect": Collection;
    "GET /api/v1/server": ServerFacts;
  }
}
