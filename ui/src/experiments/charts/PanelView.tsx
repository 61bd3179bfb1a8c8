import { type ReactNode, useEffect, useRef, useState } from "react";
import type { Run } from "../api.ts";
import { BarPanel } from "./BarPanel.tsx";
import type { CurveAxis } from "./curves.ts";
import { ContourPanel, ParallelPanel, ScatterPanel } from "./FieldPanels.tsx";
import { ConfusionPanel, ImagesPanel, TablePanel } from "./FilePanels.tsx";
import { LinePanel } from "./LinePanel.tsx";
import { type Panel, panelTitle } from "./panels.ts";

/** What all charts of a page share. */
export interface PanelContext {
  axis: CurveAxis;
  smoothing: number;
  log: boolean;
  /** Draw from the least to the greatest value of what shares a pixel. */
  band: boolean;
  /** By run. */
  colors: ReadonlyMap<string, string>;
  height: number;
  hoverGroup: string;
  legend: boolean;
  /** The run that is drawn strongly. */
  highlight: string | null;
  /** Whether the chart is on the screen: what nobody sees asks for nothing. */
  isSeen: boolean;
}

/** A framed chart. Its data is asked for when it comes into view. */
export function PanelView(
  { panel, runs, context, tools, title }: {
    panel: Panel;
    runs: readonly Run[];
    context: Omit<PanelContext, "isSeen">;
    tools?: ReactNode;
    title?: ReactNode;
  },
) {
  const frame = useRef<HTMLElement>(null);
  const [isSeen, setSeen] = useState(false);
  useEffect(() => {
    if (!frame.current || isSeen) return;
    const observer = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) setSeen(true);
    }, { rootMargin: "200px" });
    observer.observe(frame.current);
    return () => observer.disconnect();
  }, [isSeen]);
  return (
    <section ref={frame} className={`chart-panel chart-panel-${panel.type}`} aria-label={panelTitle(panel)}>
      <header className="chart-panel-head">
        <h3 className="ellipsis" title={panelTitle(panel)}>{title ?? panelTitle(panel)}</h3>
        {tools}
      </header>
      <div className="chart-panel-body" style={{ minHeight: context.height }}>
        {isSeen && <PanelBody panel={panel} runs={runs} context={{ ...context, isSeen }} />}
      </div>
    </section>
  );
}

function PanelBody({ panel, runs, context }: { panel: Panel; runs: readonly Run[]; context: PanelContext }) {
  const rest = { runs, context };
  switch (panel.type) {
    case "line":
      return <LinePanel metrics={panel.metrics} {...rest} />;
    case "bar":
      return <BarPanel field={panel.field} {...rest} />;
    case "scatter":
      return <ScatterPanel x={panel.x} y={panel.y} {...(panel.color ? { color: panel.color } : {})} {...rest} />;
    case "parallel":
      return <ParallelPanel fields={panel.fields} color={panel.color} {...rest} />;
    case "contour":
      return <ContourPanel x={panel.x} y={panel.y} z={panel.z} {...rest} />;
    case "confusion":
      return <ConfusionPanel path={panel.path} actual={panel.actual} predicted={panel.predicted} {...rest} />;
    case "images":
      return <ImagesPanel imageKey={panel.key} {...rest} />;
    case "table":
      return <TablePanel path={panel.path} {...rest} />;
  }
}
