import type { ApiError } from "../../api/errors.ts";
import { asApiError, isAbort } from "../../api/errors.ts";
import type { Cell, Column, FileView, RowsPage } from "../api.ts";

/** Rows by their place in a view, for grids: some are there, the others come when they are wanted. */
export interface RowSource {
  /** Changes with every change of what is known; for `useSyncExternalStore`. */
  readonly revision: number;
  readonly columns: readonly Column[];
  /** How many rows the view has; until that is known, how many are certain. */
  readonly count: number;
  readonly counted: boolean;
  readonly loading: boolean;
  readonly error: ApiError | undefined;
  row: (index: number) => Cell[] | undefined;
  /** The row's number in the table, from 0. */
  rowNumber: (index: number) => number | undefined;
  file: (index: number) => FileView | undefined;
  /** Rows that someone looks at now. */
  want: (first: number, last: number) => void;
  retry: () => void;
  subscribe: (listener: () => void) => () => void;
}

export interface Ask {
  /** The first row's number in the view; absent: from the start, without an index of the view. */
  at?: number;
  limit: number;
}

interface Block {
  rows: Cell[][];
  numbers: number[];
  files: FileView[] | undefined;
}

const blockRows = 200;
/** Blocks that are kept: 60,000 rows. */
const keptBlocks = 300;
const inFlight = 2;
/** While the bar is dragged, places are passed by; only where it rests for so long is asked for. In ms. */
const rest = 30;

/** Rows of the server, in blocks by their place, so that any place is one request away. */
export class PagedRows implements RowSource {
  revision = 0;
  columns: readonly Column[] = [];
  count = 0;
  counted = false;
  loading = true;
  error: ApiError | undefined;

  private readonly ask: (ask: Ask, signal: AbortSignal) => Promise<RowsPage>;
  private readonly blocks = new Map<number, Block>();
  private readonly running = new Map<number, AbortController>();
  private readonly listeners = new Set<() => void>();
  private readonly all = new AbortController();
  private wanted: number[] = [];
  private timer: number | undefined;

  constructor(ask: (ask: Ask, signal: AbortSignal) => Promise<RowsPage>) {
    this.ask = ask;
    void this.start();
  }

  row(index: number): Cell[] | undefined {
    return this.blocks.get(Math.floor(index / blockRows))?.rows[index % blockRows];
  }

  rowNumber(index: number): number | undefined {
    return this.blocks.get(Math.floor(index / blockRows))?.numbers[index % blockRows];
  }

  file(index: number): FileView | undefined {
    return this.blocks.get(Math.floor(index / blockRows))?.files?.[index % blockRows];
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  close(): void {
    this.all.abort();
    clearTimeout(this.timer);
    for (const each of this.running.values()) each.abort();
  }

  retry(): void {
    this.error = undefined;
    if (this.columns.length === 0) {
      this.loading = true;
      this.changed();
      void this.start();
    } else {
      this.changed();
      if (!this.counted) void this.countAll();
      this.pump();
    }
  }

  want(first: number, last: number): void {
    const [from, to] = [Math.floor(first / blockRows), Math.floor(Math.max(first, last - 1) / blockRows)];
    const wanted: number[] = [];
    for (let block = from; block <= to; block++) wanted.push(block);
    // What comes next in either direction, last in the line.
    wanted.push(to + 1, from - 1);
    this.wanted = wanted.filter((block) => block >= 0 && block * blockRows < this.count);
    for (const block of wanted) this.touch(block);
    for (const [block, controller] of this.running) {
      if (!this.wanted.includes(block)) {
        controller.abort();
        this.running.delete(block);
      }
    }
    if (this.wanted.every((block) => this.blocks.has(block))) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.pump(), rest);
  }

  /** The first rows, which need no index; then how many there are, which may. */
  private async start(): Promise<void> {
    try {
      const page = await this.ask({ limit: blockRows }, this.all.signal);
      this.columns = page.columns;
      this.put(0, page);
      this.loading = false;
      this.counted = page.total !== undefined || !page.truncated;
      this.count = page.total ?? page.rows.length;
      this.changed();
      if (!this.counted) await this.countAll();
    } catch (error) {
      this.fail(error);
    }
  }

  private async countAll(): Promise<void> {
    try {
      const page = await this.ask({ at: 0, limit: 1 }, this.all.signal);
      this.counted = page.total !== undefined;
      this.count = page.total ?? this.count;
      this.changed();
    } catch (error) {
      this.fail(error);
    }
  }

  private pump(): void {
    if (this.error) return;
    for (const block of this.wanted) {
      if (this.running.size >= inFlight) return;
      if (this.blocks.has(block) || this.running.has(block)) continue;
      void this.load(block);
    }
  }

  private async load(block: number): Promise<void> {
    const controller = new AbortController();
    this.running.set(block, controller);
    try {
      const page = await this.ask({ at: block * blockRows, limit: blockRows }, controller.signal);
      if (this.running.get(block) !== controller) return;
      this.running.delete(block);
      this.put(block, page);
      if (page.total !== undefined) [this.count, this.counted] = [page.total, true];
      this.changed();
      this.pump();
    } catch (error) {
      if (this.running.get(block) === controller) this.running.delete(block);
      this.fail(error);
    }
  }

  private put(block: number, page: RowsPage): void {
    this.blocks.set(block, { rows: page.rows, numbers: page.rowNumbers, files: page.files });
    for (const old of this.blocks.keys()) {
      if (this.blocks.size <= keptBlocks) break;
      if (!this.wanted.includes(old)) this.blocks.delete(old);
    }
  }

  /** A block that is looked at is the last to go. */
  private touch(block: number): void {
    const known = this.blocks.get(block);
    if (!known) return;
    this.blocks.delete(block);
    this.blocks.set(block, known);
  }

  private fail(error: unknown): void {
    if (isAbort(error) || this.all.signal.aborted) return;
    this.error = asApiError(error);
    this.loading = false;
    this.changed();
  }

  private changed(): void {
    this.revision += 1;
    for (const listener of [...this.listeners]) listener();
  }
}

/** Rows that are all here: the answer to a query. */
export class FixedRows implements RowSource {
  readonly revision = 0;
  readonly counted = true;
  readonly loading = false;
  readonly error = undefined;
  readonly columns: readonly Column[];
  readonly count: number;
  private readonly rows: Cell[][];

  constructor(columns: readonly Column[], rows: Cell[][]) {
    [this.columns, this.rows, this.count] = [columns, rows, rows.length];
  }

  row = (index: number): Cell[] | undefined => this.rows[index];
  rowNumber = (index: number): number | undefined => index < this.count ? index : undefined;
  file = (): undefined => undefined;
  want = (): void => {};
  retry = (): void => {};
  subscribe = (): () => void => () => {};
}
