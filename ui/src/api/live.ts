import { useEffect, useRef } from "react";
import { send } from "./client.ts";
import { isAbort } from "./errors.ts";
import { EventParser, matchesType } from "./sse.ts";
import type { LedgerEvent } from "./types.ts";

type Listener = (event: LedgerEvent) => void;

/**
 * The ledger as it grows. One tab of a browser reads the stream and tells the others, since a browser opens only six
 * connections to a server; which one is settled by a lock, which passes on when that tab closes. Read with fetch and not
 * with EventSource: the server names each event by its type, and EventSource cannot listen to names that it does not know.
 */
class LiveStream {
  private readonly listeners = new Set<Listener>();
  private readonly statusListeners = new Set<() => void>();
  private readonly channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("slipway-events");
  private last: string | null = null;
  private stopping: AbortController | null = null;
  /** Whether events arrive now; false while reconnecting. */
  connected = false;

  constructor() {
    if (!this.channel) return;
    this.channel.onmessage = ({ data }: MessageEvent<LedgerEvent>) => this.tell(data);
  }

  subscribe(listener: Listener): () => void {
    this.listeners.add(listener);
    if (!this.stopping) this.start();
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size === 0) {
        this.stopping?.abort();
        this.stopping = null;
      }
    };
  }

  onStatus(listener: () => void): () => void {
    this.statusListeners.add(listener);
    return () => this.statusListeners.delete(listener);
  }

  private start(): void {
    const stopping = new AbortController();
    this.stopping = stopping;
    const read = () => this.readForever(stopping.signal);
    if (!("locks" in navigator)) void read();
    else navigator.locks.request("slipway-events", { signal: stopping.signal }, read).catch(() => {});
    // A tab that only listens is as live as the one that reads.
    this.setConnected(true);
  }

  private async readForever(signal: AbortSignal): Promise<void> {
    let pause = 500;
    while (!signal.aborted) {
      try {
        await this.read(signal, () => pause = 500);
      } catch (error) {
        if (isAbort(error)) return;
      }
      if (signal.aborted) return;
      this.setConnected(false);
      await new Promise((resolve) => setTimeout(resolve, pause));
      pause = Math.min(pause * 2, 15_000);
    }
  }

  private async read(signal: AbortSignal, opened: () => void): Promise<void> {
    const response = await send("GET", "/api/v1/events/stream", {
      accept: "text/event-stream",
      headers: this.last ? { "Last-Event-ID": this.last } : {},
      signal,
    });
    if (!response.body) return;
    opened();
    this.setConnected(true);
    const parser = new EventParser();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      for (const { id, data } of parser.feed(value)) {
        this.last = id;
        const event: LedgerEvent = JSON.parse(data);
        this.tell(event);
        this.channel?.postMessage(event);
      }
    }
  }

  private tell(event: LedgerEvent): void {
    this.last = String(event.sequence);
    for (const listener of [...this.listeners]) listener(event);
  }

  private setConnected(value: boolean): void {
    if (this.connected === value) return;
    this.connected = value;
    for (const listener of this.statusListeners) listener();
  }
}

export const live = new LiveStream();

/** Calls back for each event of these types (`["run.", "model.promoted"]`) while the component is on the page. */
export function useLive(types: readonly string[], callback: (event: LedgerEvent) => void): void {
  const latest = useRef(callback);
  latest.current = callback;
  const key = types.join(" ");
  useEffect(() => {
    if (key === "") return;
    const wanted = key.split(" ");
    return live.subscribe((event) => {
      if (matchesType(event.type, wanted)) latest.current(event);
    });
  }, [key]);
}
