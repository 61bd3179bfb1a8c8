import type { ReactNode } from "react";

/** A column of a grid. */
export interface Column<R> {
  id: string;
  /** What the header says. */
  header: ReactNode;
  /** The header's text for the chooser and for screen readers, where `header` is not text. */
  name?: string;
  /** What a cell shows; the text of `value` if absent. */
  cell?: (row: R, index: number) => ReactNode;
  /** For copying, for client-side sorting and for cells without a renderer. */
  value?: (row: R) => string | number | boolean | null | undefined;
  /** In px. */
  width?: number;
  minWidth?: number;
  align?: "start" | "end";
  /** Can be sorted by; the page answers `onSort`. */
  sortable?: boolean;
  /** Not shown until somebody chooses it. */
  hidden?: boolean;
  /** Stays at the left while others scroll. */
  pinned?: boolean;
  /** Cannot be hidden. */
  fixed?: boolean;
  /** The chooser groups columns under such words: Parameters, Metrics. */
  group?: string;
  /** Taken in by the column that has it when there is room left. */
  grow?: boolean;
}

/** How a reader arranged the columns; goes into the URL or storage. Absent parts follow the columns' own wishes. */
export interface ColumnLayout {
  /** Ids in their order; new columns follow at their own place. */
  order?: string[];
  shown?: string[];
  hidden?: string[];
  pinned?: string[];
  unpinned?: string[];
  widths?: Record<string, number>;
}

export interface Sort {
  column: string;
  descending: boolean;
}

export interface Placed<R> {
  column: Column<R>;
  width: number;
  /** From the left edge of its part (pinned or scrolled), in px. */
  left: number;
  pinned: boolean;
}

export interface Arranged<R> {
  pinned: Placed<R>[];
  scrolled: Placed<R>[];
  pinnedWidth: number;
  width: number;
}

export const defaultWidth = 140;
export const leastWidth = 48;

/** Which columns are shown, in their order, pinned first. */
export function visibleColumns<R>(columns: readonly Column<R>[], layout: ColumnLayout): Column<R>[] {
  const place = new Map((layout.order ?? []).map((id, index) => [id, index]));
  const ordered = columns.map((column, index) => ({ column, index }));
  if (place.size > 0) {
    // A column that the order does not name stands after its neighbour of the original order.
    let last = -1;
    const key = new Map<string, number>();
    for (const { column } of ordered) {
      const at = place.get(column.id);
      last = at ?? last + 0.001;
      key.set(column.id, last);
    }
    ordered.sort((a, b) => (key.get(a.column.id) ?? 0) - (key.get(b.column.id) ?? 0) || a.index - b.index);
  }
  const shown = ordered.map(({ column }) => column).filter((column) => isShown(column, layout));
  return [
    ...shown.filter((column) => isPinned(column, layout)),
    ...shown.filter((column) => !isPinned(column, layout)),
  ];
}

export function isShown<R>(column: Column<R>, layout: ColumnLayout): boolean {
  if (column.fixed) return true;
  return column.hidden ? layout.shown?.includes(column.id) ?? false : !(layout.hidden?.includes(column.id) ?? false);
}

export function isPinned<R>(column: Column<R>, layout: ColumnLayout): boolean {
  return column.pinned ? !(layout.unpinned?.includes(column.id) ?? false) : layout.pinned?.includes(column.id) ?? false;
}

/** Places the shown columns in `available` px; what is left over goes to growing columns, or to the last one. */
export function arrange<R>(columns: readonly Column<R>[], layout: ColumnLayout, available: number): Arranged<R> {
  const shown = visibleColumns(columns, layout);
  const widths = shown.map((column) =>
    Math.max(column.minWidth ?? leastWidth, layout.widths?.[column.id] ?? column.width ?? defaultWidth)
  );
  const left = available - widths.reduce((sum, width) => sum + width, 0);
  if (left > 0 && shown.length > 0) {
    const growing = shown.map((column, index) => ({ column, index }))
      .filter(({ column }) => column.grow && layout.widths?.[column.id] === undefined);
    if (growing.length > 0) {
      for (const { index } of growing) widths[index] = (widths[index] ?? 0) + Math.floor(left / growing.length);
    }
  }
  const arranged: Arranged<R> = { pinned: [], scrolled: [], pinnedWidth: 0, width: 0 };
  for (const [index, column] of shown.entries()) {
    const width = widths[index] ?? defaultWidth;
    if (isPinned(column, layout)) {
      arranged.pinned.push({ column, width, left: arranged.pinnedWidth, pinned: true });
      arranged.pinnedWidth += width;
    } else {
      arranged.scrolled.push({ column, width, left: arranged.width, pinned: false });
      arranged.width += width;
    }
  }
  return arranged;
}

const without = (list: string[] | undefined, id: string) => (list ?? []).filter((each) => each !== id);
const withId = (list: string[] | undefined, id: string) => [...without(list, id), id];

export function toggleShown<R>(layout: ColumnLayout, column: Column<R>): ColumnLayout {
  const show = !isShown(column, layout);
  return column.hidden
    ? { ...layout, shown: show ? withId(layout.shown, column.id) : without(layout.shown, column.id) }
    : { ...layout, hidden: show ? without(layout.hidden, column.id) : withId(layout.hidden, column.id) };
}

export function togglePinned<R>(layout: ColumnLayout, column: Column<R>): ColumnLayout {
  const pin = !isPinned(column, layout);
  return column.pinned
    ? { ...layout, unpinned: pin ? without(layout.unpinned, column.id) : withId(layout.unpinned, column.id) }
    : { ...layout, pinned: pin ? withId(layout.pinned, column.id) : without(layout.pinned, column.id) };
}

export function setWidth(layout: ColumnLayout, id: string, width: number): ColumnLayout {
  return { ...layout, widths: { ...layout.widths, [id]: Math.round(Math.max(leastWidth, width)) } };
}

/** Gives a column its own width again. */
export function resetWidth(layout: ColumnLayout, id: string): ColumnLayout {
  const { [id]: _, ...widths } = layout.widths ?? {};
  return { ...layout, widths };
}

/** Moves a column before another one, or to the end. */
export function moveColumn<R>(
  columns: readonly Column<R>[],
  layout: ColumnLayout,
  id: string,
  before: string | null,
): ColumnLayout {
  const place = visibleColumns(columns, layout).map((column) => column.id);
  const rest = columns.map((column) => column.id).filter((each) => !place.includes(each));
  const order = [...place, ...rest].filter((each) => each !== id);
  const at = before === null ? place.length - 1 : order.indexOf(before);
  order.splice(at < 0 ? order.length : at, 0, id);
  return { ...layout, order };
}
