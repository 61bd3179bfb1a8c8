import { useMemo, useState } from "react";
import { navigate } from "../../app/router.tsx";
import { useProject } from "../../app/project.ts";
import { ContourChart, ParallelChart, ScatterChart, type ScatterPoint } from "../../kit/chart/index.ts";
import { Empty } from "../../kit/States.tsx";
import type { Run } from "../api.ts";
import { fieldOf, numberOf, valueOf } from "../fields.ts";
import { runPath } from "../paths.ts";
import type { PanelContext } from "./PanelView.tsx";

interface PanelProps {
  runs: readonly Run[];
  context: PanelContext;
}

/** One point for each run: a parameter or a metric over another one. */
export function ScatterPanel({ x, y, color, runs, context }: PanelProps & { x: string; y: string; color?: string }) {
  const open = useOpenRun();
  const points = useMemo(() => {
    const place = placer(runs, x);
    const shade = color ? placer(runs, color) : null;
    return runs.flatMap((run, index): ScatterPoint[] => {
      const [px, py] = [place.of(run), numberOf(valueOf(run, fieldOf(y)))];
      if (px === undefined || py === undefined) return [];
      return [{ id: run.id, label: run.name, x: px, y: py, color: shade ? shade.of(run) : index }];
    });
  }, [runs, x, y, color]);
  if (points.length === 0) return <Nothing />;
  const isWord = color !== undefined && placer(runs, color).isWord;
  return (
    <ScatterChart
      label={`${fieldOf(y).key} over ${fieldOf(x).key} of ${points.length} runs`}
      points={points}
      height={context.height}
      xLabel={fieldOf(x).key}
      yLabel={fieldOf(y).key}
      xScale={isSpread(points.map((point) => point.x)) ? "log" : "linear"}
      yScale={context.log && points.every((point) => point.y > 0) ? "log" : "linear"}
      colorBy={color === undefined || isWord ? "category" : "value"}
      colorLabel={color ? fieldOf(color).key : undefined}
      highlight={context.highlight}
      onPick={(point) => open(point.id)}
    />
  );
}

/** One line for each run across axes of parameters and metrics; drag on an axis to choose a stretch. */
export function ParallelPanel({ fields, color, runs, context }: PanelProps & { fields: string[]; color: string }) {
  const open = useOpenRun();
  const [brushes, setBrushes] = useState<Record<string, [number, number]>>({});
  const axes = useMemo(() => {
    const all = fields.includes(color) ? fields : [...fields, color];
    return all.map((id) => {
      const values = runs.map((run) => valueOf(run, fieldOf(id)));
      const numbers = values.map(numberOf);
      const isNumeric = values.every((value, index) => typeof value !== "string" || numbers[index] !== undefined);
      const known = numbers.filter((value) => value !== undefined);
      return {
        id,
        label: fieldOf(id).key,
        values: isNumeric
          ? numbers.map((value) => value ?? null)
          : values.map((value) => value === undefined ? null : String(value)),
        log: isNumeric && isSpread(known),
      };
    });
  }, [runs, fields, color]);
  if (runs.length === 0) return <Nothing />;
  return (
    <ParallelChart
      label={`${runs.length} runs across ${axes.map((axis) => axis.label).join(", ")}`}
      axes={axes}
      names={runs.map((run) => run.name)}
      colorBy={color}
      height={Math.max(260, context.height)}
      brushes={brushes}
      onBrushes={setBrushes}
      onPick={(line) => {
        const run = runs[line];
        if (run) open(run.id);
      }}
    />
  );
}

/** How a metric changes with two parameters, between the places where runs measured it. */
export function ContourPanel({ x, y, z, runs, context }: PanelProps & { x: string; y: string; z: string }) {
  const open = useOpenRun();
  const points = useMemo(() =>
    runs.flatMap((run) => {
      const [px, py, pz] = [x, y, z].map((id) => numberOf(valueOf(run, fieldOf(id))));
      if (px === undefined || py === undefined || pz === undefined) return [];
      return [{ id: run.id, x: px, y: py, z: pz, label: run.name }];
    }), [runs, x, y, z]);
  if (points.length < 3) {
    return (
      <Empty compact icon="chart" title="Too few places">
        A contour needs three runs or more with all of the values.
      </Empty>
    );
  }
  return (
    <ContourChart
      label={`${fieldOf(z).key} by ${fieldOf(x).key} and ${fieldOf(y).key}`}
      points={points}
      xLabel={fieldOf(x).key}
      yLabel={fieldOf(y).key}
      zLabel={fieldOf(z).key}
      xScale={isSpread(points.map((point) => point.x)) ? "log" : "linear"}
      yScale={isSpread(points.map((point) => point.y)) ? "log" : "linear"}
      height={Math.max(260, context.height)}
      onPick={(index) => {
        const point = points[index];
        if (point) open(point.id);
      }}
    />
  );
}

function Nothing() {
  return <Empty compact icon="chart" title="No run shown here has both">Choose other runs, or other fields.</Empty>;
}

function useOpenRun(): (run: string) => void {
  const project = useProject();
  return (run) => {
    if (project) navigate(runPath(project, run));
  };
}

/** Places runs on an axis: by a number, or by the order of words. */
function placer(runs: readonly Run[], id: string): { isWord: boolean; of: (run: Run) => number | undefined } {
  const field = fieldOf(id);
  const values = runs.map((run) => valueOf(run, field)).filter((value) => value !== undefined);
  const isWord = values.some((value) => numberOf(value) === undefined);
  if (!isWord) return { isWord, of: (run) => numberOf(valueOf(run, field)) };
  const words = [...new Set(values.map(String))].sort();
  return {
    isWord,
    of: (run) => {
      const value = valueOf(run, field);
      return value === undefined ? undefined : words.indexOf(String(value));
    },
  };
}

/** Whether values span so many orders of magnitude that only a log axis tells them apart, as learning rates do. */
function isSpread(values: readonly number[]): boolean {
  const low = Math.min(...values);
  return values.length > 2 && low > 0 && Math.max(...values) / low >= 30;
}
