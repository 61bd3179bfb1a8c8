import { memo, type MouseEvent, type ReactNode } from "react";
import { formatNumber } from "../format.ts";
import type { Column, Placed } from "./columns.ts";

export interface GridRowProps<R> {
  row: R | undefined;
  rowKey: string;
  index: number;
  /** From the top of the scrolled box, in px. */
  top: number;
  height: number;
  pinned: readonly Placed<R>[];
  /** The scrolled columns that are seen; the first of them has the number `firstShown` among all. */
  shown: readonly Placed<R>[];
  firstShown: number;
  pinnedWidth: number;
  /** Width of the boxes to tick; 0: there are none. */
  checks: number;
  viewWidth: number;
  isChosen: boolean;
  /** The number of the active cell's column if it is in this row, else null. */
  activeColumn: number | null;
  activeId: string;
  isFocused: boolean;
  group: ReactNode;
  className: string | undefined;
  /** Stays the same from drawing to drawing. */
  actions: GridRowActions<R>;
}

export interface GridRowActions<R> {
  click: (event: MouseEvent, index: number, row: R) => void;
  open: (row: R) => void;
  tick: (key: string, index: number) => void;
}

/** One row. While one scrolls, rows that stay are not drawn again. */
export const GridRow = memo(function GridRow<R,>(props: GridRowProps<R>) {
  const { row, index, pinned, shown, checks, pinnedWidth, isChosen, activeColumn, actions, rowKey } = props;
  const cell = (each: Placed<R>, left: number, column: number) => {
    const isActive = activeColumn === column;
    return (
      <div
        key={each.column.id}
        id={isActive ? props.activeId : undefined}
        role="gridcell"
        aria-colindex={column + 1 + (checks ? 1 : 0)}
        data-column={column}
        className={`grid-cell${each.column.align === "end" ? " grid-end" : ""}${
          isActive && props.isFocused ? " grid-active" : ""
        }`}
        style={{ left, width: each.width }}
      >
        {row === undefined ? <span className="grid-wait" /> : cellOf(each.column, row, index)}
      </div>
    );
  };
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      aria-selected={checks > 0 && row !== undefined ? isChosen : undefined}
      className={`grid-row${isChosen ? " grid-chosen" : ""}${props.className ? " " + props.className : ""}`}
      style={{ height: props.height, transform: `translateY(${props.top}px)` }}
      onClick={row === undefined ? undefined : (event) => actions.click(event, index, row)}
      onDoubleClick={row === undefined ? undefined : () => actions.open(row)}
    >
      {props.group !== null
        ? <div role="gridcell" className="grid-group" style={{ width: props.viewWidth }}>{props.group}</div>
        : (
          <>
            <div className="grid-pinned" style={{ width: pinnedWidth }} role="presentation">
              {checks > 0 && (
                <div role="gridcell" aria-colindex={1} className="grid-check" style={{ width: checks }}>
                  {row !== undefined && (
                    <input
                      type="checkbox"
                      tabIndex={-1}
                      aria-label={`Choose ${rowKey}`}
                      checked={isChosen}
                      onChange={() => actions.tick(rowKey, index)}
                    />
                  )}
                </div>
              )}
              {pinned.map((each, column) => cell(each, checks + each.left, column))}
            </div>
            {shown.map((each, column) => cell(each, pinnedWidth + each.left, props.firstShown + column))}
          </>
        )}
    </div>
  );
}) as <R>(props: GridRowProps<R>) => JSX.Element;

function cellOf<R>(column: Column<R>, row: R, index: number): ReactNode {
  if (column.cell) return column.cell(row, index);
  const value = column.value?.(row);
  if (value === null || value === undefined) return <span className="faint">–</span>;
  if (typeof value === "number") return <span className="ellipsis" title={String(value)}>{formatNumber(value)}</span>;
  return <span className="ellipsis">{String(value)}</span>;
}

export function LoadingRows({ height, rowHeight }: { height: number; rowHeight: number }) {
  const rows = Math.min(24, Math.max(3, Math.floor(height / rowHeight)));
  return (
    <div className="grid-loading" role="status" aria-label="Loading">
      {Array.from(
        { length: rows },
        (_, index) => (
          <div key={index} className="grid-loading-row" style={{ height: rowHeight }}>
            <span className="grid-wait" style={{ width: `${70 - (index * 13) % 40}%` }} />
          </div>
        ),
      )}
    </div>
  );
}
