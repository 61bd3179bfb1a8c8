import { useCallback, useMemo, useState } from "react";
import type { PageProps } from "../app/feature.ts";
import { pathTo } from "../app/paths.ts";
import { list, oneOf, text, useUrlState } from "../app/urlState.ts";
import { useQuery } from "../api/hooks.ts";
import { Badge } from "../kit/Badge.tsx";
import { layoutCodec, type Selection, sortCodec } from "../kit/grid/index.ts";
import { plural } from "../kit/format.ts";
import { PageLayout } from "../kit/Page.tsx";
import { Failed, Skeleton } from "../kit/States.tsx";
import { Tabs } from "../kit/Tabs.tsx";
import type { Experiment, Run } from "./api.ts";
import { ChartsTab } from "./charts/ChartsTab.tsx";
import { ExperimentMenu } from "./ExperimentMenu.tsx";
import { filterFields, keysOf } from "./fields.ts";
import { routes } from "./paths.ts";
import { ReportsTab } from "./reports/ReportsTab.tsx";
import { reportsOf } from "./reports/store.ts";
import { RunTable } from "./table/RunTable.tsx";
import type { SavedSearch } from "./table/SavedSearches.tsx";
import { useRuns } from "./table/useRuns.ts";

/** Runs that charts show when nobody has chosen any. */
const chartedAtFirst = 12;
/** So many chosen runs go into the address; with more, it would be longer than mail and chat programs keep whole. */
const sharedAtMost = 60;
/** Keys are looked for in so many runs; those of later ones come when they are filtered for. */
const keysFrom = 2000;

export default function ExperimentPage({ params }: PageProps<typeof routes.experiment>) {
  const query = useQuery("/api/v1/experiments/{id}", { path: { id: params.experiment } }, { live: ["experiment."] });
  if (query.error && !query.data) return <Failed error={query.error} retry={query.refresh} />;
  if (!query.data) return <Skeleton rows={8} />;
  return (
    <ExperimentView
      key={query.data.id}
      project={params.project}
      experiment={query.data}
      refresh={query.refresh}
    />
  );
}

function ExperimentView(
  { project, experiment, refresh }: { project: string; experiment: Experiment; refresh: () => void },
) {
  const [tab, setTab] = useUrlState("tab", oneOf("runs", "charts", "reports"), "runs");
  const [filter, setFilter] = useUrlState("filter", text, "");
  const [sort, setSort] = useUrlState("sort", sortCodec, null);
  const [view, setView] = useUrlState("view", oneOf("active", "deleted", "all"), "active");
  const [layout, setLayout] = useUrlState("columns", layoutCodec, {});
  const [group, setGroup] = useUrlState("group", text, "");
  const [shared, setShared] = useUrlState("runs", list, []);
  const [many, setMany] = useState<Selection | null>(null);
  const selection = useMemo<Selection>(() => many ?? new Set(shared), [many, shared]);
  const select = useCallback((next: Selection) => {
    setMany(next.size > sharedAtMost ? next : null);
    setShared(next.size > sharedAtMost ? [] : [...next]);
  }, []);

  const runs = useRuns({
    experiments: [experiment.id],
    filter,
    order: sort ? `${sort.column} ${sort.descending ? "DESC" : "ASC"}` : "",
    view,
  });
  const keyed = runs.loaded.length > keysFrom ? keysFrom : runs.loaded.length;
  const first = runs.loaded[0];
  const keys = useMemo(() => keysOf(runs.loaded.slice(0, keyed)), [
    keyed,
    first,
    runs.loaded.length <= keysFrom && runs.loaded,
  ]);
  const fields = useMemo(() => filterFields(keys, runs.loaded.slice(0, keysFrom)), [keys]);
  const charted = useMemo<readonly Run[]>(
    () =>
      selection.size > 0 ? runs.loaded.filter((run) => selection.has(run.id)) : runs.loaded.slice(0, chartedAtFirst),
    [runs.loaded, selection],
  );
  const take = (search: SavedSearch) => {
    const [column, direction] = search.order[0]?.split(/ (?=ASC$|DESC$)/i) ?? [];
    setFilter(search.filter, { push: true });
    setSort(column ? { column, descending: direction?.toUpperCase() === "DESC" } : null);
    setView(search.view);
    if (search.columns.length > 0) setLayout({ ...layout, shown: search.columns });
  };
  const reports = reportsOf(experiment);
  const shown = runs.total ?? runs.loaded.length;

  return (
    <PageLayout
      fill
      title={experiment.name}
      crumbs={[{ label: "Experiments", to: pathTo(routes.experiments, { project }) }]}
      badges={experiment.lifecycle === "deleted" ? <Badge tone="bad">deleted</Badge> : null}
      sub={`${plural(shown, "run")}${runs.more && runs.total === undefined ? " and more" : ""}${
        filter ? " match the filter" : ""
      }`}
      tools={<ExperimentMenu project={project} experiment={experiment} onChanged={refresh} />}
    >
      <Tabs
        label="Views of the experiment"
        value={tab}
        onChange={(next) => setTab(next, { push: true })}
        tabs={[
          { id: "runs", label: "Runs" },
          { id: "charts", label: "Charts" },
          { id: "reports", label: "Reports", count: reports.length || undefined },
        ]}
      />
      {tab === "reports"
        ? <ReportsTab project={project} experiment={experiment} onChanged={refresh} />
        : tab === "charts"
        ? (
          <ChartsTab
            project={project}
            runs={runs}
            charted={charted}
            keys={keys}
            selection={selection}
            onSelection={select}
            filter={filter}
            onFilter={setFilter}
            fields={fields}
          />
        )
        : (
          <RunTable
            project={project}
            experiment={experiment}
            runs={runs}
            keys={keys}
            fields={fields}
            filter={filter}
            onFilter={setFilter}
            sort={sort}
            onSort={setSort}
            view={view}
            onView={setView}
            layout={layout}
            onLayout={setLayout}
            group={group}
            onGroup={setGroup}
            selection={selection}
            onSelection={select}
            onTake={take}
          />
        )}
    </PageLayout>
  );
}
