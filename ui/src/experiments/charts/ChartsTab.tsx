import { useMemo, useState } from "react";
import { json, text, useUrlState } from "../../app/urlState.ts";
import { Link } from "../../app/router.tsx";
import { Button, IconButton } from "../../kit/Button.tsx";
import { Checkbox, SearchInput } from "../../kit/Field.tsx";
import { FilterBar, type FilterFieldInfo } from "../../kit/filter/index.ts";
import type { Selection } from "../../kit/grid/index.ts";
import { Icon } from "../../kit/Icon.tsx";
import { Empty, Failed, Skeleton } from "../../kit/States.tsx";
import { plural } from "../../kit/format.ts";
import type { Run } from "../api.ts";
import { type Keys, numberOf } from "../fields.ts";
import { runPath } from "../paths.ts";
import type { Runs } from "../table/useRuns.ts";
import { ChartSettingsBar, useChartSettings } from "./ChartSettings.tsx";
import { colorsOf } from "./colors.ts";
import { PanelDialog } from "./PanelDialog.tsx";
import { isPanelList, metricSections, type Panel } from "./panels.ts";
import { PanelView } from "./PanelView.tsx";

const panelsCodec = json(isPanelList);
const noPanels: Panel[] = [];
/** So many runs are listed beside the charts. */
const listed = 200;
const height = 220;

export interface ChartsTabProps {
  project: string;
  runs: Runs;
  /** The runs that are drawn. */
  charted: readonly Run[];
  keys: Keys;
  /** What a filter may name. */
  fields: readonly FilterFieldInfo[];
  selection: Selection;
  onSelection: (selection: Selection) => void;
  filter: string;
  onFilter: (filter: string) => void;
}

/** Charts of the chosen runs, or of the first ones: one for each metric, and those that somebody added. */
export function ChartsTab(props: ChartsTabProps) {
  const { project, runs, charted, keys, filter } = props;
  const [settings, change] = useChartSettings();
  const [panels, setPanels] = useUrlState("panels", panelsCodec, noPanels);
  const [search, setSearch] = useUrlState("metric", text, "");
  const [edited, setEdited] = useState<{ index: number; panel: Panel | null } | null>(null);
  const [highlight, setHighlight] = useState<string | null>(null);
  const colors = useMemo(() => colorsOf(charted.map((run) => run.id)), [charted]);
  const sections = useMemo(() => metricSections(keys, search), [keys, search]);
  const numericParams = useMemo(
    () => keys.params.filter((key) => runs.loaded.slice(0, 200).some((run) => numberOf(run.params[key]) !== undefined)),
    [keys, runs.loaded],
  );
  const context = {
    ...settings,
    colors,
    height,
    hoverGroup: "experiment",
    legend: false,
    highlight,
  };
  const save = (panel: Panel) => {
    if (edited) {
      setPanels(edited.index < 0 ? [...panels, panel] : panels.map((each, at) => at === edited.index ? panel : each));
    }
    setEdited(null);
  };
  const isWrong = runs.error?.code === "invalid" && filter !== "";
  return (
    <div className="charts-view fill">
      <aside className="charts-runs" aria-label="Runs in the charts">
        <FilterBar
          label="Filter runs"
          placeholder="Filter runs"
          value={filter}
          onChange={props.onFilter}
          fields={props.fields}
          error={isWrong ? runs.error : undefined}
        />
        <RunLegend {...props} colors={colors} onHighlight={setHighlight} project={project} />
      </aside>
      <div className="charts-main" tabIndex={0} aria-label="Charts">
        <div className="charts-tools">
          <ChartSettingsBar settings={settings} onChange={change} />
          <span className="grow" />
          <SearchInput
            aria-label="Find metrics"
            placeholder="Find metrics"
            className="charts-search"
            value={search}
            onChange={setSearch}
          />
          <Button icon="plus" onClick={() => setEdited({ index: -1, panel: null })}>Add chart</Button>
        </div>
        {runs.error && !isWrong && charted.length === 0 && <Failed error={runs.error} retry={runs.refresh} />}
        {runs.loading && charted.length === 0 && <Skeleton height={height} />}
        {!runs.loading && !runs.error && charted.length === 0 && (
          <Empty icon="chart" title="No run to draw">Log runs, or change the filter.</Empty>
        )}
        {charted.length > 0 && panels.length > 0 && (
          <section className="charts-section">
            <h2>My charts</h2>
            <div className="charts-grid">
              {panels.map((panel, index) => (
                <PanelView
                  key={index}
                  panel={panel}
                  runs={charted}
                  context={context}
                  tools={
                    <span className="row">
                      <IconButton small icon="edit" label="Change" onClick={() => setEdited({ index, panel })} />
                      <IconButton
                        small
                        icon="close"
                        label="Remove"
                        onClick={() => setPanels(panels.filter((_, at) => at !== index))}
                      />
                    </span>
                  }
                />
              ))}
            </div>
          </section>
        )}
        {charted.length > 0 &&
          sections.map((section) => (
            <ChartSection key={section.name} name={section.name} count={section.panels.length}>
              {section.panels.map((panel) => (
                <PanelView
                  key={panel.type === "line" ? panel.metrics.join() : ""}
                  panel={panel}
                  runs={charted}
                  context={context}
                />
              ))}
            </ChartSection>
          ))}
        {charted.length > 0 && sections.length === 0 && search && (
          <Empty compact icon="search" title="No metric has such a name" />
        )}
      </div>
      {edited && (
        <PanelDialog
          panel={edited.panel}
          keys={keys}
          numericParams={numericParams}
          runs={charted}
          onClose={() => setEdited(null)}
          onSave={save}
        />
      )}
    </div>
  );
}

function ChartSection({ name, count, children }: { name: string; count: number; children: React.ReactNode }) {
  const [isOpen, setOpen] = useState(true);
  return (
    <section className="charts-section">
      <button type="button" className="charts-section-head" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <Icon name={isOpen ? "chevron-down" : "chevron-right"} size={14} />
        <h2>{name === "" ? "Metrics" : name}</h2>
        <span className="faint small">{count}</span>
      </button>
      {isOpen && <div className="charts-grid">{children}</div>}
    </section>
  );
}

/** The runs beside the charts: which are drawn, in which colour. */
function RunLegend(
  { project, runs, charted, selection, onSelection, colors, onHighlight }: ChartsTabProps & {
    colors: ReadonlyMap<string, string>;
    onHighlight: (run: string | null) => void;
  },
) {
  const shown = new Set(charted.map((run) => run.id));
  const toggle = (run: Run) => {
    const next = new Set(shown);
    if (!next.delete(run.id)) next.add(run.id);
    onSelection(next);
  };
  return (
    <>
      <div className="row row-between small muted charts-runs-head">
        <span>{plural(charted.length, "run")} drawn</span>
        {selection.size > 0 && <Button small kind="quiet" onClick={() => onSelection(new Set())}>First ones</Button>}
      </div>
      <ul className="charts-run-list">
        {runs.loaded.slice(0, listed).map((run) => (
          <li
            key={run.id}
            className="charts-run"
            onPointerEnter={() => onHighlight(shown.has(run.id) ? run.id : null)}
            onPointerLeave={() => onHighlight(null)}
          >
            <Checkbox checked={shown.has(run.id)} onChange={() => toggle(run)} label={`Draw ${run.name}`} />
            <span className="run-dot" style={{ background: colors.get(run.id) ?? "transparent" }} aria-hidden />
            <Link to={runPath(project, run.id)} className="ellipsis">{run.name}</Link>
          </li>
        ))}
      </ul>
    </>
  );
}
