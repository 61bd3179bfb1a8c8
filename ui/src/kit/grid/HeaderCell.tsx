import { type PointerEvent, useRef, useState } from "react";
import { Icon } from "../Icon.tsx";
import {
  type Column,
  type ColumnLayout,
  isPinned,
  moveColumn,
  type Placed,
  resetWidth,
  setWidth,
  type Sort,
  togglePinned,
  toggleShown,
} from "./columns.ts";
import { Floating, MenuList, type Place } from "../Menu.tsx";

export interface HeaderProps<R> {
  placed: Placed<R>;
  left: number;
  /** Its place among the shown columns. */
  index: number;
  columns: readonly Column<R>[];
  layout: ColumnLayout;
  onLayout?: ((layout: ColumnLayout) => void) | undefined;
  sort: Sort | null;
  onSort?: ((sort: Sort | null) => void) | undefined;
}

/** A column's head: a click sorts, its edge resizes, dragging moves it, the context menu does all of these by name. */
export function HeaderCell<R>({ placed, left, index, columns, layout, onLayout, sort, onSort }: HeaderProps<R>) {
  const { column, width } = placed;
  const [menu, setMenu] = useState<Place | null>(null);
  const [isOver, setOver] = useState(false);
  const cell = useRef<HTMLDivElement>(null);
  const canSort = column.sortable && onSort !== undefined;
  const direction = sort?.column === column.id ? (sort.descending ? "descending" : "ascending") : null;
  const name = column.name ?? (typeof column.header === "string" ? column.header : column.id);
  const sortNext = () => {
    if (!canSort) return;
    onSort(
      direction === null
        ? { column: column.id, descending: false }
        : direction === "ascending"
        ? { column: column.id, descending: true }
        : null,
    );
  };
  return (
    <div
      ref={cell}
      role="columnheader"
      aria-colindex={index + 1}
      aria-sort={direction ?? (canSort ? "none" : undefined)}
      className={`grid-header${column.align === "end" ? " grid-end" : ""}${isOver ? " grid-drop" : ""}`}
      style={{ left, width }}
      draggable={onLayout !== undefined}
      onDragStart={(event) => {
        // The edge has a dragging of its own.
        if (isOnEdge(event.clientX, cell.current)) {
          event.preventDefault();
          return;
        }
        event.dataTransfer.setData("text/x-slipway-column", column.id);
        event.dataTransfer.effectAllowed = "move";
      }}
      onDragOver={(event) => {
        if (!onLayout || !event.dataTransfer.types.includes("text/x-slipway-column")) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        setOver(false);
        const moved = event.dataTransfer.getData("text/x-slipway-column");
        if (moved && moved !== column.id) onLayout?.(moveColumn(columns, layout, moved, column.id));
      }}
      onContextMenu={(event) => {
        if (!onLayout) return;
        event.preventDefault();
        setMenu({ anchor: cell.current?.getBoundingClientRect() ?? { left: 0, right: 0, top: 0, bottom: 0 } });
      }}
    >
      {canSort
        ? (
          <button type="button" tabIndex={-1} className="grid-sort" title={`${name}: sort`} onClick={sortNext}>
            <span className="ellipsis">{column.header}</span>
            {direction && <Icon name={direction === "ascending" ? "arrow-up" : "arrow-down"} size={12} />}
          </button>
        )
        : <span className="ellipsis" title={name}>{column.header}</span>}
      {onLayout && (
        <>
          <button
            type="button"
            tabIndex={-1}
            className="grid-header-menu"
            aria-label={`Column ${name}`}
            aria-haspopup="menu"
            onClick={() =>
              setMenu({ anchor: cell.current?.getBoundingClientRect() ?? { left: 0, right: 0, top: 0, bottom: 0 } })}
          >
            <Icon name="chevron-down" size={12} />
          </button>
          <Resizer
            width={width}
            onWidth={(next) =>
              onLayout(next === null ? resetWidth(layout, column.id) : setWidth(layout, column.id, next))}
          />
        </>
      )}
      {menu && onLayout && (
        <Floating place={menu} onClose={() => setMenu(null)}>
          <MenuList
            label={`Column ${name}`}
            onClose={() => setMenu(null)}
            items={[
              ...(canSort
                ? [
                  {
                    id: "asc",
                    label: "Sort ascending",
                    icon: "arrow-up" as const,
                    onSelect: () => onSort({ column: column.id, descending: false }),
                  },
                  {
                    id: "desc",
                    label: "Sort descending",
                    icon: "arrow-down" as const,
                    onSelect: () => onSort({ column: column.id, descending: true }),
                  },
                ]
                : []),
              {
                id: "pin",
                label: isPinned(column, layout) ? "Unpin" : "Pin to the left",
                icon: "pin" as const,
                onSelect: () => onLayout(togglePinned(layout, column)),
              },
              ...moves(columns, layout, column, onLayout),
              ...(column.fixed ? [] : [{
                id: "hide",
                label: "Hide",
                icon: "eye" as const,
                separated: true,
                onSelect: () => onLayout(toggleShown(layout, column)),
              }]),
            ]}
          />
        </Floating>
      )}
    </div>
  );
}

function isOnEdge(x: number, cell: HTMLElement | null): boolean {
  return cell !== null && cell.getBoundingClientRect().right - x < 8;
}

function moves<R>(
  columns: readonly Column<R>[],
  layout: ColumnLayout,
  column: Column<R>,
  onLayout: (layout: ColumnLayout) => void,
) {
  const order = moveColumn(columns, layout, column.id, null).order ?? [];
  const shownOrder = (layout.order ?? columns.map((each) => each.id)).filter((id) => order.includes(id));
  const at = shownOrder.indexOf(column.id);
  const before = shownOrder[at - 1];
  const after = shownOrder[at + 2] ?? null;
  return [
    {
      id: "left",
      label: "Move left",
      icon: "chevron-left" as const,
      disabled: at <= 0,
      onSelect: () => before && onLayout(moveColumn(columns, layout, column.id, before)),
    },
    {
      id: "right",
      label: "Move right",
      icon: "chevron-right" as const,
      disabled: at < 0 || at >= shownOrder.length - 1,
      onSelect: () => onLayout(moveColumn(columns, layout, column.id, after)),
    },
  ];
}

/** The edge that one drags; a double click goes back to the column's own width. */
function Resizer({ width, onWidth }: { width: number; onWidth: (width: number | null) => void }) {
  const start = useRef<{ x: number; width: number } | null>(null);
  const move = (event: PointerEvent) => {
    const from = start.current;
    if (from) onWidth(from.width + event.clientX - from.x);
  };
  return (
    <span
      className="grid-resizer"
      onPointerDown={(event) => {
        event.preventDefault();
        event.stopPropagation();
        event.currentTarget.setPointerCapture(event.pointerId);
        start.current = { x: event.clientX, width };
      }}
      onPointerMove={move}
      onPointerUp={() => start.current = null}
      onClick={(event) => event.stopPropagation()}
      onDoubleClick={() => onWidth(null)}
    />
  );
}
