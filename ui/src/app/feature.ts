import type { ComponentType } from "react";
import type { IconName } from "../kit/Icon.tsx";
import type { PathParams } from "./paths.ts";

export interface PageProps<P extends string> {
  params: PathParams<P>;
}

/** A page at a path. Its code is loaded when somebody goes there. */
export interface Route {
  path: string;
  load: () => Promise<{ default: ComponentType<{ params: never }> }>;
  /** For the window's title. */
  title: string;
}

/**
 * `route("/p/:project/datasets/:name", "Dataset", () => import("./DatasetPage.tsx"))`: the page's default export is a
 * component that takes `PageProps<"/p/:project/datasets/:name">`.
 */
export function route<P extends string>(
  path: P,
  title: string,
  load: () => Promise<{ default: ComponentType<PageProps<P>> }>,
): Route {
  return { path, title, load: load as Route["load"] };
}

/** An entry of the sidebar. The shell knows the order; `id` is one of its places. */
export interface NavItem {
  id: NavPlace;
  label: string;
  icon: IconName;
  /** The path in a project. */
  to: (project: string) => string;
}

/** The sidebar, by lifecycle. */
export const navPlaces = [
  "home",
  "datasets",
  "labelling",
  "experiments",
  "models",
  "pipelines",
  "endpoints",
  "monitors",
  "lineage",
  "ledger",
  "admin",
] as const;
export type NavPlace = typeof navPlaces[number];

/** Knows the page of a kind of ref. */
export interface RefResolver {
  /** "dataset", "model", "pipeline-run" … */
  kind: string;
  icon: IconName;
  /** The page's path in a project. */
  path: (ref: Ref, project: string) => string;
  /** The project of the thing, asked of the server; needed only if the reader is in none. */
  project?: (ref: Ref, signal: AbortSignal) => Promise<string | null>;
}

export interface Ref {
  kind: string;
  name: string;
  /** What follows `@`: a version number or an alias. */
  selector: string | null;
  text: string;
}

export interface ActionContext {
  project: string | null;
  navigate: (path: string) => void;
}

/** Something that can be done from the command palette. */
export interface Action {
  id: string;
  title: string;
  /** More words under which it is found. */
  keywords?: string;
  icon?: IconName;
  /** Absent: always. */
  when?: (context: ActionContext) => boolean;
  run: (context: ActionContext) => void | Promise<void>;
}

/** Something that a search found. */
export interface Found {
  ref?: string;
  title: string;
  /** What tells it from its likes: a version, a date, a state. */
  detail?: string;
  icon: IconName;
  /** Where it is; the ref's page if absent. */
  to?: string;
}

/** What a folder of ui/src adds to the application; each has exactly one, in its `index.ts`. */
export interface Feature {
  name: string;
  nav?: NavItem[];
  routes?: Route[];
  refs?: RefResolver[];
  actions?: Action[];
  /** Finds things of this feature by a text, for the palette: at most ten, quickly. */
  search?: (text: string, project: string, signal: AbortSignal) => Promise<Found[]>;
}
