import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { PagesState } from "../../api/hooks.ts";
import { type ApiError, asApiError, isAbort } from "../../api/errors.ts";
import { pagesOf, type Range } from "./windowing.ts";

/** Where a grid's rows come from. `row` is undefined for a row that has not arrived; the grid draws a grey bar. */
export interface RowSource<R> {
  /** Rows there are, as far as one knows. */
  count: number;
  /** More rows follow that nobody has counted. */
  more: boolean;
  row: (index: number) => R | undefined;
  /** Told which rows are seen, so that they can be fetched. */
  want?: (rows: Range) => void;
  loading?: boolean;
  error?: ApiError | undefined;
  retry?: () => void;
}

/** Rows that are all here. */
export function arraySource<R>(rows: readonly R[]): RowSource<R> {
  return { count: rows.length, more: false, row: (index) => rows[index] };
}

/** Rows of a listing with cursors: further pages are fetched as the end comes near. */
export function pagesSource<R>(pages: PagesState<R>): RowSource<R> {
  return {
    count: pages.items.length,
    more: pages.more,
    row: (index) => pages.items[index],
    want: (rows) => {
      if (pages.more && rows.to > pages.items.length - 60) pages.loadMore();
    },
    loading: pages.loading,
    error: pages.error,
    retry: pages.refresh,
  };
}

/** Pages that are kept; the ones last seen stay. */
const pagesKept = 60;

/**
 * Rows that can be had from any place (`at`, `offset`): only what is seen is fetched, so ten million rows cost as much as
 * a hundred. `key` says what is asked; when it changes, all is fetched anew.
 */
export function useWindowSource<R>(
  key: string,
  count: number | undefined,
  fetchRows: (from: number, limit: number, signal: AbortSignal) => Promise<R[]>,
  size = 200,
): RowSource<R> {
  const [, setVersion] = useState(0);
  const [error, setError] = useState<ApiError | undefined>(undefined);
  const latest = useRef(fetchRows);
  latest.current = fetchRows;
  const state = useRef({ key, pages: new Map<number, R[]>(), running: new Map<number, AbortController>() });
  if (state.current.key !== key) {
    for (const running of state.current.running.values()) running.abort();
    state.current = { key, pages: new Map(), running: new Map() };
  }
  useEffect(() => setError(undefined), [key]);
  useEffect(() => () => {
    for (const running of state.current.running.values()) running.abort();
    state.current.running.clear();
  }, []);
  const fetchPage = useCallback((page: number) => {
    const here = state.current;
    if (here.pages.has(page) || here.running.has(page)) return;
    const stopping = new AbortController();
    here.running.set(page, stopping);
    latest.current(page * size, size, stopping.signal).then((rows) => {
      here.pages.set(page, rows);
      for (const old of here.pages.keys()) {
        if (here.pages.size <= pagesKept) break;
        here.pages.delete(old);
      }
      setError(undefined);
    }, (reason) => {
      if (!isAbort(reason)) setError(asApiError(reason));
    }).finally(() => {
      here.running.delete(page);
      if (here === state.current) setVersion((version) => version + 1);
    });
  }, [size]);
  const want = useCallback((rows: Range) => {
    const here = state.current;
    const pages = pagesOf(rows, size);
    // While one scrolls fast past them, pages are asked for in vain.
    for (const [page, running] of here.running) {
      if (pages.includes(page)) continue;
      running.abort();
      here.running.delete(page);
    }
    for (const page of pages) {
      const known = here.pages.get(page);
      if (known) {
        here.pages.delete(page);
        here.pages.set(page, known);
      } else fetchPage(page);
    }
  }, [fetchPage, size]);
  const row = useCallback((index: number) => {
    return state.current.pages.get(Math.floor(index / size))?.[index % size];
  }, [size]);
  const retry = useCallback(() => {
    setError(undefined);
    setVersion((version) => version + 1);
  }, []);
  return useMemo(
    () => ({ count: count ?? 0, more: false, row, want, loading: count === undefined, error, retry }),
    [count, row, want, error, key],
  );
}
