import { type PointerEvent, useRef } from "react";
import { Icon } from "../../kit/Icon.tsx";
import { Menu, type MenuItem } from "../../kit/Menu.tsx";
import { kindOf, shortType } from "./cells.ts";
import type { GridColumn, Layout, Sort } from "./HugeGrid.tsx";

export interface HeadActions {
  /** Absent: cannot be sorted. `add`: as one more, after what is sorted by already. */
  onSort?: (column: string, add: boolean) => void;
  onResize: (column: string, width: number) => void;
  /** What can be done with a column, for its menu. */
  columnMenu?: (column: GridColumn) => MenuItem[];
}

interface GridHeadProps extends HeadActions {
  sort: readonly Sort[];
  layout: Layout;
  numberWidth: number;
}

/** The row of names: a click sorts, the right edge changes the width, the menu has the rest. */
export function GridHead({ sort, layout, numberWidth, onSort, onResize, columnMenu }: GridHeadProps) {
  let left = numberWidth;
  const draw = (column: GridColumn, place: number, at: number | undefined) => {
    const order = sort.findIndex((each) => each.column === column.name);
    const sorted = sort[order];
    return (
      <div
        key={column.index}
        role="columnheader"
        aria-colindex={place + 1}
        aria-sort={sorted ? (sorted.descending ? "descending" : "ascending") : undefined}
        className={`huge-head-cell huge-${kindOf(column.type)}${at === undefined ? "" : " huge-pinned"}`}
        style={at === undefined ? { width: column.width } : { width: column.width, left: at }}
      >
        <button
          type="button"
          className="huge-head-name"
          title={`${column.name} · ${column.type}${onSort ? "\nClick sorts, Shift-click adds" : ""}`}
          disabled={!onSort}
          onClick={(event) => onSort?.(column.name, event.shiftKey)}
        >
          <span className="ellipsis">{column.name}</span>
          {sorted && <Icon name={sorted.descending ? "arrow-down" : "arrow-up"} size={12} />}
          {sorted && sort.length > 1 && <span className="huge-order">{order + 1}</span>}
        </button>
        <span className="huge-head-type ellipsis">{shortType(column.type)}</span>
        {columnMenu && (
          <span className="huge-head-menu">
            <Menu label={`Column ${column.name}`} items={columnMenu(column)} icon="chevron-down" small align="end" />
          </span>
        )}
        <Resizer width={column.width} onResize={(width) => onResize(column.name, width)} />
      </div>
    );
  };
  return (
    <div className="huge-head" role="rowgroup" style={{ width: layout.full }}>
      <div role="row" aria-rowindex={1} className="huge-head-row">
        <div
          className="huge-head-cell huge-pinned huge-number-column"
          role="columnheader"
          style={{ width: numberWidth, left: 0 }}
        >
          <span className="huge-head-type">row</span>
        </div>
        {layout.pinned.map((column, index) => {
          const at = left;
          left += column.width;
          return draw(column, index, at);
        })}
        {layout.before > 0 && <div style={{ width: layout.before, flex: "none" }} />}
        {layout.cells.map((column, index) => draw(column, layout.firstFree + index, undefined))}
      </div>
    </div>
  );
}

/** The edge of a column; its width is set while it is dragged. For the keyboard the menu has wider and narrower. */
function Resizer({ width, onResize }: { width: number; onResize: (width: number) => void }) {
  const from = useRef<{ x: number; width: number } | null>(null);
  const move = (event: PointerEvent) => {
    if (from.current) onResize(Math.max(48, Math.round(from.current.width + event.clientX - from.current.x)));
  };
  return (
    <span
      className="huge-resizer"
      aria-hidden
      onPointerDown={(event) => {
        event.preventDefault();
        event.currentTarget.setPointerCapture(event.pointerId);
        from.current = { x: event.clientX, width };
      }}
      onPointerMove={move}
      onPointerUp={() => from.current = null}
    />
  );
}
