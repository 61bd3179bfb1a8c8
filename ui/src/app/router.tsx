import { type AnchorHTMLAttributes, type MouseEvent, useSyncExternalStore } from "react";

/** Where the application lives on the server. Paths inside the application do not have it. */
export const base = "/ui";

export interface Location {
  /** Without `/ui`: "/p/restock/datasets". */
  path: string;
  search: string;
  hash: string;
}

const listeners = new Set<() => void>();
let current = read();

function read(): Location {
  if (typeof location === "undefined") return { path: "/", search: "", hash: "" };
  const { pathname, search, hash } = location;
  const path = pathname.startsWith(base) ? pathname.slice(base.length) : pathname;
  return { path: path === "" ? "/" : path, search, hash };
}

function changed(): void {
  current = read();
  for (const listener of [...listeners]) listener();
}

if (typeof addEventListener !== "undefined") addEventListener("popstate", changed);

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Goes to a path of the application ("/p/restock/datasets?filter=…"). `replace` leaves no step for Back. */
export function navigate(path: string, options: { replace?: boolean; keepScroll?: boolean } = {}): void {
  const url = base + path;
  const samePage = new URL(url, location.href).pathname === location.pathname;
  if (options.replace) history.replaceState(null, "", url);
  else history.pushState(null, "", url);
  changed();
  if (!samePage && !options.keepScroll) document.getElementById("main")?.scrollTo(0, 0);
}

/** The address of a path, for an href. */
export function hrefTo(path: string): string {
  return base + path;
}

export function useLocation(): Location {
  return useSyncExternalStore(subscribe, () => current);
}

export function currentLocation(): Location {
  return current;
}

export interface LinkProps extends Omit<AnchorHTMLAttributes<HTMLAnchorElement>, "href"> {
  /** A path of the application. */
  to: string;
}

/** A link inside the application; a click with a modifier opens a tab, as with any link. */
export function Link({ to, onClick, ...rest }: LinkProps) {
  const click = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event);
    if (event.defaultPrevented || event.button !== 0 || rest.target) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(to);
  };
  return <a {...rest} href={hrefTo(to)} onClick={click} />;
}
