import type { Json, LedgerEvent } from "../api/types.ts";

/** `slipway.model.promoted` as people say it. */
export const typeName = (type: string): string => type.replace(/^slipway\./, "");

/** The kinds of things that events are about, for the filter. */
export const topics = [
  "project.",
  "account.",
  "member.",
  "token.",
  "source.",
  "dataset.",
  "slice.",
  "label.",
  "run.",
  "pipeline.",
  "model.",
  "endpoint.",
  "monitor.",
  "secret.",
  "webhook.",
] as const;

/** What an event says, in one line. */
export function summary(data: { [key: string]: Json }): string {
  return Object.entries(data).filter(([, value]) => value !== null && value !== "").map(([name, value]) => {
    if (Array.isArray(value)) {
      return `${name} ${value.length > 3 ? `${value.length} items` : value.map(plain).join(", ")}`;
    }
    if (typeof value === "object") return `${name} {${Object.keys(value ?? {}).length}}`;
    return `${name} ${plain(value)}`;
  }).join("  ·  ");
}

const plain = (value: Json): string => {
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  return text.length > 80 ? text.slice(0, 77) + "…" : text;
};

/** Whether an event passes what is filtered here and not by the server. */
export function passes(
  event: LedgerEvent,
  filter: { actor: string; words: string; from: number | null; to: number | null },
): boolean {
  if (filter.actor && event.actor !== filter.actor) return false;
  const time = Date.parse(event.time);
  if (filter.from !== null && time < filter.from) return false;
  if (filter.to !== null && time >= filter.to) return false;
  if (!filter.words) return true;
  const text = `${event.type} ${event.subject} ${event.actor} ${JSON.stringify(event.data)}`.toLowerCase();
  return filter.words.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}
