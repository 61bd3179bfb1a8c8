import { type PointerEvent, useMemo, useRef, useState } from "react";
import { readInk, sequential } from "./color.ts";
import { Ramp } from "./ScatterChart.tsx";
import { makeScale, niceDomain, type Scale, ticksOf, tickText } from "./scale.ts";
import { extent } from "./series.ts";
import { useCanvas, useWidth } from "./usePlot.ts";

export interface ParallelAxis {
  id: string;
  label: string;
  /** One value a line; words are placed in order of their first appearance, null leaves a gap. */
  values: readonly (number | string | null)[];
  log?: boolean;
}

export interface ParallelChartProps {
  label: string;
  axes: readonly ParallelAxis[];
  /** Names of the lines. */
  names: readonly string[];
  /** The axis whose value colours the lines; the last if absent. */
  colorBy?: string;
  height?: number;
  /** Stretches chosen on axes: lines outside of them fade. Keep it in the URL if one may want to share it. */
  brushes?: Readonly<Record<string, readonly [number, number]>>;
  onBrushes?: (brushes: Record<string, [number, number]>) => void;
  onPick?: (line: number) => void;
}

interface Placed {
  axis: ParallelAxis;
  x: number;
  scale: Scale;
  at: (line: number) => number;
  words: string[] | null;
}

