import {
  type KeyboardEvent,
  memo,
  type MouseEvent,
  type ReactNode,
  useCallback,
  useEffect,
  useId,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from "react";
import type { Cell } from "../api.ts";
import { cellText, kindOf } from "./cells.ts";
import { GridHead, type HeadActions } from "./GridHead.tsx";
import type { RowSource } from "./rowSource.ts";
import { barHeight, type Place, reveal, scrolled, type Space, visible, visibleColumns } from "./scroll.ts";

export interface GridColumn {
  name: string;
  type: string;
  /** Its place in the rows. */
  index: number;
  width: number;
  pinned: boolean;
}

export interface Sort {
  column: string;
  descending: boolean;
}

export interface Spot {
  row: number;
  column: number;
}

export interface HugeGridProps extends HeadActions {
  source: RowSource;
  /** Those that are shown, in their order, the pinned ones first. */
  columns: readonly GridColumn[];
  label: string;
  sort: readonly Sort[];
  spot: Spot | null;
  onSpot: (spot: Spot) => void;
  /** Enter, or a double click, on a row. */
  onOpen: (row: number) => void;
  /** What stands for a cell instead of its text. */
  cell?: (value: Cell, column: GridColumn) => ReactNode | undefined;
}

const rowHeight = 28;
const headHeight = 44;
const numberWidth = 76;

/** Rows of any number: only what can be seen is laid out, and any place is reached by the scrollbar. */
export function HugeGrid(props: HugeGridProps) {
  const { source, columns, label, spot, onSpot, onOpen } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const id = useId();
  useSyncExternalStore(useCallback((each) => source.subscribe(each), [source]), () => source.revision);
  const [size, setSize] = useState({ width: 800, height: 400 });
  const [place, setPlace] = useState<Place>({ top: 0, bar: 0 });
  const [left, setLeft] = useState(0);
  const space: Space = { rows: source.count, rowHeight, view: Math.max(rowHeight, size.height - headHeight) };
  const latest = useRef({ space, place });
  latest.current = { space, place };

  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setSize({ width: element.clientWidth, height: element.clientHeight }));
    observer.observe(element);
    setSize({ width: element.clientWidth, height: element.clientHeight });
    return () => observer.disconnect();
  }, []);

  const moveTo = useCallback((next: Place) => {
    if (next === latest.current.place) return;
    latest.current.place = next;
    setPlace(next);
    const element = scroller.current;
    if (element && element.scrollTop !== next.bar) element.scrollTop = next.bar;
  }, []);

  useEffect(() => {
    setPlace({ top: 0, bar: 0 });
    if (scroller.current) scroller.current.scrollTop = 0;
  }, [source]);

  const onScroll = useCallback(() => {
    const element = scroller.current;
    if (!element) return;
    setLeft(element.scrollLeft);
    const { space, place } = latest.current;
    // The bar is where we put it ourselves.
    if (element.scrollTop === place.bar) return;
    const next = scrolled(space, place, element.scrollTop);
    latest.current.place = next;
    setPlace(next);
  }, []);

  const shown = visible(space, place.top);
  useEffect(() => {
    const exact = visible(space, place.top, 0);
    source.want(exact.first, exact.last);
  }, [source, shown.first, shown.last, source.count]);

  const pinned = useMemo(() => columns.filter((each) => each.pinned), [columns]);
  const free = useMemo(() => columns.filter((each) => !each.pinned), [columns]);
  const pinnedWidth = numberWidth + pinned.reduce((sum, each) => sum + each.width, 0);
  const widths = useMemo(() => free.map((each) => each.width), [free]);
  const full = pinnedWidth + widths.reduce((sum, each) => sum + each, 0);
  const range = visibleColumns(widths, left, size.width - pinnedWidth);
  const cells = useMemo(() => free.slice(range.first, range.last), [free, range.first, range.last]);
  const layout: Layout = useMemo(
    () => ({ pinned, cells, before: range.before, firstFree: pinned.length + range.first, full }),
    [pinned, cells, range.before, range.first, full],
  );

  const go = (row: number, column: number, center = false) => {
    const to = {
      row: Math.max(0, Math.min(row, source.count - 1)),
      column: Math.max(0, Math.min(column, columns.length - 1)),
    };
    onSpot(to);
    moveTo(reveal(latest.current.space, latest.current.place, to.row, center));
    const element = scroller.current;
    const index = to.column - pinned.length;
    if (element && index >= 0) {
      const start = widths.slice(0, index).reduce((sum, each) => sum + each, 0);
      const end = start + (widths[index] ?? 0);
      const view = element.clientWidth - pinnedWidth;
      if (start < element.scrollLeft) element.scrollLeft = start;
      else if (end > element.scrollLeft + view) element.scrollLeft = end - view;
    }
  };
  const pressed = (event: KeyboardEvent) => {
    if (event.target !== scroller.current) return;
    const at = spot ?? { row: shown.first, column: 0 };
    const page = Math.max(1, Math.floor(space.view / rowHeight) - 1);
    const all = event.ctrlKey || event.metaKey;
    const moves: Record<string, () => void> = {
      ArrowDown: () => go(spot ? at.row + 1 : at.row, at.column),
      ArrowUp: () => go(at.row - 1, at.column),
      ArrowRight: () => go(at.row, at.column + 1),
      ArrowLeft: () => go(at.row, at.column - 1),
      PageDown: () => go(at.row + page, at.column),
      PageUp: () => go(at.row - page, at.column),
      Home: () => all ? go(0, 0) : go(at.row, 0),
      End: () => all ? go(source.count - 1, columns.length - 1) : go(at.row, columns.length - 1),
      Enter: () => onOpen(at.row),
    };
    const move = moves[event.key];
    if (move && !event.altKey) {
      event.preventDefault();
      move();
    } else if (all && event.key === "c" && spot && !getSelection()?.toString()) {
      const column = columns[spot.column];
      const value = column && source.row(spot.row)?.[column.index];
      if (column) void navigator.clipboard.writeText(value === null ? "" : cellText(value ?? null, column.type));
    }
  };
  const clicked = (event: MouseEvent) => {
    const cell = (event.target as HTMLElement).closest<HTMLElement>("[data-row]");
    if (!cell) return;
    onSpot({ row: Number(cell.dataset["row"]), column: Number(cell.dataset["column"] ?? 0) });
    if (event.detail === 2) onOpen(Number(cell.dataset["row"]));
  };
  const offset = place.top - place.bar;
  const rows: ReactNode[] = [];
  for (let row = shown.first; row < shown.last; row++) {
    rows.push(
      <GridRow
        key={row}
        id={id}
        row={row}
        number={source.rowNumber(row)}
        values={source.row(row)}
        y={row * rowHeight - offset}
        layout={layout}
        spot={spot?.row === row ? spot.column : -1}
        cell={props.cell}
      />,
    );
  }
  return (
    <div
      ref={scroller}
      className="huge-grid"
      role="grid"
      tabIndex={0}
      aria-label={label}
      aria-rowcount={source.counted ? source.count + 1 : -1}
      aria-colcount={columns.length}
      aria-activedescendant={spot ? `${id}-${spot.row}-${spot.column}` : undefined}
      onScroll={onScroll}
      onKeyDown={pressed}
      onClick={clicked}
    >
      <GridHead {...props} layout={layout} numberWidth={numberWidth} />
      <div className="huge-body" role="rowgroup" style={{ height: barHeight(space), width: full }}>{rows}</div>
    </div>
  );
}

