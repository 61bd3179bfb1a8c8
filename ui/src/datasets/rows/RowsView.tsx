import { type ReactNode, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { useFetch } from "../../api/hooks.ts";
import { flag, number, oneOf, text, useUrlState } from "../../app/urlState.ts";
import { Button, IconButton } from "../../kit/Button.tsx";
import { Menu, type MenuItem } from "../../kit/Menu.tsx";
import { Empty, Failed, Notice, Skeleton } from "../../kit/States.tsx";
import { Segmented } from "../../kit/Tabs.tsx";
import { useProject } from "../../app/project.ts";
import type { Cell, Column } from "../api.ts";
import { SliceDialog } from "../slices/SliceDialog.tsx";
import { literal, quoted } from "../editor/complete.ts";
import { cellText } from "../grid/cells.ts";
import { type GridColumn, HugeGrid, type Spot } from "../grid/HugeGrid.tsx";
import type { RowSource } from "../grid/rowSource.ts";
import { useColumns } from "./columnsState.ts";
import { FilterBar } from "./FilterBar.tsx";
import { downloadHref, fetchProfile, placeRef, type RowsPlace } from "./place.ts";
import { ProfilePanel } from "./ProfilePanel.tsx";
import { RowDetail } from "./RowDetail.tsx";
import { SqlPanel, starter } from "./SqlPanel.tsx";
import { nextSort, sortCodec } from "./sort.ts";
import { usePagedRows } from "./useRows.ts";
import { type Shape, shapesOf } from "./shapes.ts";
import { ImageTiles } from "./ImageTiles.tsx";
import { TextRows } from "./TextRows.tsx";
import { Plot } from "./Plot.tsx";

export type Mode = "rows" | "images" | "text" | "plot";

export interface RowsViewProps {
  place: RowsPlace;
  columns: readonly Column[];
  /** Buttons at the right of the tools. */
  tools?: ReactNode;
}

/** All the ways to look at rows: the grid, images, texts and plots, with one filter, search and order for all. */
export function RowsView({ place, columns: known, tools }: RowsViewProps) {
  const [filter, setFilter] = useUrlState("filter", text, "");
  const [search, setSearch] = useUrlState("q", text, "");
  const [sort, setSort] = useUrlState("sort", sortCodec, []);
  const [sql, setSql] = useUrlState("sql", text, "");
  const [showsProfile, setShowsProfile] = useUrlState("profile", flag, innerWidth > 1100);
  const [open, setOpen] = useUrlState("row", number, -1);
  const shapes = useMemo(() => shapesOf(known), [known]);
  const modes = useMemo(() => modesOf(known, shapes), [known, shapes]);
  const [mode, setMode] = useUrlState<Mode>(
    "view",
    oneOf("rows", "images", "text", "plot"),
    modes[0] === "images" ? "images" : "rows",
  );
  const [spot, setSpot] = useState<Spot | null>(null);
  const [saves, setSaves] = useState(false);
  const project = useProject() ?? "";
  const [result, setResult] = useState<RowSource | null>(null);
  const paged = usePagedRows(place, { filter, search, sort });
  const source = result ?? paged;
  useSyncExternalStore((listener) => source?.subscribe(listener) ?? (() => {}), () => source?.revision ?? 0);
  const columns = result ? result.columns : known;
  const sample = useMemo(
    () => source ? Array.from({ length: Math.min(50, source.count) }, (_, index) => source.row(index) ?? []) : [],
    [source, source?.loading],
  );
  const state = useColumns(columns, sample);
  const ref = placeRef(place);
  const profile = useFetch("profile " + ref, (signal) => fetchProfile(place, signal), {
    skip: !showsProfile,
    fresh: 600_000,
  });
  useEffect(() => setSpot(null), [source]);

  const addCondition = (condition: string) =>
    setFilter((old) => old === "" ? condition : `${/\bOR\b/i.test(old) ? `(${old})` : old} AND ${condition}`, {
      push: true,
    });
  const columnMenu = (column: GridColumn): MenuItem[] => {
    const value = spot && source ? source.row(spot.row)?.[column.index] : undefined;
    return [
      ...(result ? [] : [
        {
          id: "up",
          label: "Sort ascending",
          icon: "arrow-up" as const,
          onSelect: () => setSort([{ column: column.name, descending: false }]),
        },
        {
          id: "down",
          label: "Sort descending",
          icon: "arrow-down" as const,
          onSelect: () => setSort([{ column: column.name, descending: true }]),
        },
        {
          id: "filled",
          label: "Only rows with a value",
          icon: "filter" as const,
          separated: true,
          onSelect: () => addCondition(`${quoted(column.name)} IS NOT NULL`),
        },
        ...(value !== undefined
          ? [{
            id: "same",
            label: `Only ${value === null ? "NULL" : cellText(value, column.type).slice(0, 24)}`,
            icon: "filter" as const,
            onSelect: () => addCondition(conditionFor(column, value)),
          }]
          : []),
      ]),
      {
        id: "pin",
        label: column.pinned ? "Unpin" : "Pin to the left",
        icon: "pin",
        separated: true,
        onSelect: () => state.pin(column.name),
      },
      {
        id: "wider",
        label: "Wider",
        icon: "plus",
        stay: true,
        onSelect: () => state.resize(column.name, column.width + 40),
      },
      {
        id: "narrower",
        label: "Narrower",
        icon: "minus",
        stay: true,
        onSelect: () => state.resize(column.name, Math.max(48, column.width - 40)),
      },
      { id: "hide", label: "Hide", icon: "eye", onSelect: () => state.toggle(column.name) },
    ];
  };
  const isWhole = filter === "" && search === "" && sort.length === 0;
  return (
    <div className="rows-view">
      <div className="rows-tools">
        {modes.length > 1 && !result && (
          <Segmented
            label="View"
            value={mode}
            onChange={setMode}
            options={modes.map((id) => ({ id, label: modeNames[id] }))}
          />
        )}
        {!result && (
          <FilterBar
            filter={filter}
            search={search}
            onFilter={setFilter}
            onSearch={setSearch}
            columns={known}
            profile={profile.data}
            error={paged?.error}
          />
        )}
        {result && <span className="grow" />}
        <div className="rows-buttons">
          <Menu
            label="Columns"
            icon="columns"
            text={`${state.columns.length}/${columns.length}`}
            align="end"
            items={[
              { id: "all", label: "Show all", onSelect: state.showAll, disabled: state.hidden.length === 0 },
              { id: "none", label: "Hide all but the first", onSelect: state.hideAll },
              ...columns.slice(0, 200).map((column, index): MenuItem => ({
                id: "c" + index,
                label: column.name,
                hint: column.type.slice(0, 14),
                checked: !state.hidden.includes(column.name),
                separated: index === 0,
                stay: true,
                onSelect: () => state.toggle(column.name),
              })),
            ]}
          />
          <Button
            icon="code"
            aria-pressed={sql !== ""}
            onClick={() => {
              setSql(sql === "" ? starter : "", { push: true });
              setResult(null);
            }}
          >
            SQL
          </Button>
          <Menu
            label="Download"
            icon="download"
            align="end"
            items={(["csv", "parquet", "arrow"] as const).map((format) => ({
              id: format,
              label: `${isWhole ? "All rows" : "Rows of this view"} as ${
                format === "csv" ? "CSV" : format === "arrow" ? "Arrow stream" : "Parquet"
              }`,
              onSelect: () => location.assign(downloadHref(place, { filter, search, sort }, format)),
            }))}
          />
          <IconButton
            icon="chart"
            label="Profile"
            pressed={showsProfile}
            onClick={() => setShowsProfile(!showsProfile)}
          />
          {filter !== "" && !result && (
            <Button icon="filter" kind="quiet" onClick={() => setSaves(true)}>Save as slice</Button>
          )}
          {tools}
        </div>
      </div>
      {sql !== "" && (
        <SqlPanel
          sql={sql}
          onSql={(text) => setSql(text)}
          dataRef={ref}
          columns={known}
          onResult={(rows) => {
            setResult(rows);
            setOpen(-1);
          }}
          onClose={() => {
            setSql("");
            setResult(null);
          }}
        />
      )}
      {source?.error && (
        source.columns.length === 0
          ? <Failed error={source.error} retry={() => source.retry()} compact />
          : (
            <Notice tone="bad" action={<Button small onClick={() => source.retry()}>Try again</Button>}>
              {source.error.message}
            </Notice>
          )
      )}
      {saves && (
        <SliceDialog
          project={project}
          over={place.kind === "dataset" ? `dataset:${place.name}` : ref}
          columns={known}
          filter={filter}
          onClose={() => setSaves(false)}
        />
      )}
      <div className="rows-main">
        <div className="rows-sheet">
          {!source || (source.loading && !source.error)
            ? (
              <div className="rows-wait">
                <Skeleton rows={12} />
              </div>
            )
            : source.count === 0 && !source.error
            ? isWhole || result
              ? (
                <Empty icon="table" title="No rows" compact>
                  {result ? "The query found nothing." : "This version has no rows."}
                </Empty>
              )
              : (
                <Empty
                  icon="filter"
                  title="No rows fit"
                  compact
                  action={
                    <Button
                      onClick={() => {
                        setFilter("");
                        setSearch("");
                      }}
                    >
                      Clear filter and search
                    </Button>
                  }
                >
                  Nothing in this version fits the filter and the search.
                </Empty>
              )
            : mode === "images" && !result
            ? <ImageTiles source={source} columns={known} shapes={shapes} open={open} onOpen={setOpen} />
            : mode === "text" && !result
            ? <TextRows source={source} columns={known} shapes={shapes} onOpen={setOpen} />
            : mode === "plot" && !result
            ? <Plot place={place} columns={known} filter={filter} onCondition={addCondition} />
            : source.columns.length > 0 && (
              <HugeGrid
                source={source}
                columns={state.columns}
                label={`Rows of ${ref}`}
                sort={result ? [] : sort}
                spot={spot}
                onSpot={(next) => {
                  setSpot(next);
                  if (open >= 0 && open !== next.row) setOpen(next.row);
                }}
                onOpen={setOpen}
                onResize={state.resize}
                columnMenu={columnMenu}
                {...(result ? {} : { onSort: (column: string, add: boolean) => setSort(nextSort(sort, column, add)) })}
              />
            )}
          {source && !source.loading && (
            <Footer
              source={source}
              spot={spot}
              columns={state.columns}
              isFiltered={filter !== "" || search !== ""}
              isResult={result !== null}
            />
          )}
        </div>
        {open >= 0 && source && (
          <RowDetail
            source={source}
            row={open}
            columns={columns}
            shapes={result ? [] : shapes}
            onMove={(row) => {
              source.want(row, row + 1);
              setOpen(row);
              setSpot({ row, column: spot?.column ?? 0 });
            }}
            onClose={() => setOpen(-1)}
          />
        )}
        {showsProfile && open < 0 && !result && (
          <ProfilePanel
            profile={profile}
            onCondition={addCondition}
            onClose={() => setShowsProfile(false)}
          />
        )}
      </div>
    </div>
  );
}

const modeNames: Record<Mode, string> = { rows: "Rows", images: "Images", text: "Text", plot: "Plot" };

function modesOf(columns: readonly Column[], shapes: readonly Shape[]): Mode[] {
  const isFiles = ["path", "digest", "media_type"].every((name) => columns.some((column) => column.name === name));
  const numbers = columns.filter((column) => /INT|DOUBLE|FLOAT|DECIMAL/.test(column.type));
  const axis = columns.some((column) => /^(DATE|TIMESTAMP)/.test(column.type)) || numbers.length > 1;
  const modes: Mode[] = isFiles ? ["images", "rows"] : ["rows"];
  if (shapes.length > 0 || columns.some((column) => column.type === "VARCHAR")) modes.push("text");
  if (axis && numbers.length > 0) modes.push("plot");
  return modes;
}

function conditionFor(column: GridColumn, value: Cell): string {
  if (value === null) return `${quoted(column.name)} IS NULL`;
  return `${quoted(column.name)} = ${
    typeof value === "number" || typeof value === "boolean" ? value : literal(cellText(value, column.type))
  }`;
}

function Footer(
  { source, spot, columns, isFiltered, isResult }: {
    source: RowSource;
    spot: Spot | null;
    columns: readonly GridColumn[];
    isFiltered: boolean;
    isResult: boolean;
  },
) {
  const column = spot && columns[spot.column];
  const value = spot && column ? source.row(spot.row)?.[column.index] : undefined;
  return (
    <footer className="rows-foot">
      <span role="status">
        {source.counted
          ? source.count.toLocaleString("en")
          : `more than ${(source.count - 1).toLocaleString("en")}, counting…`} {source.count === 1 ? "row" : "rows"}
        {isFiltered && !isResult ? " that fit" : ""}
      </span>
      <span className="grow ellipsis mono">
        {column && value !== undefined ? `${column.name}: ${cellText(value, column.type)}` : ""}
      </span>
      <span className="faint rows-keys">arrows move · Enter opens · Ctrl C copies</span>
    </footer>
  );
}
