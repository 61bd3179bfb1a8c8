import admin from "../admin/index.ts";
import datasets from "../datasets/index.ts";
import endpoints from "../endpoints/index.ts";
import experiments from "../experiments/index.ts";
import home from "../home/index.ts";
import labels from "../labels/index.ts";
import ledger from "../ledger/index.ts";
import lineage from "../lineage/index.ts";
import models from "../models/index.ts";
import monitors from "../monitors/index.ts";
import pipelines from "../pipelines/index.ts";
import type { Action, Feature, NavItem, RefResolver, Route } from "./feature.ts";
import { navPlaces } from "./feature.ts";
import { matchPath, specificity } from "./paths.ts";

/** All features. A page, an action or a kind of ref is added in the feature's own index.ts, not here. */
export const features: readonly Feature[] = [
  home,
  datasets,
  labels,
  experiments,
  models,
  pipelines,
  endpoints,
  monitors,
  lineage,
  ledger,
  admin,
];

export const routes: readonly Route[] = features.flatMap((feature) => feature.routes ?? [])
  .sort((a, b) => specificity(b.path) - specificity(a.path));

export const actions: readonly Action[] = features.flatMap((feature) => feature.actions ?? []);

const resolvers = new Map<string, RefResolver>(
  features.flatMap((feature) => feature.refs ?? []).map((resolver) => [resolver.kind, resolver]),
);

/** What knows the page of a kind of ref; undefined for kinds without one. */
export function resolverOf(kind: string): RefResolver | undefined {
  return resolvers.get(kind);
}

/** The sidebar's entries, in the order of the lifecycle. */
export const navItems: readonly NavItem[] = features.flatMap((feature) => feature.nav ?? [])
  .sort((a, b) => navPlaces.indexOf(a.id) - navPlaces.indexOf(b.id));

export function findRoute(path: string): { route: Route; params: Record<string, string> } | null {
  for (const route of routes) {
    const params = matchPath(route.path, path);
    if (params) return { route, params };
  }
  return null;
}
