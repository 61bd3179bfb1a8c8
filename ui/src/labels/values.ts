import type { LabelKind, LabelSchema } from "./api.ts";

export interface Shape {
  class: string;
  id?: string;
  score?: number;
  attributes?: Record<string, string | number | boolean>;
}

/** An upright rectangle in pixels from the image's upper left. */
export interface Box extends Shape {
  x: number;
  y: number;
  width: number;
  height: number;
}

export type Point = [number, number];

export interface Polygon extends Shape {
  points?: Point[];
  /** A thing in several pieces. */
  parts?: Point[][];
}

/** Part of a text in Unicode code points, or of a series in its axis' unit; of a text the end is not included. */
export interface Span extends Shape {
  start: number;
  end: number;
}

export type LabelValue = string | number | string[] | Box[] | Polygon[] | Span[];

/** What an editor starts with when nothing was said: null where an answer must be chosen. */
export function emptyValue(kind: LabelKind): LabelValue | null {
  return kind === "class" || kind === "number" || kind === "text" ? null : [];
}

/** Why a value cannot be submitted; null if it can. The server checks all of it again. */
export function problem(schema: LabelSchema, value: LabelValue | null): string | null {
  switch (schema.kind) {
    case "class":
      return value === null || value === "" ? "Choose a class." : null;
    case "number": {
      if (typeof value !== "number" || !Number.isFinite(value)) return "Type a number.";
      if (schema.minimum !== undefined && value < schema.minimum) return `The least is ${schema.minimum}.`;
      if (schema.maximum !== undefined && value > schema.maximum) return `The most is ${schema.maximum}.`;
      if (schema.whole && !Number.isInteger(value)) return "A whole number.";
      return null;
    }
    case "text":
      return typeof value === "string" && value !== "" ? null : "Write something.";
    default: {
      const needed = (schema.attributes ?? []).filter((attribute) => attribute.required);
      for (const [index, shape] of shapesOf(value).entries()) {
        const lacks = needed.find((attribute) => shape.attributes?.[attribute.name] === undefined);
        if (lacks) return `Shape ${index + 1} (${shape.class}) needs its ${lacks.name}.`;
      }
      return null;
    }
  }
}

export function shapesOf(value: LabelValue | null): Shape[] {
  return Array.isArray(value) ? value.filter((part): part is Box | Polygon | Span => typeof part === "object") : [];
}

export function boxesOf(value: LabelValue | null): Box[] {
  return shapesOf(value) as Box[];
}

export function polygonsOf(value: LabelValue | null): Polygon[] {
  return shapesOf(value) as Polygon[];
}

export function spansOf(value: LabelValue | null): Span[] {
  return shapesOf(value) as Span[];
}

export function wordsOf(value: LabelValue | null): string[] {
  return Array.isArray(value) ? value.filter((part): part is string => typeof part === "string") : [];
}

/** A value in few words, for lists. */
export function summary(value: LabelValue | null | undefined): string {
  if (value === null || value === undefined) return "–";
  if (!Array.isArray(value)) return String(value);
  if (value.length === 0) return "none";
  if (typeof value[0] === "string") return value.join(", ");
  const counts = new Map<string, number>();
  for (const shape of shapesOf(value)) counts.set(shape.class, (counts.get(shape.class) ?? 0) + 1);
  return [...counts].map(([name, count]) => count > 1 ? `${count} × ${name}` : name).join(", ");
}

/** The rectangle between two corners, inside an image and in whole pixels. */
export function boxBetween(a: Point, b: Point, width: number, height: number): Omit<Box, keyof Shape> {
  const inside = (at: number, most: number) => Math.round(Math.min(Math.max(at, 0), most));
  const [x, right] = [Math.min(a[0], b[0]), Math.max(a[0], b[0])].map((at) => inside(at, width)) as Point;
  const [y, bottom] = [Math.min(a[1], b[1]), Math.max(a[1], b[1])].map((at) => inside(at, height)) as Point;
  return { x, y, width: right - x, height: bottom - y };
}

/** A box moved by whole pixels as far as the image allows. */
export function movedBox<B extends Box>(box: B, dx: number, dy: number, width: number, height: number): B {
  return {
    ...box,
    x: Math.min(Math.max(Math.round(box.x + dx), 0), width - box.width),
    y: Math.min(Math.max(Math.round(box.y + dy), 0), height - box.height),
  };
}

/**
 * Whether an outline crosses itself; the server refuses those. Every pair of sides that are not neighbours is tried:
 * outlines have at most 2,000 points, and people draw tens.
 */
export function crossesItself(points: readonly Point[]): boolean {
  const count = points.length;
  const turn = (a: Point, b: Point, c: Point) =>
    Math.sign((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]));
  for (let i = 0; i < count; i++) {
    for (let j = i + 2; j < count; j++) {
      if (i === 0 && j === count - 1) continue;
      const [a, b, c, d] = [points[i], points[(i + 1) % count], points[j], points[(j + 1) % count]];
      if (!a || !b || !c || !d) continue;
      if (turn(a, b, c) !== turn(a, b, d) && turn(c, d, a) !== turn(c, d, b)) return true;
    }
  }
  return false;
}

/** A piece of a text: plain, or under one or more spans. */
export interface TextPiece {
  text: string;
  start: number;
  end: number;
  /** Indexes of the spans that cover it. */
  spans: number[];
}

/** Cuts a text where spans begin and end. Places are code points, as the server counts them, not UTF-16 units. */
export function pieces(text: string, spans: readonly Span[]): TextPiece[] {
  const points = [...text];
  const cuts = new Set([0, points.length]);
  for (const span of spans) cuts.add(Math.min(span.start, points.length)).add(Math.min(span.end, points.length));
  const places = [...cuts].sort((a, b) => a - b);
  return places.slice(1).map((end, index) => {
    const start = places[index] ?? 0;
    const covering = spans.flatMap((span, at) => span.start <= start && span.end >= end ? [at] : []);
    return { text: points.slice(start, end).join(""), start, end, spans: covering };
  });
}

/** A selection without the space around it; null if nothing is left. */
export function trimmed(text: string, start: number, end: number): { start: number; end: number } | null {
  const points = [...text];
  while (start < end && /\s/.test(points[start] ?? "")) start += 1;
  while (end > start && /\s/.test(points[end - 1] ?? "")) end -= 1;
  return start < end ? { start, end } : null;
}

/** Code points before a place that is given in UTF-16 units, as the browser's selection is. */
export function codePoints(text: string, units: number): number {
  return [...text.slice(0, units)].length;
}

/** The list of numbers that a row's cell holds: a list, or its JSON text. Null if it is neither. */
export function seriesOf(cell: unknown): (number | null)[] | null {
  let list = cell;
  if (typeof cell === "string") {
    try {
      list = JSON.parse(cell);
    } catch {
      return null;
    }
  }
  if (!Array.isArray(list) || !list.every((value) => value === null || typeof value === "number")) return null;
  return list as (number | null)[];
}
