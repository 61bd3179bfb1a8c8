import { ApiError, asApiError, errorFrom, isAbort } from "./errors.ts";
import type { Answer, ItemOf, Json, Method, Page, PathOf, QueryValue, RequestParts } from "./types.ts";

export interface Sending {
  /** Sent as JSON. */
  json?: unknown;
  /** Sent as it is: YAML, Parquet, a file. */
  body?: BodyInit;
  contentType?: string;
  accept?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
}

export type Options<M extends Method, P extends string> = RequestParts<M, P> & Sending;

/** Options may be left out where nothing must be given. */
export type Rest<M extends Method, P extends string> = { path?: undefined } extends RequestParts<M, P>
  ? [options?: Options<M, P>]
  : [options: Options<M, P>];

/** Fills the names of a path template and appends the query. */
export function urlOf(
  template: string,
  path: Record<string, string | number> | undefined,
  query: Record<string, QueryValue> | undefined,
): string {
  const filled = template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = path?.[name];
    if (value === undefined || value === "") throw new ApiError("invalid", `${name} is missing in ${template}.`);
    // A file's path keeps its slashes: routes that end in {path} take the rest.
    return name === "path"
      ? String(value).split("/").map(encodeURIComponent).join("/")
      : encodeURIComponent(String(value));
  });
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value === undefined || value === null || value === "") continue;
    if (Array.isArray(value)) { for (const each of value) search.append(name, String(each)); }
    else search.append(name, String(value));
  }
  const text = search.toString();
  return text ? `${filled}?${text}` : filled;
}

const unauthenticatedListeners = new Set<() => void>();

/** Called when the server says that nobody is signed in. */
export function onUnauthenticated(listener: () => void): () => void {
  unauthenticatedListeners.add(listener);
  return () => unauthenticatedListeners.delete(listener);
}

/** A request; refusals are thrown as `ApiError`, giving up as the browser's AbortError. */
export async function send(method: Method, url: string, sending: Sending = {}): Promise<Response> {
  const headers: Record<string, string> = { Accept: sending.accept ?? "application/json", ...sending.headers };
  let body = sending.body ?? null;
  if (sending.json !== undefined) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(sending.json);
  } else if (sending.contentType) {
    headers["Content-Type"] = sending.contentType;
  }
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      headers,
      body,
      signal: sending.signal ?? null,
      credentials: "same-origin",
    });
  } catch (error) {
    if (isAbort(error)) throw error;
    throw asApiError(error);
  }
  if (response.ok) return response;
  const error = await errorFrom(response);
  if (error.code === "unauthenticated") { for (const listener of unauthenticatedListeners) listener(); }
  throw error;
}

async function request<T>(method: Method, template: string, options: Loose = {}): Promise<T> {
  const { path, query, ...sending } = options;
  const response = await send(method, urlOf(template, path, query), sending);
  if (response.status === 204) return undefined as T;
  const type = response.headers.get("content-type") ?? "";
  if (!type.includes("json")) return await response.text() as T;
  const text = await response.text();
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

interface Loose extends Sending {
  path?: Record<string, string | number> | undefined;
  query?: Record<string, QueryValue> | undefined;
}

/** `await get("/api/v1/datasets/{name}", { path: { name } })`: parsed JSON, or text where the server answers text. */
export function get<P extends PathOf<"GET">>(path: P, ...[options]: Rest<"GET", P>): Promise<Answer<"GET", P>> {
  return request("GET", path, options as Loose);
}

export function post<P extends PathOf<"POST">>(path: P, ...[options]: Rest<"POST", P>): Promise<Answer<"POST", P>> {
  return request("POST", path, options as Loose);
}

export function put<P extends PathOf<"PUT">>(path: P, ...[options]: Rest<"PUT", P>): Promise<Answer<"PUT", P>> {
  return request("PUT", path, options as Loose);
}

export function patch<P extends PathOf<"PATCH">>(
  path: P,
  ...[options]: Rest<"PATCH", P>
): Promise<Answer<"PATCH", P>> {
  return request("PATCH", path, options as Loose);
}

/** DELETE; `delete` is a word of the language. */
export function remove<P extends PathOf<"DELETE">>(
  path: P,
  ...[options]: Rest<"DELETE", P>
): Promise<Answer<"DELETE", P>> {
  return request("DELETE", path, options as Loose);
}

/** The address of a GET, for `<img src>`, downloads and frames. */
export function hrefOf<P extends PathOf<"GET">>(path: P, ...[options]: Rest<"GET", P>): string {
  const loose = (options ?? {}) as Loose;
  return urlOf(path, loose.path, loose.query);
}

/** All items of a listing, page by page; `most` guards against listings without end. */
export async function everyItem<P extends PathOf<"GET">>(
  path: P,
  options: Options<"GET", P>,
  most = 10_000,
): Promise<ItemOf<Answer<"GET", P>>[]> {
  const items: unknown[] = [];
  const loose = options as Loose;
  let after: string | undefined;
  do {
    const page: Page<Json> = await request("GET", path, {
      ...loose,
      query: { limit: 200, ...loose.query, ...(after ? { after } : {}) },
    });
    items.push(...page.items);
    after = page.next;
  } while (after && items.length < most);
  return items as ItemOf<Answer<"GET", P>>[];
}
