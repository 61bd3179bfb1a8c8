import { useCallback, useMemo, useSyncExternalStore } from "react";
import { get } from "../../api/client.ts";
import { type ApiError, asApiError, isAbort } from "../../api/errors.ts";
import { useBurst } from "../../api/hooks.ts";
import type { RowSource } from "../../kit/grid/index.ts";
import { changeRuns, type Run } from "../api.ts";
import { useEvery } from "../run/useEvery.ts";

export interface RunQuery {
  experiments: readonly string[];
  filter: string;
  /** As the server reads it: `metrics.loss, start_time DESC`. */
  order: string;
  view: "active" | "deleted" | "all";
}

export interface Runs extends RowSource<Run> {
  /** Those that are here, in order; the same array until something changes. */
  loaded: readonly Run[];
  /** How many the filter matches in all; undefined while nobody knows. */
  total: number | undefined;
  refresh: () => void;
}

/** A small first page is on the screen sooner; later ones come in as few questions as the server allows. */
const firstPage = 100;
const laterPages = 1000;
/** Beyond so many rows, a change on the server reads anew only what is at the top; the rest comes when one scrolls. */
const mostRefreshed = 1000;

interface Snapshot {
  runs: readonly Run[];
  more: boolean;
  total: number | undefined;
  loading: boolean;
  error: ApiError | undefined;
}

/** Runs of a search, fetched by cursor as far as somebody looks. */
class RunList {
  snapshot: Snapshot = { runs: [], more: true, total: undefined, loading: true, error: undefined };
  private next: string | undefined;
  private wanted = firstPage;
  private seen = 0;
  private running: AbortController | null = null;
  private readonly listeners = new Set<() => void>();
  private readonly query: RunQuery;

  constructor(query: RunQuery) {
    this.query = query;
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    if (this.listeners.size === 1 && this.snapshot.runs.length === 0) void this.fetch();
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size === 0) {
        this.running?.abort();
        this.running = null;
      }
    };
  }

  want(to: number): void {
    this.seen = to;
    this.wanted = Math.max(this.wanted, to + 60);
    if (!this.running && this.snapshot.more && !this.snapshot.error && this.snapshot.runs.length < this.wanted) {
      void this.fetch();
    }
  }

  refresh(): void {
    this.running?.abort();
    this.next = undefined;
    this.wanted = Math.max(firstPage, Math.min(this.snapshot.runs.length, Math.max(this.seen, mostRefreshed)));
    void this.fetch(true);
  }

  private async fetch(anew = false): Promise<void> {
    const running = new AbortController();
    this.running = running;
    let runs: Run[] = anew ? [] : [...this.snapshot.runs];
    this.set({ loading: true, error: undefined });
    try {
      do {
        const limit = runs.length === 0 && this.wanted <= firstPage ? firstPage : laterPages;
        const { experiments, filter, order, view } = this.query;
        const page = await get("/api/v1/runs", {
          query: { experiment: experiments, filter, order, view, limit, after: this.next },
          signal: running.signal,
        });
        if (this.running !== running) return;
        runs = runs.concat(page.items);
        this.next = page.next;
        // While all is read anew, what was there stays until as much is there again.
        if (!anew || !page.next || runs.length >= this.wanted) {
          this.set({ runs, more: page.next !== undefined, ...(page.next ? {} : { total: runs.length }) });
        }
        if (page.next && (anew || this.snapshot.total === undefined)) void this.count();
      } while (this.next && runs.length < this.wanted);
      this.running = null;
      this.set({ loading: false });
    } catch (error) {
      if (this.running !== running) return;
      this.running = null;
      this.set({ loading: false, ...(isAbort(error) ? {} : { error: asApiError(error) }) });
    }
  }

  /** A dry run of a change says how many runs it would find; readers who may not write do without the number. */
  private async count(): Promise<void> {
    if (this.query.view === "all") return;
    try {
      const { experiments, filter, view } = this.query;
      const action = view === "deleted" ? "restore" : "delete";
      const { matched } = await changeRuns({ experiments: [...experiments], filter, action, preview: true });
      if (this.snapshot.more) this.set({ total: Math.max(matched, this.snapshot.runs.length) });
    } catch {
      // The table then grows as one scrolls.
    }
  }

  private set(change: Partial<Snapshot>): void {
    this.snapshot = { ...this.snapshot, ...change };
    for (const listener of [...this.listeners]) listener();
  }
}

/** A search's runs as rows of a grid. They are read again when runs of the experiments begin, end or are changed. */
export function useRuns(query: RunQuery): Runs {
  const key = JSON.stringify([query.experiments, query.filter, query.order, query.view]);
  const list = useMemo(() => new RunList(query), [key]);
  const subscribe = useCallback((listener: () => void) => list.subscribe(listener), [list]);
  const { runs, more, total, loading, error } = useSyncExternalStore(subscribe, () => list.snapshot);
  const refresh = useCallback(() => list.refresh(), [list]);
  useBurst(["run."], undefined, refresh);
  // A run that goes on logs points, which is no event.
  const isLive = runs.some((run) => run.status === "RUNNING");
  useEvery(10_000, isLive, refresh);
  return useMemo(() => ({
    loaded: runs,
    total,
    count: more && total !== undefined ? total : runs.length,
    more: more && total === undefined && !(loading && runs.length === 0),
    row: (index: number) => runs[index],
    want: (range) => list.want(range.to),
    loading: loading && runs.length === 0,
    error,
    retry: refresh,
    refresh,
  }), [list, runs, more, total, loading, error, refresh]);
}
