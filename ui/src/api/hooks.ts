import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { cache } from "./cache.ts";
import { get, type Options, urlOf } from "./client.ts";
import { ApiError, asApiError, isAbort } from "./errors.ts";
import { useLive } from "./live.ts";
import type { Answer, ItemOf, LedgerEvent, Page, PathOf, QueryValue } from "./types.ts";

export interface QueryState<T> {
  data: T | undefined;
  error: ApiError | undefined;
  /** Nothing to show yet. */
  loading: boolean;
  /** A request is under way, the first or a later one. */
  fetching: boolean;
  /** Asks again now. */
  refresh: () => void;
}

export interface QueryOptions {
  /** Event types after which to ask again: `["dataset.", "model.promoted"]`. */
  live?: readonly string[];
  /** Narrows `live`: only events for which this holds. */
  about?: (event: LedgerEvent) => boolean;
  /** How long to gather events before asking again, for answers that cost much. In ms. */
  settle?: number;
  /** Do not ask (yet). */
  skip?: boolean;
  /** An answer that is younger is not asked for again when a component appears. In ms. */
  fresh?: number;
}

/** Events come in bursts: at most one question in this time. In ms. */
const burst = 400;

/** An answer of any function, shared by its key. `ask` may change from render to render; the key says what it asks. */
export function useFetch<T>(
  key: string | null,
  ask: (signal: AbortSignal) => Promise<T>,
  options: QueryOptions = {},
): QueryState<T> {
  const active = options.skip ? null : key;
  const latest = useRef(ask);
  latest.current = ask;
  const subscribe = useCallback(
    (listener: () => void) => active === null ? () => {} : cache.subscribe(active, listener),
    [active],
  );
  const entry = useSyncExternalStore(subscribe, () => cache.read<T>(active ?? ""));
  const fetchNow = useCallback((anew: boolean) => {
    if (active === null) return;
    void cache.fetch(
      active,
      (signal) => latest.current(signal),
      (error) => isAbort(error) ? null : asApiError(error),
      anew,
    );
  }, [active]);
  const fresh = options.fresh ?? 2_000;
  const old = active !== null && !entry.fetching && Date.now() - entry.at > fresh;
  const mountedFor = useRef<string | null>(null);
  useEffect(() => {
    if (active === null) return;
    // Asks when the key is new to this component, or when somebody made the entry old; not after each failure.
    const isNew = mountedFor.current !== active;
    mountedFor.current = active;
    if (isNew ? old : entry.at === 0 && entry.data !== undefined && !entry.fetching) fetchNow(false);
  }, [active, fetchNow, entry]);
  useBurst(options.live ?? [], options.about, () => fetchNow(true), options.settle);
  return {
    data: entry.data,
    error: entry.error,
    loading: active !== null && entry.data === undefined && entry.error === undefined,
    fetching: entry.fetching,
    refresh: useCallback(() => fetchNow(true), [fetchNow]),
  };
}

/** Calls back once for a burst of events, `settle` ms after its first. */
export function useBurst(
  types: readonly string[],
  about: ((event: LedgerEvent) => boolean) | undefined,
  callback: () => void,
  settle = burst,
): void {
  const timer = useRef<number | undefined>(undefined);
  const latest = useRef(callback);
  latest.current = callback;
  useLive(types, (event) => {
    if (about && !about(event)) return;
    if (timer.current !== undefined) return;
    timer.current = setTimeout(() => {
      timer.current = undefined;
      latest.current();
    }, settle);
  });
  useEffect(() => () => {
    clearTimeout(timer.current);
    timer.current = undefined;
  }, []);
}

interface Loose {
  path?: Record<string, string | number>;
  query?: Record<string, QueryValue>;
}

/**
 * What a GET answers: the last known answer at once, a newer one when it arrives, and again after events.
 *
 *     const dataset = useQuery("/api/v1/datasets/{name}", { path: { name } }, { live: ["dataset."] });
 */
export function useQuery<P extends PathOf<"GET">>(
  path: P,
  request: Options<"GET", P>,
  options: QueryOptions = {},
): QueryState<Answer<"GET", P>> {
  const { path: names, query } = request as Loose;
  const complete = Object.values(names ?? {}).every((value) => value !== undefined && value !== "");
  const key = options.skip || !complete ? null : urlOf(path, names, query);
  const ask = (signal: AbortSignal): Promise<Answer<"GET", P>> => {
    const getAny = get as (path: string, options: unknown) => Promise<Answer<"GET", P>>;
    return getAny(path, { ...request, signal });
  };
  return useFetch(key, ask, options);
}

