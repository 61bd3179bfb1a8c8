import { useMemo } from "react";
import { ChartSettingsBar, useChartSettings } from "../charts/ChartSettings.tsx";
import { metricSections } from "../charts/panels.ts";
import { PanelView } from "../charts/PanelView.tsx";
import { Empty } from "../../kit/States.tsx";
import { Num } from "../../kit/Values.tsx";
import type { Run } from "../api.ts";
import { measured } from "../fields.ts";

/** A chart for each metric of a run; while it runs they grow. */
export function RunCharts({ run, metrics }: { run: Run; metrics: string[] }) {
  const [settings, change] = useChartSettings();
  const key = metrics.join("|");
  const sections = useMemo(() => metricSections({ metrics: key ? key.split("|") : [], params: [], tags: [] }), [key]);
  const runs = useMemo(() => [run], [run.id, run.status, key]);
  const colors = useMemo(() => new Map([[run.id, "var(--cat-1)"]]), [run.id]);
  if (metrics.length === 0) {
    return (
      <Empty icon="chart" title="No metrics">
        {run.status === "RUNNING"
          ? "The run has logged none so far; they appear here as they come."
          : "None was logged."}
      </Empty>
    );
  }
  return (
    <div className="stack">
      <ChartSettingsBar settings={settings} onChange={change} />
      {sections.map((section) => (
        <section key={section.name} className="charts-section">
          {sections.length > 1 && <h2>{section.name || "Metrics"}</h2>}
          <div className="charts-grid">
            {section.panels.map((panel) => {
              const metric = panel.type === "line" ? panel.metrics[0] ?? "" : "";
              return (
                <PanelView
                  key={metric}
                  panel={panel}
                  runs={runs}
                  context={{ ...settings, colors, height: 200, hoverGroup: run.id, legend: false, highlight: null }}
                  tools={
                    <span className="chart-now">
                      <Num value={measured(run.metrics[metric])} />
                    </span>
                  }
                />
              );
            })}
          </div>
        </section>
      ))}
    </div>
  );
}
