import type { Cell, Column } from "../api.ts";

/** A column of published labels: `NAME` beside `NAME_by`. */
export interface Shape {
  name: string;
  index: number;
}

export interface Box {
  kind: "box";
  label: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Polygon {
  kind: "polygon";
  label: string;
  parts: [number, number][][];
}

export interface Span {
  label: string;
  /** In code points, the end not included. */
  start: number;
  end: number;
}

export function shapesOf(columns: readonly Column[]): Shape[] {
  const names = new Set(columns.map((column) => column.name));
  return columns.map(({ name, type }, index) => ({ name, index, type }))
    .filter(({ name, type }) => names.has(name + "_by") && names.has(name + "_at") || type === "JSON")
    .map(({ name, index }) => ({ name, index }));
}

function items(value: Cell | undefined): Record<string, unknown>[] {
  let found: unknown = value;
  if (typeof value === "string") {
    if (!value.startsWith("[")) return [];
    try {
      found = JSON.parse(value);
    } catch {
      return [];
    }
  }
  return Array.isArray(found)
    ? found.filter((each): each is Record<string, unknown> => typeof each === "object" && each !== null)
    : [];
}

const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);
const points = (value: unknown): [number, number][] =>
  Array.isArray(value)
    ? value.filter((each): each is [number, number] => Array.isArray(each) && isNumber(each[0]) && isNumber(each[1]))
    : [];

/** The boxes and outlines in a label's value; anything else is left out. */
export function outlines(value: Cell | undefined): (Box | Polygon)[] {
  return items(value).flatMap((item): (Box | Polygon)[] => {
    const label = String(item["class"] ?? "");
    const { x, y, width, height } = item;
    if (isNumber(x) && isNumber(y) && isNumber(width) && isNumber(height)) {
      return [{ kind: "box", label, x, y, width, height }];
    }
    const parts = Array.isArray(item["parts"]) ? item["parts"].map(points) : [points(item["points"])];
    const whole = parts.filter((part) => part.length >= 3);
    return whole.length > 0 ? [{ kind: "polygon", label, parts: whole }] : [];
  });
}

/** The spans in a label's value, by their start. */
export function spans(value: Cell | undefined): Span[] {
  return items(value).flatMap((item): Span[] => {
    const { start, end } = item;
    return isNumber(start) && isNumber(end) && start < end ? [{ label: String(item["class"] ?? ""), start, end }] : [];
  }).sort((a, b) => a.start - b.start || b.end - a.end);
}

export interface TextPiece {
  text: string;
  /** The labels that cover it. */
  labels: string[];
}

/** A text cut where spans begin and end; spans may overlap. */
export function cutText(text: string, covering: readonly Span[]): TextPiece[] {
  const letters = Array.from(text);
  const edges = new Set([0, letters.length]);
  for (const { start, end } of covering) {
    edges.add(Math.max(0, Math.min(start, letters.length)));
    edges.add(Math.max(0, Math.min(end, letters.length)));
  }
  const sorted = [...edges].sort((a, b) => a - b);
  return sorted.slice(0, -1).map((from, index) => ({
    text: letters.slice(from, sorted[index + 1]).join(""),
    labels: covering.filter((span) => span.start <= from && span.end > from).map((span) => span.label),
  }));
}

/** The same class always has the same colour: one of the eight of the theme, by its name. */
export function colourOf(label: string): string {
  let hash = 7;
  for (const letter of label) hash = (hash * 31 + (letter.codePointAt(0) ?? 0)) >>> 0;
  return `var(--cat-${hash % 8 + 1})`;
}
