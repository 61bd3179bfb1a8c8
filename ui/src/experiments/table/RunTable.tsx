import { useMemo, useState } from "react";
import { navigate } from "../../app/router.tsx";
import { Button } from "../../kit/Button.tsx";
import { Select } from "../../kit/Field.tsx";
import { FilterBar, type FilterFieldInfo } from "../../kit/filter/index.ts";
import { formatNumber, plural } from "../../kit/format.ts";
import {
  arraySource,
  type Column,
  ColumnChooser,
  type ColumnLayout,
  DataGrid,
  type Selection,
  type Sort,
} from "../../kit/grid/index.ts";
import { Icon } from "../../kit/Icon.tsx";
import { Empty, Notice } from "../../kit/States.tsx";
import type { Experiment, Run } from "../api.ts";
import { colorsOf } from "../charts/colors.ts";
import { fieldOf, isOwnTag, isSystemMetric, type Keys, paramField, tagField } from "../fields.ts";
import { runPath } from "../paths.ts";
import { BulkBar } from "./BulkBar.tsx";
import { runColumns } from "./columns.tsx";
import { type Group, type GroupedRow, groupedRows, groupKey, groupRuns } from "./groups.ts";
import { type SavedSearch, SavedSearches } from "./SavedSearches.tsx";
import type { Runs } from "./useRuns.ts";

export interface RunTableProps {
  project: string;
  experiment: Experiment;
  runs: Runs;
  keys: Keys;
  /** What a filter may name. */
  fields: readonly FilterFieldInfo[];
  filter: string;
  onFilter: (filter: string) => void;
  sort: Sort | null;
  onSort: (sort: Sort | null) => void;
  view: "active" | "deleted" | "all";
  onView: (view: "active" | "deleted" | "all") => void;
  layout: ColumnLayout;
  onLayout: (layout: ColumnLayout) => void;
  /** The field that rows are grouped by; empty: none. */
  group: string;
  onGroup: (group: string) => void;
  selection: Selection;
  onSelection: (selection: Selection) => void;
  /** A saved search was chosen. */
  onTake: (search: SavedSearch) => void;
}

/** Groups are made of the runs that are here; of so many at most, so that a table of 100,000 stays quick. */
const groupedAtMost = 2000;

export function RunTable(props: RunTableProps) {
  const { project, runs, keys, filter, group, selection } = props;
  const colors = useMemo(
    () => colorsOf(runs.loaded.filter((run) => selection.has(run.id)).slice(0, 200).map((run) => run.id)),
    [runs.loaded, selection],
  );
  const columns = useMemo(
    () => runColumns(project, keys, (run) => colors.get(run.id)),
    [project, keys, colors],
  );
  const chosen = useMemo(() => runs.loaded.filter((run) => selection.has(run.id)), [runs.loaded, selection]);
  const isWrong = runs.error?.code === "invalid" && filter !== "";
  const common = {
    label: "Runs",
    layout: props.layout,
    onLayout: props.onLayout,
    sort: props.sort,
    onSort: props.onSort,
    selection,
    onSelection: props.onSelection,
  };
  return (
    <div className="runs-view fill">
      <div className="runs-tools">
        <FilterBar
          label="Filter runs"
          placeholder="metrics.loss < 0.3 AND params.optimizer = 'adam'"
          value={filter}
          onChange={props.onFilter}
          fields={props.fields}
          error={isWrong ? runs.error : undefined}
        />
        <Select
          aria-label="Group by"
          className="runs-group"
          value={group}
          onChange={props.onGroup}
          options={groupOptions(keys)}
        />
        <Select
          aria-label="Which runs"
          className="runs-lifecycle"
          value={props.view}
          onChange={props.onView}
          options={[
            { value: "active", label: "Active" },
            { value: "deleted", label: "Deleted" },
            { value: "all", label: "All" },
          ]}
        />
        <SavedSearches
          experiment={props.experiment}
          terms={{
            filter,
            order: props.sort ? `${props.sort.column} ${props.sort.descending ? "DESC" : "ASC"}` : "",
            columns: props.layout.shown ?? [],
            view: props.view,
          }}
          onTake={props.onTake}
        />
        <ColumnChooser columns={columns} layout={props.layout} onLayout={props.onLayout} />
      </div>
      {chosen.length > 0 && (
        <BulkBar
          project={project}
          experiments={[props.experiment.id]}
          chosen={chosen}
          filter={filter}
          view={props.view}
          total={runs.total}
          onClear={() => props.onSelection(new Set())}
          onDone={() => {
            props.onSelection(new Set());
            runs.refresh();
          }}
        />
      )}
      <div className="fill runs-grid">
        {group ? <GroupedTable {...props} columns={columns} common={common} /> : (
          <DataGrid
            {...common}
            columns={columns}
            source={runs}
            rowKey={keyOf}
            onOpen={(run) => navigate(runPath(project, run.id))}
            empty={<NoRuns {...props} />}
          />
        )}
      </div>
    </div>
  );
}

const keyOf = (run: Run) => run.id;

function groupOptions(keys: Keys): { value: string; label: string }[] {
  const of = (names: string[], make: (key: string) => { id: string }, word: string) =>
    names.map((key) => ({ value: make(key).id, label: `${word} ${key}` }));
  return [
    { value: "", label: "No groups" },
    { value: "status", label: "Group by status" },
    { value: "user_id", label: "Group by user" },
    { value: "dataset.name", label: "Group by dataset" },
    { value: "tags.mlflow.parentRunId", label: "Group by parent run" },
    ...of(keys.params, paramField, "Group by"),
    ...of(keys.tags.filter((key) => !isOwnTag(key)), tagField, "Group by tag"),
  ];
}

