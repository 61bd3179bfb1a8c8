import type { Paths } from "./paths.ts";

/**
 * What each route answers. A feature adds its own in its `api.ts`:
 *
 *     declare module "../api/types.ts" {
 *       interface Responses { "GET /api/v1/datasets": Page<Dataset> }
 *     }
 *
 * A route that nobody described answers `unknown`.
 */
// deno-lint-ignore no-empty-interface
export interface Responses {}

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
export type RouteKey = keyof Paths;

/** The path templates that exist for a method. */
export type PathOf<M extends Method> = RouteKey extends infer K ? K extends `${M} ${infer P}` ? P : never : never;

type Entry<M extends Method, P extends string> = `${M} ${P}` extends RouteKey ? Paths[`${M} ${P}`] : never;
export type PathNames<M extends Method, P extends string> = Entry<M, P>["path"];
export type QueryNames<M extends Method, P extends string> = Entry<M, P>["query"];

export type Answer<M extends Method, P extends string> = `${M} ${P}` extends keyof Responses ? Responses[`${M} ${P}`]
  : unknown;

export type QueryValue = string | number | boolean | null | undefined | readonly string[];

/** The names in a path are asked for when it has some, and only then. */
export type RequestParts<M extends Method, P extends string> =
  & ([PathNames<M, P>] extends [never] ? { path?: undefined } : { path: Record<PathNames<M, P>, string | number> })
  & { query?: [QueryNames<M, P>] extends [never] ? undefined : Partial<Record<QueryNames<M, P>, QueryValue>> };

export interface Page<Item> {
  items: Item[];
  /** Ask for what comes after this; absent on the last page. */
  next?: string;
}

/** The item of a page, if a route answers with pages. */
export type ItemOf<T> = T extends Page<infer Item> ? Item : unknown;

/** An ISO 8601 instant in UTC. */
export type Instant = string;

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export type Role = "viewer" | "annotator" | "data-scientist" | "ml-engineer" | "operator" | "owner" | "admin";

export interface Principal {
  name: string;
  role: Role | null;
  /** Roles by project. */
  grants: Record<string, Role>;
}

/** Who uses the application, and what they may do. */
export interface Session {
  principal: Principal;
  /** null: no cookie was needed. */
  session: { id: string; expires: Instant | null } | null;
  permissions: {
    general: string[];
    /** Where a grant in a project replaces that. */
    projects: Record<string, string[]>;
  };
  server: { name: string; version: string };
}

export interface LedgerEvent {
  id: string;
  sequence: number;
  time: Instant;
  /** `slipway.model.promoted` */
  type: string;
  subject: string;
  actor: string;
  project: string | null;
  data: { [key: string]: Json };
  hash: string;
}

export interface Goal {
  name: string;
  target: number;
  /** The target is a change (−0.09: nine percent less), not a value. */
  relative: boolean;
  measured: number | null;
  measuredAt: Instant | null;
  met: boolean | null;
}

export interface Project {
  name: string;
  ref: string;
  owner: string;
  description: string;
  created: Instant;
  goals: Goal[];
}

declare module "./types.ts" {
  interface Responses {
    "GET /api/v1/whoami": Principal;
    "GET /api/v1/session": Session;
    "POST /api/v1/session": Session;
    "GET /api/v1/projects": Page<Project>;
    "GET /api/v1/projects/{project}": Project;
    "GET /api/v1/events": Page<LedgerEvent>;
  }
}
