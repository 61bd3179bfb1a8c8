import { useMemo, useState } from "react";
import { formatNumber, plural } from "../../kit/format.ts";
import {
  arraySource,
  type Column,
  ColumnChooser,
  type ColumnLayout,
  DataGrid,
  type Sort,
} from "../../kit/grid/index.ts";
import { SearchInput } from "../../kit/Field.tsx";
import type { DataTable } from "./tables.ts";

interface Row {
  index: number;
  cells: unknown[];
}

/** Rows of a file: sorted, searched, with the columns that one wants. */
export function TableView({ table, height = 480 }: { table: DataTable; height?: number }) {
  const [sort, setSort] = useState<Sort | null>(null);
  const [layout, setLayout] = useState<ColumnLayout>({});
  const [search, setSearch] = useState("");
  const columns = useMemo(() => table.columns.map((name, at) => column(table, name, at)), [table]);
  const rows = useMemo(() => {
    const wanted = search.trim().toLowerCase();
    const all = table.rows.map((cells, index): Row => ({ index, cells }));
    const found = wanted
      ? all.filter((row) => row.cells.some((cell) => shown(cell).toLowerCase().includes(wanted)))
      : all;
    if (!sort) return found;
    const at = Number(sort.column);
    const sign = sort.descending ? -1 : 1;
    return [...found].sort((a, b) => sign * compare(a.cells[at], b.cells[at]) || a.index - b.index);
  }, [table, search, sort]);
  return (
    <div className="table-view">
      <div className="row">
        <span className="small muted grow">
          {plural(rows.length, "row")}
          {table.isCut ? " of the first that were read" : ""}, {plural(table.columns.length, "column")}
        </span>
        <SearchInput
          aria-label="Find in rows"
          placeholder="Find"
          className="name-search"
          value={search}
          onChange={setSearch}
        />
        <ColumnChooser columns={columns} layout={layout} onLayout={setLayout} />
      </div>
      <DataGrid
        label="Rows"
        columns={columns}
        source={arraySource(rows)}
        rowKey={(row) => String(row.index)}
        layout={layout}
        onLayout={setLayout}
        sort={sort}
        onSort={setSort}
        autoHeight={height}
        rowHeight={28}
      />
    </div>
  );
}

function column(table: DataTable, name: string, at: number): Column<Row> {
  const some = table.rows.slice(0, 200).map((row) => row[at]).filter((cell) =>
    cell !== null && cell !== undefined && cell !== ""
  );
  const isNumeric = some.length > 0 && some.every((cell) => typeof cell === "number" || isNumber(cell));
  const longest = Math.max(name.length + 3, ...some.slice(0, 50).map((cell) => Math.min(40, shown(cell).length)));
  return {
    id: String(at),
    header: name,
    name,
    width: Math.max(72, Math.min(320, longest * 7.4 + 24)),
    align: isNumeric ? "end" : "start",
    sortable: true,
    value: (row) => shown(row.cells[at]),
    cell: (row) => {
      const cell = row.cells[at];
      if (cell === null || cell === undefined) return <span className="faint">null</span>;
      if (typeof cell === "number") {
        return <span className="tabular" title={String(cell)}>{formatNumber(cell, 6)}</span>;
      }
      return <span className={isNumeric ? "tabular ellipsis" : "ellipsis"} title={shown(cell)}>{shown(cell)}</span>;
    },
  };
}

function isNumber(cell: unknown): boolean {
  return typeof cell === "string" && cell.trim() !== "" && Number.isFinite(Number(cell));
}

function shown(cell: unknown): string {
  return typeof cell === "string"
    ? cell
    : cell === undefined
    ? ""
    : typeof cell === "object"
    ? JSON.stringify(cell)
    : String(cell);
}

/** Numbers by size, other things as text; what is missing comes last. */
function compare(a: unknown, b: unknown): number {
  const isMissing = (cell: unknown) => cell === null || cell === undefined || cell === "";
  if (isMissing(a) || isMissing(b)) return Number(isMissing(a)) - Number(isMissing(b));
  const [x, y] = [Number(a), Number(b)];
  return Number.isNaN(x) || Number.isNaN(y) ? shown(a).localeCompare(shown(b), "en", { numeric: true }) : x - y;
}