export interface Layout {
  pinned: readonly GridColumn[];
  cells: readonly GridColumn[];
  /** The width of the free columns left of those that are laid out. */
  before: number;
  firstFree: number;
  full: number;
}

interface GridRowProps {
  id: string;
  row: number;
  number: number | undefined;
  values: Cell[] | undefined;
  y: number;
  layout: Layout;
  /** The column of the cell that is chosen; −1: not in this row. */
  spot: number;
  cell: HugeGridProps["cell"];
}

const GridRow = memo(function GridRow({ id, row, number, values, y, layout, spot, cell }: GridRowProps) {
  const draw = (column: GridColumn, place: number, left: number | undefined) => {
    const value = values?.[column.index];
    const kind = kindOf(column.type);
    const isNull = values !== undefined && (value === null || value === undefined);
    return (
      <div
        key={column.index}
        id={`${id}-${row}-${place}`}
        role="gridcell"
        aria-colindex={place + 1}
        data-row={row}
        data-column={place}
        className={`huge-cell huge-${kind}${isNull ? " huge-null" : ""}${spot === place ? " huge-spot" : ""}${
          left === undefined ? "" : " huge-pinned"
        }`}
        style={left === undefined ? { width: column.width } : { width: column.width, left }}
      >
        {values === undefined
          ? <span className="huge-wait" />
          : (cell?.(value ?? null, column) ?? cellText(value ?? null, column.type))}
      </div>
    );
  };
  let left = numberWidth;
  return (
    <div
      role="row"
      aria-rowindex={row + 2}
      className={`huge-row${row % 2 ? " huge-odd" : ""}${spot >= 0 ? " huge-chosen" : ""}`}
      style={{ transform: `translateY(${y}px)`, width: layout.full }}
    >
      <div
        className="huge-cell huge-number-column huge-pinned"
        role="rowheader"
        data-row={row}
        style={{ width: numberWidth, left: 0 }}
      >
        {number === undefined ? "" : number.toLocaleString("en")}
      </div>
      {layout.pinned.map((column, index) => {
        const at = left;
        left += column.width;
        return draw(column, index, at);
      })}
      {layout.before > 0 && <div style={{ width: layout.before, flex: "none" }} />}
      {layout.cells.map((column, index) => draw(column, layout.firstFree + index, undefined))}
    </div>
  );
});