export interface PagesState<Item> {
  items: Item[];
  /** There are more pages. */
  more: boolean;
  error: ApiError | undefined;
  loading: boolean;
  fetching: boolean;
  loadMore: () => void;
  refresh: () => void;
}

/** Rows that are asked for at once when a long listing is read again. */
const mostAtOnce = 500;
/** A longer listing is not read again after events: that would cost more than it tells. */
const mostRead = 5_000;

/** A listing that grows page by page as one scrolls; after events the pages that are there are read again. */
export function usePages<P extends PathOf<"GET">>(
  path: P,
  request: Options<"GET", P>,
  options: QueryOptions & { limit?: number } = {},
): PagesState<ItemOf<Answer<"GET", P>>> {
  type Item = ItemOf<Answer<"GET", P>>;
  const { path: names, query } = request as Loose;
  const limit = options.limit ?? 100;
  const key = options.skip ? null : "pages " + urlOf(path, names, { ...query, limit });
  const ask = useCallback(async (after: string | undefined, rows: number, signal: AbortSignal): Promise<Page<Item>> => {
    const getAny = get as (path: string, options: unknown) => Promise<Page<Item>>;
    return await getAny(path, { path: names, query: { ...query, limit: rows, ...(after ? { after } : {}) }, signal });
  }, [key]);
  // How many rows the reader has come to: as many are read again after events.
  const reached = useRef(limit);
  const lastKey = useRef(key);
  if (lastKey.current !== key) {
    lastKey.current = key;
    reached.current = limit;
  }
  const state = useFetch<Page<Item>>(key, async (signal) => {
    const items: Item[] = [];
    let next: string | undefined;
    do {
      const rows = Math.min(Math.max(limit, mostAtOnce), Math.max(limit, reached.current - items.length));
      const answer = await ask(next, rows, signal);
      items.push(...answer.items);
      next = answer.next;
    } while (next && items.length < reached.current);
    return next ? { items, next } : { items };
  }, reached.current > mostRead ? { ...options, live: [] } : options);
  const [loadingMore, setLoadingMore] = useState(false);
  const [moreError, setMoreError] = useState<ApiError | undefined>(undefined);
  const data = state.data;
  const busy = useRef(false);
  const loadMore = useCallback(() => {
    if (!data?.next || busy.current || key === null) return;
    busy.current = true;
    setLoadingMore(true);
    ask(data.next, limit, new AbortController().signal).then((answer) => {
      const items = [...data.items, ...answer.items];
      reached.current = items.length;
      cache.put(key, answer.next ? { items, next: answer.next } : { items });
      setMoreError(undefined);
    }).catch((error) => setMoreError(asApiError(error))).finally(() => {
      busy.current = false;
      setLoadingMore(false);
    });
  }, [data, ask, key]);
  const none = useMemo<Item[]>(() => [], []);
  return {
    items: data?.items ?? none,
    more: data?.next !== undefined,
    error: state.error ?? moreError,
    loading: state.loading,
    fetching: state.fetching || loadingMore,
    loadMore,
    refresh: state.refresh,
  };
}

export interface Mutation<Args extends unknown[], T> {
  run: (...args: Args) => Promise<T | undefined>;
  running: boolean;
  error: ApiError | undefined;
  reset: () => void;
}

/**
 * A change: `run` resolves to the answer, or to undefined after a refusal, which is then in `error`.
 * `invalidates`: path prefixes whose cached answers are old afterwards.
 */
export function useMutation<Args extends unknown[], T>(
  change: (...args: Args) => Promise<T>,
  options: { invalidates?: readonly string[]; onDone?: (answer: T) => void } = {},
): Mutation<Args, T> {
  const [state, setState] = useState<{ running: boolean; error: ApiError | undefined }>({
    running: false,
    error: undefined,
  });
  const latest = useRef({ change, options });
  latest.current = { change, options };
  const run = useCallback(async (...args: Args): Promise<T | undefined> => {
    setState({ running: true, error: undefined });
    try {
      const answer = await latest.current.change(...args);
      setState({ running: false, error: undefined });
      invalidate(...(latest.current.options.invalidates ?? []));
      latest.current.options.onDone?.(answer);
      return answer;
    } catch (error) {
      setState({ running: false, error: isAbort(error) ? undefined : asApiError(error) });
      return undefined;
    }
  }, []);
  const reset = useCallback(() => setState({ running: false, error: undefined }), []);
  return { run, ...state, reset };
}

/** Makes cached answers old whose address begins so; pages included. */
export function invalidate(...prefixes: string[]): void {
  cache.invalidate((key) => prefixes.some((prefix) => key.replace(/^pages /, "").startsWith(prefix)));
}
