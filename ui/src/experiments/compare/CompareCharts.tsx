import { useMemo } from "react";
import { json, useUrlState } from "../../app/urlState.ts";
import { Empty } from "../../kit/States.tsx";
import type { Run } from "../api.ts";
import { ChartSettingsBar, useChartSettings } from "../charts/ChartSettings.tsx";
import { colorsOf } from "../charts/colors.ts";
import { isPanelList, metricSections, type Panel } from "../charts/panels.ts";
import { PanelView } from "../charts/PanelView.tsx";
import { isSystemMetric, keysOf, metricField, numberOf, paramField } from "../fields.ts";
import { compareRuns } from "./diff.ts";

const none: Panel[] = [];

/** The curves of the compared runs, and how the parameters that differ go with the first metrics. */
export function CompareCharts({ runs }: { runs: readonly Run[] }) {
  const [settings, change] = useChartSettings();
  const [added] = useUrlState("panels", json(isPanelList), none);
  const keys = useMemo(() => keysOf(runs), [runs]);
  const colors = useMemo(() => colorsOf(runs.map((run) => run.id)), [runs]);
  const panels = useMemo(() => [...added, ...overview(runs)], [added, runs]);
  const sections = useMemo(() => metricSections(keys), [keys]);
  const context = { ...settings, colors, height: 240, hoverGroup: "compare", highlight: null };
  if (keys.metrics.length === 0) return <Empty icon="chart" title="No metrics">The runs logged none.</Empty>;
  return (
    <div className="stack">
      <ChartSettingsBar settings={settings} onChange={change} />
      {panels.length > 0 && (
        <div className="charts-grid">
          {panels.map((panel, index) => (
            <PanelView key={index} panel={panel} runs={runs} context={{ ...context, legend: true }} />
          ))}
        </div>
      )}
      {sections.map((section) => (
        <section key={section.name} className="charts-section">
          <h2>{section.name || "Metrics"}</h2>
          <div className="charts-grid">
            {section.panels.map((panel, index) => (
              <PanelView key={index} panel={panel} runs={runs} context={{ ...context, legend: true }} />
            ))}
          </div>
        </section>
      ))}
    </div>
  );
}

/** Parallel axes of what differs, if there is something to see. */
function overview(runs: readonly Run[]): Panel[] {
  const params = compareRuns(runs).find((group) => group.id === "params")?.lines.filter((line) => line.differs) ?? [];
  const metric = keysOf(runs).metrics.find((key) => !isSystemMetric(key) && runs.every((run) => key in run.metrics));
  if (params.length === 0 || !metric || runs.length < 3) return [];
  const z = metricField(metric).id;
  const fields = [...params.slice(0, 6).map((line) => paramField(line.key).id), z];
  const numeric = params.filter((line) => line.values.every((value) => numberOf(value) !== undefined));
  const first = numeric[0];
  return [
    { type: "parallel", fields, color: z },
    ...(first ? [{ type: "scatter" as const, x: paramField(first.key).id, y: z }] : []),
  ];
}
