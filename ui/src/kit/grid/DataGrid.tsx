import {
  type KeyboardEvent,
  type MouseEvent,
  type ReactNode,
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { Empty, Failed } from "../States.tsx";
import { copyText } from "../Values.tsx";
import { arrange, type Column, type ColumnLayout, type Sort } from "./columns.ts";
import { GridRow, type GridRowActions, LoadingRows } from "./GridRow.tsx";
import { HeaderCell } from "./HeaderCell.tsx";
import { asTabSeparated, select, type Selection, toggle } from "./selection.ts";
import type { RowSource } from "./source.ts";
import { horizontalWindow, scrollToRow, verticalWindow } from "./windowing.ts";

export interface DataGridProps<R> {
  /** For screen readers: "Runs". */
  label: string;
  columns: readonly Column<R>[];
  source: RowSource<R>;
  /** Tells rows apart. */
  rowKey: (row: R, index: number) => string;
  layout?: ColumnLayout;
  onLayout?: (layout: ColumnLayout) => void;
  sort?: Sort | null;
  onSort?: (sort: Sort | null) => void;
  selection?: Selection;
  onSelection?: (selection: Selection) => void;
  /** Enter or a double click on a row; without selection also a click. */
  onOpen?: (row: R) => void;
  /** A row that stands for a group: drawn across the grid instead of in cells. */
  groupRow?: (row: R) => ReactNode | null;
  rowHeight?: number;
  rowClass?: (row: R) => string | undefined;
  /** Shown instead of rows when there are none. */
  empty?: ReactNode;
  /** As high as its rows, up to this many px, instead of filling its place. */
  autoHeight?: number;
}

/** No arrangement of the reader's own; always the same object, so that nothing is computed anew. */
const asGiven: ColumnLayout = {};
const headerHeight = 34;
const checkWidth = 36;

/**
 * A table of any length and width: only what is seen is drawn. The header and pinned columns stay. Keys: arrows, Page
 * Up/Down, Home/End move; Space chooses, Enter opens, Ctrl+A chooses all that is here, Ctrl+C copies chosen rows or the
 * cell.
 */
export function DataGrid<R>(props: DataGridProps<R>) {
  const { columns, source, rowKey, layout = asGiven, sort, selection, onSelection, onOpen, rowHeight = 32 } = props;
  const view = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  const [scroll, setScroll] = useState({ top: 0, left: 0 });
  const [active, setActive] = useState<{ row: number; column: number }>({ row: 0, column: 0 });
  const [hasFocus, setFocus] = useState(false);
  const anchor = useRef<number | null>(null);
  const checks = onSelection ? checkWidth : 0;

  useLayoutEffect(() => {
    const element = view.current;
    if (!element) return;
    const measure = () => setSize({ width: element.clientWidth, height: element.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const count = source.count + (source.more ? 1 : 0);
  const placed = useMemo(
    () => arrange(columns, layout, size.width - checks),
    [columns, layout, size.width, checks],
  );
  const all = useMemo(() => [...placed.pinned, ...placed.scrolled], [placed]);
  const pinnedWidth = checks + placed.pinnedWidth;
  const viewHeight = Math.max(0, size.height - headerHeight);
  const vertical = verticalWindow(count, rowHeight, scroll.top, viewHeight);
  const horizontal = horizontalWindow(placed.scrolled, scroll.left, Math.max(0, size.width - pinnedWidth));
  const shown = useMemo(
    () => placed.scrolled.slice(horizontal.from, horizontal.to),
    [placed, horizontal.from, horizontal.to],
  );
  const totalWidth = Math.max(pinnedWidth + placed.width, size.width);

  const { from, to } = vertical.rows;
  useEffect(() => {
    if (size.height > 0) source.want?.({ from, to });
  }, [source, from, to, size.height > 0]);

  const keyAt = useCallback((index: number) => {
    const row = source.row(index);
    return row === undefined ? undefined : rowKey(row, index);
  }, [source, rowKey]);

  const reveal = (row: number, column: number) => {
    const element = view.current;
    if (!element) return;
    const top = scrollToRow(row, count, rowHeight, element.scrollTop, viewHeight);
    if (top !== element.scrollTop) element.scrollTop = top;
    const cell = all[column];
    if (!cell || cell.pinned) return;
    const room = size.width - pinnedWidth;
    if (cell.left < element.scrollLeft) element.scrollLeft = cell.left;
    else if (cell.left + cell.width > element.scrollLeft + room) element.scrollLeft = cell.left + cell.width - room;
  };

  const clickRow = (event: MouseEvent, index: number, row: R) => {
    if (event.target instanceof Element && event.target.closest("a, button, input, select, label")) return;
    view.current?.focus({ preventScroll: true });
    const column = Number(
      event.target instanceof Element ? event.target.closest<HTMLElement>("[data-column]")?.dataset["column"] ?? 0 : 0,
    );
    setActive({ row: index, column });
    if (!onSelection || !selection) {
      onOpen?.(row);
      return;
    }
    const key = rowKey(row, index);
    onSelection(
      select(
        selection,
        { key, index, shift: event.shiftKey, add: event.ctrlKey || event.metaKey },
        anchor.current,
        keyAt,
      ),
    );
    if (!event.shiftKey) anchor.current = index;
  };

  const latest = useRef({ clickRow, onOpen, selection, onSelection });
  latest.current = { clickRow, onOpen, selection, onSelection };
  const actions = useMemo((): GridRowActions<R> => ({
    click: (event, index, row) => latest.current.clickRow(event, index, row),
    // Without selection the first click has opened it.
    open: (row) => latest.current.onSelection && latest.current.onOpen?.(row),
    tick: (key, index) => {
      const { selection, onSelection } = latest.current;
      if (selection && onSelection) onSelection(toggle(selection, key));
      anchor.current = index;
    },
  }), []);

  const copy = () => {
    const rows: R[] = [];
    if (selection && selection.size > 0) {
      for (let index = 0; index < source.count && rows.length < selection.size; index++) {
        const row = source.row(index);
        if (row !== undefined && selection.has(rowKey(row, index))) rows.push(row);
      }
      const text = asTabSeparated([
        all.map(({ column }) => column.name ?? String(column.header)),
        ...rows.map((row) => all.map(({ column }) => column.value?.(row))),
      ]);
      void copyText(text);
      return;
    }
    const row = source.row(active.row);
    if (row !== undefined) void copyText(String(all[active.column]?.column.value?.(row) ?? ""));
  };

  const press = (event: KeyboardEvent) => {
    if (event.target !== view.current) return;
    const page = Math.max(1, Math.floor(viewHeight / rowHeight) - 1);
    const ctrl = event.ctrlKey || event.metaKey;
    const last = Math.max(0, source.count - 1);
    let { row, column } = active;
    switch (event.key) {
      case "ArrowDown":
        row += 1;
        break;
      case "ArrowUp":
        row -= 1;
        break;
      case "PageDown":
        row += page;
        break;
      case "PageUp":
        row -= page;
        break;
      case "ArrowRight":
        column += 1;
        break;
      case "ArrowLeft":
        column -= 1;
        break;
      case "Home":
        ctrl ? row = 0 : column = 0;
        break;
      case "End":
        ctrl ? row = last : column = all.length - 1;
        break;
      case "Enter": {
        const here = source.row(row);
        if (here !== undefined) onOpen?.(here);
        return event.preventDefault();
      }
      case " ": {
        const key = keyAt(row);
        if (key !== undefined && selection && onSelection) {
          onSelection(toggle(selection, key));
          anchor.current = row;
        }
        return event.preventDefault();
      }
      case "a":
      case "c":
        if (!ctrl) return;
        event.preventDefault();
        if (event.key === "c") return copy();
        if (onSelection) {
          onSelection(
            new Set(
              Array.from({ length: source.count }, (_, index) => keyAt(index)).filter((key) => key !== undefined),
            ),
          );
        }
        return;
      default:
        return;
    }
    event.preventDefault();
    row = Math.max(0, Math.min(row, last));
    column = Math.max(0, Math.min(column, all.length - 1));
    if (event.shiftKey && selection && onSelection && row !== active.row) {
      anchor.current ??= active.row;
      onSelection(
        select(selection, { key: keyAt(row) ?? "", index: row, shift: true, add: false }, anchor.current, keyAt),
      );
    }
    setActive({ row, column });
    reveal(row, column);
    // Pinned columns are always seen; going to the first one means going to the left.
    if (column === 0 && view.current) view.current.scrollLeft = 0;
  };

  const height = props.autoHeight === undefined
    ? undefined
    // Room for the words that say why there are none.
    : Math.min(props.autoHeight, headerHeight + (count === 0 ? 170 : count * rowHeight + 14));
  const activeId = `${props.label.replace(/\W+/g, "-")}-active`;
  const isAll = selection !== undefined && selection.size > 0 && selection.size >= source.count;
  const chrome = { columns, layout, onLayout: props.onLayout, sort: sort ?? null, onSort: props.onSort };

  return (
    <div className={props.autoHeight === undefined ? "grid" : "grid grid-auto"} style={{ height }}>
      <div
        ref={view}
        className="grid-view"
        role="grid"
        aria-label={props.label}
        aria-rowcount={source.more ? -1 : source.count + 1}
        aria-colcount={all.length + (checks ? 1 : 0)}
        aria-multiselectable={onSelection ? true : undefined}
        aria-activedescendant={hasFocus && source.count > 0 ? activeId : undefined}
        aria-busy={source.loading || undefined}
        tabIndex={0}
        onKeyDown={press}
        onFocus={(event) => setFocus(event.target === view.current)}
        onBlur={() => setFocus(false)}
        onScroll={(event) => setScroll({ top: event.currentTarget.scrollTop, left: event.currentTarget.scrollLeft })}
      >
        <div className="grid-head" role="rowgroup" style={{ width: totalWidth, height: headerHeight }}>
          <div role="row" aria-rowindex={1} className="grid-head-row">
            <div className="grid-pinned" style={{ width: pinnedWidth }} role="presentation">
              {checks > 0 && (
                <div role="columnheader" aria-colindex={1} className="grid-check" style={{ width: checkWidth }}>
                  <input
                    type="checkbox"
                    tabIndex={-1}
                    aria-label="Choose all that are loaded"
                    checked={isAll}
                    ref={(box) => {
                      if (box) {
                        box.indeterminate = !isAll && (selection?.size ?? 0) > 0;
                      }
                    }}
                    onChange={() => {
                      const keys = Array.from({ length: source.count }, (_, index) =>
                        keyAt(index));
                      onSelection?.(
                        isAll ? new Set() : new Set(keys.filter((key) =>
                          key !== undefined
                        )),
                      );
                    }}
                  />
                </div>
              )}
              {placed.pinned.map((each, index) => (
                <HeaderCell key={each.column.id} placed={each} left={checks + each.left} index={index} {...chrome} />
              ))}
            </div>
            {shown.map((each, index) => (
              <HeaderCell
                key={each.column.id}
                placed={each}
                left={pinnedWidth + each.left}
                index={placed.pinned.length + horizontal.from + index}
                {...chrome}
              />
            ))}
          </div>
        </div>
        <div className="grid-body" role="rowgroup" style={{ height: vertical.height, width: totalWidth }}>
          {Array.from({ length: to - from }, (_, step) => {
            const index = from + step;
            const row = source.row(index);
            const key = row === undefined ? `#${index}` : rowKey(row, index);
            return (
              <GridRow
                key={key}
                row={row}
                rowKey={key}
                index={index}
                top={vertical.offset + step * rowHeight}
                height={rowHeight}
                pinned={placed.pinned}
                shown={shown}
                firstShown={placed.pinned.length + horizontal.from}
                pinnedWidth={pinnedWidth}
                checks={checks}
                viewWidth={size.width}
                isChosen={selection?.has(key) ?? false}
                activeColumn={index === active.row ? active.column : null}
                activeId={activeId}
                isFocused={hasFocus}
                group={row === undefined ? null : props.groupRow?.(row) ?? null}
                className={row === undefined ? undefined : props.rowClass?.(row)}
                actions={actions}
              />
            );
          })}
        </div>
      </div>
      {/* Outside of the grid itself: only rows belong into that. */}
      {source.count === 0 && (
        <div className="grid-none" style={{ top: headerHeight }}>
          {source.error
            ? <Failed error={source.error} retry={source.retry} compact />
            : source.loading
            ? <LoadingRows height={viewHeight} rowHeight={rowHeight} />
            : source.more
            ? null
            : props.empty ?? <Empty title="Nothing here" compact />}
        </div>
      )}
      {source.error && source.count > 0 && (
        <div className="grid-error">
          <Failed error={source.error} retry={source.retry} compact />
        </div>
      )}
    </div>
  );
}
