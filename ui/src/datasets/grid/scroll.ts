/**
 * A scrollbar over more rows than a browser can lay out. Browsers clip elements at some 33 million pixels; ten million
 * rows need 280 million. The element is at most `tallest` high; small movements (wheel, keys, touch) move the rows pixel
 * by pixel, large ones (the bar is dragged) in proportion.
 */
export const tallest = 8_000_000;

export interface Space {
  rows: number;
  rowHeight: number;
  /** The height of what can be seen. */
  view: number;
}

export interface Place {
  /** How far down in the rows, in px of all rows. */
  top: number;
  /** Where the scrollbar is, in px of the element. */
  bar: number;
}

export function fullHeight(space: Space): number {
  return space.rows * space.rowHeight;
}

export function barHeight(space: Space): number {
  return Math.min(fullHeight(space), tallest);
}

function most(height: number, view: number): number {
  return Math.max(0, height - view);
}

const clamp = (value: number, high: number) => Math.max(0, Math.min(value, high));

/** Where the bar belongs for a place in the rows. */
export function barFor(space: Space, top: number): number {
  const [full, bar] = [most(fullHeight(space), space.view), most(barHeight(space), space.view)];
  return full === 0 ? 0 : full === bar ? top : Math.round(top / full * bar);
}

/** The place after the browser moved the bar. */
export function scrolled(space: Space, from: Place, bar: number): Place {
  const [full, longest] = [most(fullHeight(space), space.view), most(barHeight(space), space.view)];
  if (full === longest) return { top: clamp(bar, full), bar };
  if (bar <= 0) return { top: 0, bar: 0 };
  if (bar >= longest) return { top: full, bar };
  const moved = bar - from.bar;
  if (Math.abs(moved) <= 2 * space.view) return { top: clamp(from.top + moved, full), bar };
  return { top: clamp(bar / longest * full, full), bar };
}

/** The place at which a row is wholly visible, moving no more than needed; `center` for a jump from afar. */
export function reveal(space: Space, from: Place, row: number, center = false): Place {
  const start = row * space.rowHeight;
  const end = start + space.rowHeight;
  const full = most(fullHeight(space), space.view);
  let top = from.top;
  if (center && (start < from.top || end > from.top + space.view)) top = start - space.view / 2;
  else if (start < top) top = start;
  else if (end > top + space.view) top = end - space.view;
  top = clamp(Math.round(top), full);
  return top === from.top ? from : { top, bar: barFor(space, top) };
}

/** The rows to lay out: what can be seen and some more, so that the compositor may run ahead. */
export function visible(space: Space, top: number, spare = 8): { first: number; last: number } {
  const first = Math.max(0, Math.floor(top / space.rowHeight) - spare);
  const last = Math.min(space.rows, Math.ceil((top + space.view) / space.rowHeight) + spare);
  return { first, last };
}

/** Columns from left to right: which of them lie in what can be seen. */
export function visibleColumns(
  widths: readonly number[],
  left: number,
  view: number,
  spare = 200,
): { first: number; last: number; before: number } {
  let at = 0;
  let first = 0;
  while (first < widths.length && at + widths[first]! < left - spare) at += widths[first++]!;
  const before = at;
  let last = first;
  while (last < widths.length && at < left + view + spare) at += widths[last++]!;
  return { first, last, before };
}