function GroupedTable(
  { runs, keys, group, project, columns, common, ...props }: RunTableProps & {
    columns: Column<Run>[];
    common: {
      label: string;
      layout: ColumnLayout;
      onLayout: (layout: ColumnLayout) => void;
      sort: Sort | null;
      onSort: (sort: Sort | null) => void;
      selection: Selection;
      onSelection: (selection: Selection) => void;
    };
  },
) {
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const members = runs.loaded.length > groupedAtMost ? runs.loaded.slice(0, groupedAtMost) : runs.loaded;
  const metrics = useMemo(() => keys.metrics.filter((key) => !isSystemMetric(key)).slice(0, 4), [keys]);
  const groups = useMemo(() => groupRuns(members, fieldOf(group), metrics), [members, group, metrics]);
  const rows = useMemo(() => groupedRows(groups, closed), [groups, closed]);
  const names = useMemo(() => new Map(runs.loaded.map((run) => [run.id, run.name])), [runs.loaded]);
  const grouped = useMemo(() =>
    columns.map((column): Column<GroupedRow> => {
      const { cell, value } = column;
      return {
        ...column,
        cell: cell && ((row, index) => row.kind === "run" ? cell(row.run, index) : null),
        value: value && ((row) => row.kind === "run" ? value(row.run) : undefined),
      };
    }), [columns]);
  const toggle = (each: Group) => {
    const next = new Set(closed);
    if (!next.delete(groupKey(each))) next.add(groupKey(each));
    setClosed(next);
  };
  const source = useMemo(() => ({
    ...arraySource(rows),
    // All runs that may be grouped are wanted, not only those that are seen.
    want: () => runs.want?.({ from: 0, to: groupedAtMost - 60 }),
    loading: runs.loading,
    error: runs.error,
    retry: runs.retry,
  }), [rows, runs]);
  return (
    <>
      {runs.count > members.length && members.length >= groupedAtMost && (
        <Notice>Groups of the first {plural(groupedAtMost, "run")}. Filter to group others.</Notice>
      )}
      <DataGrid
        {...common}
        columns={grouped}
        source={source}
        rowKey={(row) => row.kind === "run" ? row.run.id : "group " + groupKey(row.group)}
        onSelection={(next) => common.onSelection(new Set([...next].filter((key) => !key.startsWith("group "))))}
        onOpen={(row) => row.kind === "run" ? navigate(runPath(project, row.run.id)) : toggle(row.group)}
        groupRow={(row) =>
          row.kind === "group"
            ? (
              <GroupHead
                group={row.group}
                title={group === "tags.mlflow.parentRunId" && row.group.value !== null
                  ? names.get(row.group.value) ?? row.group.value
                  : row.group.value}
                isClosed={closed.has(groupKey(row.group))}
                onToggle={() => toggle(row.group)}
                onChoose={() => common.onSelection(new Set(row.group.runs.map((run) => run.id)))}
              />
            )
            : null}
        empty={<NoRuns {...props} />}
      />
    </>
  );
}

function GroupHead(
  { group, title, isClosed, onToggle, onChoose }: {
    group: Group;
    title: string | null;
    isClosed: boolean;
    onToggle: () => void;
    onChoose: () => void;
  },
) {
  return (
    <div className="group-head">
      <button type="button" className="group-toggle" aria-expanded={!isClosed} onClick={onToggle}>
        <Icon name={isClosed ? "chevron-right" : "chevron-down"} size={14} />
        {title === null ? <em className="faint">none</em> : <strong>{title}</strong>}
      </button>
      <span className="faint small">{plural(group.runs.length, "run")}</span>
      <Button small kind="quiet" onClick={onChoose}>Choose</Button>
      {[...group.metrics].map(([key, spread]) => (
        <span key={key} className="group-metric small" title={`${key}: mean of ${spread.count}, least to greatest`}>
          <span className="faint">{key}</span>{" "}
          <span className="tabular">
            {formatNumber(spread.mean)}{" "}
            {spread.count > 1 && (
              <span className="faint">({formatNumber(spread.min, 3)} – {formatNumber(spread.max, 3)})</span>
            )}
          </span>
        </span>
      ))}
    </div>
  );
}

function NoRuns(
  { filter, onFilter, experiment, view }: Pick<RunTableProps, "filter" | "onFilter" | "experiment" | "view">,
) {
  if (filter) {
    return (
      <Empty
        icon="filter"
        title="No run matches"
        action={<Button onClick={() => onFilter("")}>Clear the filter</Button>}
      >
        The filter found nothing among the runs of this experiment.
      </Empty>
    );
  }
  if (view === "deleted") {
    return <Empty icon="trash" title="No deleted runs">Deleted runs wait here to be restored.</Empty>;
  }
  return (
    <Empty icon="experiment" title="No runs yet">
      <p>Log the first one from Python; it appears here while it runs.</p>
      <pre className="snippet">
        {`import mlflow\nmlflow.set_tracking_uri("${location.origin}")\nmlflow.set_experiment("${experiment.name}")\nwith mlflow.start_run():\n    mlflow.log_metric("loss", 0.3)`}
      </pre>
    </Empty>
  );
}
