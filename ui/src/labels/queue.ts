import { asApiError } from "../api/errors.ts";
import type { HeldItem, ItemRow } from "./api.ts";
import type { LabelValue } from "./values.ts";

/** What the queue asks of the server; tests give their own. */
export interface QueueServer {
  next: (count: number) => Promise<HeldItem[]>;
  row: (item: number) => Promise<ItemRow>;
  submit: (item: number, value: LabelValue, seconds: number) => Promise<void>;
  skip: (item: number, reason: string | null) => Promise<void>;
  undo: () => Promise<HeldItem>;
  draft: (item: number, value: LabelValue) => Promise<void>;
  /** Called with each row as it arrives, to load its picture before it is needed. */
  preload?: (row: ItemRow) => void;
}

export interface WorkItem {
  held: HeldItem;
  row: ItemRow | undefined;
  rowError: string | undefined;
}

export interface QueueState {
  current: WorkItem | undefined;
  /** How many are in one's hands behind the current one. */
  waiting: number;
  /** Labelled since the page was opened. */
  done: number;
  /** On their way to the server. */
  sending: number;
  /** The server has nothing more for this person. */
  isOver: boolean;
  loading: boolean;
  error: string | undefined;
}

/** So many items are held, so that the next one is there when a key is pressed; their leases are longer than their turn. */
export const ahead = 20;
const low = 12;

/**
 * Items in the hands of one annotator. An answer leaves the screen when it is given and goes to the server behind it; if
 * the server refuses, the item comes back to the front with what was said.
 */
export class WorkQueue {
  private items: WorkItem[] = [];
  private readonly leaving = new Map<number, Promise<void>>();
  /** What went: an answer to `next` that was under way meanwhile may still name it. */
  private readonly gone = new Set<number>();
  private readonly listeners = new Set<() => void>();
  private filling: Promise<void> | undefined;
  private done = 0;
  private isOver = false;
  /** Why an answer was not taken; stays until the next one. */
  private error: string | undefined;
  /** Why no items came; goes when some come. */
  private fillError: string | undefined;
  private shown = 0;
  private snapshot: QueueState;

  constructor(private readonly server: QueueServer, private readonly now: () => number = () => performance.now()) {
    this.snapshot = this.read();
  }

  subscribe = (listener: () => void): () => void => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  state = (): QueueState => this.snapshot;

  /** Asks for items until enough are held. */
  fill(): Promise<void> {
    this.filling ??= this.ask().finally(() => {
      this.filling = undefined;
      this.changed();
    });
    this.changed();
    return this.filling;
  }

  submit(value: LabelValue): Promise<void> {
    const item = this.items[0];
    if (!item) return Promise.resolve();
    const seconds = Math.round(this.now() - this.shown) / 1000;
    this.done += 1;
    return this.leave(item, value, () => this.server.submit(item.held.item, value, seconds), () => this.done -= 1);
  }

  skip(reason: string | null): Promise<void> {
    const item = this.items[0];
    if (!item) return Promise.resolve();
    return this.leave(item, null, () => this.server.skip(item.held.item, reason), () => {});
  }

  /** Brings back what was labelled last; waits for what is on its way, so that it is really the last. */
  async undo(): Promise<void> {
    await Promise.allSettled(this.leaving.values());
    try {
      const held = await this.server.undo();
      this.error = undefined;
      this.done = Math.max(0, this.done - 1);
      this.gone.delete(held.item);
      this.items = [this.take(held), ...this.items.filter((item) => item.held.item !== held.item)];
      this.shown = this.now();
    } catch (error) {
      this.error = asApiError(error).message;
    }
    this.changed();
  }

  /** Keeps what there is so far, here and on the server; the item's lease begins again. */
  async draft(value: LabelValue): Promise<void> {
    const item = this.items[0];
    if (!item || this.leaving.has(item.held.item)) return;
    item.held = { ...item.held, draft: value };
    try {
      await this.server.draft(item.held.item, value);
    } catch {
      // The answer itself will be sent, and tells if the server does not take it.
    }
  }

  dismissError(): void {
    this.error = this.fillError = undefined;
    this.changed();
  }

  private leave(
    item: WorkItem,
    value: LabelValue | null,
    send: () => Promise<void>,
    failed: () => void,
  ): Promise<void> {
    this.items = this.items.slice(1);
    this.gone.add(item.held.item);
    this.shown = this.now();
    this.error = undefined;
    const sent = send().catch((error) => {
      failed();
      this.gone.delete(item.held.item);
      this.error = asApiError(error).message;
      const held = value === null ? item.held : { ...item.held, draft: value };
      this.items = [{ ...item, held }, ...this.items];
      this.shown = this.now();
    }).finally(() => {
      this.leaving.delete(item.held.item);
      // Only after the last answer has arrived does the server know that there is nothing more.
      if (this.items.length === 0) void this.fill();
      this.changed();
    });
    this.leaving.set(item.held.item, sent);
    if (this.items.length < low && !this.isOver) void this.fill();
    this.changed();
    return sent;
  }

  private async ask(): Promise<void> {
    try {
      const known = new Set(this.items.map((item) => item.held.item));
      const held = await this.server.next(ahead);
      // What a reviewer sent back meanwhile has a comment or comes with a new visit of the page.
      const fresh = held.filter((item) =>
        !known.has(item.item) && (!this.gone.has(item.item) || item.comment !== null)
      );
      const wasEmpty = this.items.length === 0;
      this.items = [...this.items, ...fresh.map((item) => this.take(item))];
      this.isOver = held.length < ahead && fresh.length === 0;
      this.fillError = undefined;
      if (wasEmpty) this.shown = this.now();
    } catch (error) {
      const known = asApiError(error);
      if (known.code === "not_found") this.isOver = true;
      else this.fillError = known.message;
    }
  }

  private take(held: HeldItem): WorkItem {
    const item: WorkItem = { held, row: undefined, rowError: undefined };
    this.server.row(held.item).then((row) => {
      item.row = row;
      this.server.preload?.(row);
    }).catch((error) => item.rowError = asApiError(error).message).finally(() => this.changed());
    return item;
  }

  private read(): QueueState {
    const [first] = this.items;
    return {
      current: first && { ...first },
      waiting: Math.max(0, this.items.length - 1),
      done: this.done,
      sending: this.leaving.size,
      isOver: this.isOver && this.items.length === 0 && this.leaving.size === 0,
      loading: this.items.length === 0 && (this.filling !== undefined || this.leaving.size > 0),
      error: this.error ?? this.fillError,
    };
  }

  private changed(): void {
    this.snapshot = this.read();
    for (const listener of [...this.listeners]) listener();
  }
}