/** One line a run across one axis a parameter or metric: which settings lead where. Drag along an axis to choose. */
export function ParallelChart(props: ParallelChartProps) {
  const { axes, names, height = 360, brushes = {} } = props;
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const [drag, setDrag] = useState<{ axis: string; from: number; to: number } | null>(null);
  const [hover, setHover] = useState<number | null>(null);
  const top = 34;
  const bottom = height - 14;
  const placed = useMemo(() =>
    axes.map((axis, index): Placed => {
      const x = 60 + index / Math.max(1, axes.length - 1) * Math.max(1, width - 120);
      const isWords = axis.values.some((value) => typeof value === "string");
      const words = isWords ? [...new Set(axis.values.filter((value) => value !== null).map(String))] : null;
      const numbers = axis.values.map((value) =>
        value === null ? NaN : words ? words.indexOf(String(value)) : Number(value)
      );
      const kind = axis.log && !words ? "log" : "linear";
      const domain = words
        ? [-0.5, words.length - 0.5] as const
        : niceDomain(kind, ...extent(numbers, kind === "log"), 0.02);
      const scale = makeScale(kind, domain, [bottom, top]);
      return { axis, x, scale, words, at: (line) => scale.at(numbers[line] ?? NaN) };
    }), [axes, width, height]);
  const colorAxis = placed.find(({ axis }) => axis.id === props.colorBy) ?? placed.at(-1);
  const isChosen = (line: number) =>
    placed.every(({ axis, scale, at }) => {
      const brush = brushes[axis.id];
      if (!brush) return true;
      const y = at(line);
      return y <= scale.at(brush[0]) + 0.5 && y >= scale.at(brush[1]) - 0.5;
    });
  const canvas = useCanvas(width, height, (context) => {
    const ink = readInk();
    const order = names.map((_, line) => line).sort((a, b) => Number(isChosen(a)) - Number(isChosen(b)));
    for (const line of hover === null ? order : [...order, hover]) {
      const isOn = isChosen(line);
      context.globalAlpha = line === hover ? 1 : isOn ? (names.length > 200 ? 0.35 : 0.7) : 0.07;
      context.lineWidth = line === hover ? 3 : 1.5;
      const share = colorAxis ? (bottom - colorAxis.at(line)) / (bottom - top) : 0;
      context.strokeStyle = isOn && Number.isFinite(share) ? sequential(share) : ink.faint;
      context.beginPath();
      let isOpen = false;
      for (const { x, at } of placed) {
        const y = at(line);
        if (!Number.isFinite(y)) isOpen = false;
        else {
          if (isOpen) context.lineTo(x, y);
          else context.moveTo(x, y);
          isOpen = true;
        }
      }
      context.stroke();
    }
  }, [placed, names, brushes, hover]);
  const here = (event: PointerEvent) => {
    const rect = box.current?.getBoundingClientRect();
    return { x: event.clientX - (rect?.left ?? 0), y: event.clientY - (rect?.top ?? 0) };
  };
  const axisAt = (x: number) => placed.find((each) => Math.abs(each.x - x) < 14);
  const move = (event: PointerEvent) => {
    const { x, y } = here(event);
    if (drag) return setDrag({ ...drag, to: Math.max(top, Math.min(bottom, y)) });
    const right = placed.findIndex((each) => each.x >= x);
    const a = placed[Math.max(0, right - 1)];
    const b = placed[right < 0 ? placed.length - 1 : right];
    if (!a || !b) return;
    const share = b.x === a.x ? 0 : (x - a.x) / (b.x - a.x);
    let best: number | null = null;
    let least = 8;
    for (let line = 0; line < names.length; line++) {
      if (!isChosen(line)) continue;
      const away = Math.abs(a.at(line) + (b.at(line) - a.at(line)) * share - y);
      if (away < least) {
        least = away;
        best = line;
      }
    }
    setHover(best);
  };
  const up = () => {
    if (drag) {
      const axis = placed.find((each) => each.axis.id === drag.axis);
      const next: Record<string, [number, number]> = {};
      for (const [id, range] of Object.entries(brushes)) next[id] = [range[0], range[1]];
      if (axis && Math.abs(drag.to - drag.from) > 4) {
        const [low, high] = [
          axis.scale.invert(Math.max(drag.from, drag.to)),
          axis.scale.invert(Math.min(drag.from, drag.to)),
        ];
        next[drag.axis] = [low, high];
      } else delete next[drag.axis];
      props.onBrushes?.(next);
      setDrag(null);
    } else if (hover !== null) props.onPick?.(hover);
  };
  const range = colorAxis && !colorAxis.words ? colorAxis.scale.domain : null;
  return (
    <figure
      className="chart"
      aria-label={`${props.label}: ${names.length} lines over ${axes.map(({ label }) => label).join(", ")}`}
    >
      <div
        ref={box}
        className={hover !== null && props.onPick ? "chart-plot chart-pickable" : "chart-plot"}
        style={{ height }}
        onPointerMove={move}
        onPointerLeave={() => setHover(null)}
        onPointerDown={(event) => {
          const { x, y } = here(event);
          const axis = axisAt(x);
          if (!axis || !props.onBrushes) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          setDrag({ axis: axis.axis.id, from: y, to: y });
        }}
        onPointerUp={up}
      >
        <canvas ref={canvas} style={{ width, height }} role="img" aria-label={props.label} />
        <svg className="chart-axes" width={width} height={height} aria-hidden>
          {placed.map(({ axis, x, scale, words }) => {
            const ticks = words ? words.map((_, index) => index) : ticksOf(scale.kind, scale.domain, 5);
            const brush = drag?.axis === axis.id
              ? [Math.min(drag.from, drag.to), Math.max(drag.from, drag.to)]
              : brushes[axis.id]
              ? [scale.at(brushes[axis.id]?.[1] ?? 0), scale.at(brushes[axis.id]?.[0] ?? 0)]
              : null;
            return (
              <g key={axis.id} className="chart-parallel-axis">
                <text x={x} y={16} textAnchor="middle" className="chart-label">{shorten(axis.label, 18)}</text>
                <line x1={x} x2={x} y1={top} y2={bottom} className="chart-tick" />
                <rect
                  x={x - 14}
                  width={28}
                  y={top}
                  height={bottom - top}
                  fill="transparent"
                  className={props.onBrushes ? "chart-brushable" : undefined}
                />
                {brush && (
                  <rect
                    className="chart-brush-range"
                    x={x - 6}
                    width={12}
                    y={brush[0]}
                    height={(brush[1] ?? 0) - (brush[0] ?? 0)}
                  />
                )}
                {ticks.map((value) => (
                  <text key={value} x={x - 7} y={scale.at(value)} dy="0.32em" textAnchor="end" className="chart-halo">
                    {words ? shorten(words[value] ?? "", 12) : tickText(scale.kind, value, ticks)}
                  </text>
                ))}
              </g>
            );
          })}
        </svg>
        {hover !== null && <div className="chart-caption">{names[hover]}</div>}
      </div>
      {range && colorAxis && <Ramp low={range[0]} high={range[1]} label={colorAxis.axis.label} />}
    </figure>
  );
}

function shorten(text: string, most: number): string {
  return text.length > most ? text.slice(0, most - 1) + "…" : text;
}
