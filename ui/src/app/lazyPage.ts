import { type ComponentType, lazy } from "react";
import type { Route } from "./feature.ts";

const pages = new Map<string, ComponentType<never>>();

/** The page of a route as a component that loads itself; the same component for the same route, always. */
export function lazyPage(route: Route): ComponentType<never> {
  let page = pages.get(route.path);
  if (!page) {
    page = lazy(route.load) as ComponentType<never>;
    pages.set(route.path, page);
  }
  return page;
}
