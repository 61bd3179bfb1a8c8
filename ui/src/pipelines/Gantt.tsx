import { useMemo } from "react";
import { formatDuration, formatTime } from "../kit/format.ts";
import { Icon } from "../kit/Icon.tsx";
import type { PipelineDefinition, PipelineRunWithSteps } from "./api.ts";
import { ganttOf } from "./dag.ts";
import { stateIcons } from "./Dag.tsx";

const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400].map((s) =>
  s * 1000
);

/** When each step waited and ran, on one axis of time; the steps that decided the run's length are marked. */
export function Gantt(
  { definition, run, now, selected, onSelect }: {
    definition: PipelineDefinition;
    run: PipelineRunWithSteps;
    now: number;
    selected: string | null;
    onSelect: (step: string) => void;
  },
) {
  const bars = useMemo(() => ganttOf(definition, run, now), [definition, run, now]);
  const start = Date.parse(run.created);
  const end = Math.max(run.ended ? Date.parse(run.ended) : now, start + 100);
  const span = end - start;
  const at = (time: number) => `${Math.max(0, Math.min(100, (time - start) / span * 100))}%`;
  const every = steps.find((step) => span / step <= 8) ?? span / 4;
  const ticks = Array.from({ length: Math.floor(span / every) + 1 }, (_, index) => index * every);
  return (
    <div className="gantt">
      <div className="gantt-head">
        <span />
        <div className="gantt-axis" aria-hidden>
          {span < 1000
            ? null
            : ticks.map((tick) => (
              <span key={tick} style={{ left: at(start + tick) }}>{formatDuration(tick).replace(" ms", "")}</span>
            ))}
        </div>
        <span />
      </div>
      <ul>
        {bars.map((bar) => {
          const state = bar.run?.state ?? "pending";
          const took = bar.from !== null && bar.to !== null ? bar.to - bar.from : null;
          const waited = bar.ready !== null && bar.from !== null ? bar.from - bar.ready : 0;
          const words = `${bar.step}: ${state}${took !== null ? `, ${formatDuration(took)}` : ""}${
            bar.from !== null ? `, from ${formatTime(bar.from, true)}` : ""
          }${bar.critical ? ", on the longest chain" : ""}`;
          return (
            <li key={bar.step}>
              <button
                type="button"
                className={selected === bar.step ? "gantt-row gantt-selected" : "gantt-row"}
                aria-pressed={selected === bar.step}
                aria-label={words}
                title={words}
                onClick={() => onSelect(bar.step)}
              >
                <span className={`gantt-name dag-ink-${state}`}>
                  <Icon name={stateIcons[state]} size={14} />
                  <span className="ellipsis">{bar.step}</span>
                  {bar.critical && bars.length > 2 && <Icon name="clock" size={12} label="on the longest chain" />}
                </span>
                <span className="gantt-lane">
                  {ticks.map((tick) => <i key={tick} style={{ left: at(start + tick) }} />)}
                  {bar.from !== null && waited > span / 200 && bar.ready !== null && (
                    <b
                      className="gantt-wait"
                      style={{ left: at(bar.ready), width: `${waited / span * 100}%` }}
                      title={`waited ${formatDuration(waited)}`}
                    />
                  )}
                  {bar.from !== null && took !== null && (
                    <b
                      className={`gantt-bar gantt-${state}${bar.critical ? " gantt-critical" : ""}`}
                      style={{ left: at(bar.from), width: `max(4px, ${took / span * 100}%)` }}
                    />
                  )}
                </span>
                <span className="gantt-took tabular">{took !== null ? formatDuration(took) : state}</span>
              </button>
            </li>
          );
        })}
      </ul>
    </div>
  );
}
