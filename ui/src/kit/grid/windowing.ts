/** A stretch of indexes, `to` excluded. */
export interface Range {
  from: number;
  to: number;
}

/**
 * The height in px that browsers lay out exactly. Beyond it (Chrome's limit is 33 million px, Firefox' 17) a tall list is
 * scrolled in proportion: the scroll bar moves over `mostHeight` and stands for all rows.
 */
export const mostHeight = 10_000_000;

/** Where rows lie while the grid is scrolled. Pure, so that it can be tested. */
export interface Vertical {
  /** What the scrolled box is made as high as, in px. */
  height: number;
  /** Rows to draw. */
  rows: Range;
  /** Where row `rows.from` is drawn, from the top of the scrolled box, in px. */
  offset: number;
}

export function verticalWindow(
  count: number,
  rowHeight: number,
  scrollTop: number,
  viewHeight: number,
  overscan = 6,
): Vertical {
  const whole = count * rowHeight;
  const height = Math.min(whole, mostHeight);
  const top = toReal(scrollTop, whole, height, viewHeight);
  const first = Math.floor(top / rowHeight);
  const from = Math.max(0, Math.min(first, count) - overscan);
  const to = Math.min(count, Math.ceil((top + viewHeight) / rowHeight) + overscan);
  // Row `from` is drawn relative to what is seen, so that it is exact however much the scroll bar is compressed.
  const offset = scrollTop + (from * rowHeight - top);
  return { height, rows: { from, to: Math.max(from, to) }, offset };
}

/** The place in all rows that a scroll position stands for. */
function toReal(scrollTop: number, whole: number, height: number, viewHeight: number): number {
  if (whole <= height) return Math.max(0, Math.min(scrollTop, Math.max(0, whole - viewHeight)));
  const share = scrollTop / Math.max(1, height - viewHeight);
  return Math.max(0, Math.min(1, share)) * (whole - viewHeight);
}

/** The scroll position that shows a row, moving as little as possible; the present one if it is seen already. */
export function scrollToRow(
  row: number,
  count: number,
  rowHeight: number,
  scrollTop: number,
  viewHeight: number,
): number {
  const whole = count * rowHeight;
  const height = Math.min(whole, mostHeight);
  const top = toReal(scrollTop, whole, height, viewHeight);
  const start = row * rowHeight;
  const wanted = start < top ? start : start + rowHeight > top + viewHeight ? start + rowHeight - viewHeight : null;
  if (wanted === null) return scrollTop;
  if (whole <= height) return wanted;
  return wanted / (whole - viewHeight) * (height - viewHeight);
}

/** The columns that a horizontal stretch touches; `lefts` ascend. */
export function horizontalWindow(
  placed: readonly { left: number; width: number }[],
  scrollLeft: number,
  viewWidth: number,
  overscan = 2,
): Range {
  let from = 0;
  while (from < placed.length) {
    const column = placed[from];
    if (!column || column.left + column.width > scrollLeft) break;
    from += 1;
  }
  let to = from;
  while (to < placed.length && (placed[to]?.left ?? 0) < scrollLeft + viewWidth) to += 1;
  return { from: Math.max(0, from - overscan), to: Math.min(placed.length, to + overscan) };
}

/** The pages of `size` rows that a stretch of rows touches. */
export function pagesOf(rows: Range, size: number): number[] {
  const pages: number[] = [];
  for (let page = Math.floor(rows.from / size); page * size < rows.to; page++) pages.push(page);
  return pages;
}
