import type { ApiError } from "./errors.ts";

/** What is known of one request. */
export interface Entry<T> {
  data: T | undefined;
  error: ApiError | undefined;
  /** A request is under way. */
  fetching: boolean;
  /** When `data` arrived; 0 before. In ms since 1970. */
  at: number;
}

interface Slot {
  entry: Entry<unknown>;
  listeners: Set<() => void>;
  running: AbortController | null;
}

const empty: Entry<never> = { data: undefined, error: undefined, fetching: false, at: 0 };
/** Entries nobody looks at are dropped, oldest first, beyond this many. */
const kept = 300;

/** Answers by key, shared by all components that ask the same. */
export class QueryCache {
  private readonly slots = new Map<string, Slot>();

  private slot(key: string): Slot {
    let slot = this.slots.get(key);
    if (!slot) {
      slot = { entry: empty, listeners: new Set(), running: null };
      this.slots.set(key, slot);
      this.trim();
    }
    return slot;
  }

  read<T>(key: string): Entry<T> {
    return (this.slots.get(key)?.entry ?? empty) as Entry<T>;
  }

  subscribe(key: string, listener: () => void): () => void {
    const slot = this.slot(key);
    slot.listeners.add(listener);
    return () => {
      slot.listeners.delete(listener);
      // What nobody waits for any more need not arrive.
      if (slot.listeners.size === 0) slot.running?.abort();
    };
  }

  /** Asks anew; while a request of this key runs, that one is waited for unless `anew`. */
  async fetch<T>(
    key: string,
    ask: (signal: AbortSignal) => Promise<T>,
    failed: (error: unknown) => ApiError | null,
    anew = false,
  ): Promise<void> {
    const slot = this.slot(key);
    if (slot.running && !anew) return;
    slot.running?.abort();
    const running = new AbortController();
    slot.running = running;
    this.set(slot, { ...slot.entry, fetching: true });
    try {
      const data = await ask(running.signal);
      if (slot.running !== running) return;
      slot.running = null;
      this.set(slot, { data, error: undefined, fetching: false, at: Date.now() });
    } catch (error) {
      if (slot.running !== running) return;
      slot.running = null;
      const shown = failed(error);
      this.set(slot, { ...slot.entry, fetching: false, ...(shown ? { error: shown } : {}) });
    }
  }

  /** Puts a value that is known already, such as the answer to a change. */
  put<T>(key: string, data: T): void {
    this.set(this.slot(key), { data, error: undefined, fetching: false, at: Date.now() });
  }

  /** Makes entries old, so that whoever looks at them asks again; those that nobody looks at are dropped. */
  invalidate(matches: (key: string) => boolean): void {
    for (const [key, slot] of [...this.slots]) {
      if (!matches(key)) continue;
      if (slot.listeners.size === 0) this.slots.delete(key);
      else this.set(slot, { ...slot.entry, at: 0 });
    }
  }

  clear(): void {
    for (const slot of this.slots.values()) slot.running?.abort();
    this.slots.clear();
  }

  private set(slot: Slot, entry: Entry<unknown>): void {
    slot.entry = entry;
    for (const listener of [...slot.listeners]) listener();
  }

  private trim(): void {
    if (this.slots.size <= kept) return;
    for (const [key, slot] of this.slots) {
      if (slot.listeners.size > 0 || slot.running) continue;
      this.slots.delete(key);
      if (this.slots.size <= kept) return;
    }
  }
}

export const cache = new QueryCache();
