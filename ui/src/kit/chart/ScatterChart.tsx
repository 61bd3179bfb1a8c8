import { type PointerEvent, useMemo, useRef, useState } from "react";
import { formatNumber } from "../format.ts";
import { Axes, type Frame } from "./Axes.tsx";
import { categoryColor, readInk, sequential } from "./color.ts";
import { ReadOut } from "./ReadOut.tsx";
import { makeScale, niceDomain } from "./scale.ts";
import { extent } from "./series.ts";
import { useCanvas, useWidth } from "./usePlot.ts";

export interface ScatterPoint {
  id: string;
  label: string;
  x: number;
  y: number;
  /** A figure (a ramp of colours) or the number of a category. */
  color?: number;
  size?: number;
}

export interface ScatterChartProps {
  label: string;
  points: readonly ScatterPoint[];
  height?: number;
  xLabel: string;
  yLabel: string;
  xScale?: "linear" | "log";
  yScale?: "linear" | "log";
  /** What `color` means. */
  colorBy?: "category" | "value";
  colorLabel?: string;
  onPick?: (point: ScatterPoint) => void;
  highlight?: string | null;
  /** A line y = x, where values should be: predicted over true. */
  diagonal?: boolean;
}

/** Points in two dimensions, a third as colour. The nearest within reach of the pointer is read out. */
export function ScatterChart(props: ScatterChartProps) {
  const { points, height = 320, xScale = "linear", yScale = "linear", colorBy = "category" } = props;
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const [hover, setHover] = useState<ScatterPoint | null>(null);
  const frame: Frame = { width, height, left: 60, right: 16, top: 26, bottom: 38 };
  const { sx, sy, colors } = useMemo(() => {
    const xs = extent(points.map((point) => point.x), xScale === "log");
    const ys = extent(points.map((point) => point.y), yScale === "log");
    return {
      sx: makeScale(xScale, niceDomain(xScale, ...xs), [frame.left, Math.max(frame.left + 1, width - frame.right)]),
      sy: makeScale(yScale, niceDomain(yScale, ...ys), [height - frame.bottom, frame.top]),
      colors: extent(points.map((point) => point.color ?? NaN)),
    };
  }, [points, width, height, xScale, yScale]);
  const canvas = useCanvas(width, height, (context) => {
    const ink = readInk();
    if (props.diagonal) {
      context.strokeStyle = ink.faint;
      context.setLineDash([4, 4]);
      context.beginPath();
      const low = Math.max(sx.domain[0], sy.domain[0]);
      const high = Math.min(sx.domain[1], sy.domain[1]);
      context.moveTo(sx.at(low), sy.at(low));
      context.lineTo(sx.at(high), sy.at(high));
      context.stroke();
      context.setLineDash([]);
    }
    context.globalAlpha = points.length > 2000 ? 0.35 : 0.75;
    for (const point of points) {
      const px = sx.at(point.x);
      const py = sy.at(point.y);
      if (!Number.isFinite(px) || !Number.isFinite(py)) continue;
      context.fillStyle = colorBy === "value"
        ? sequential(((point.color ?? NaN) - colors[0]) / (colors[1] - colors[0] || 1))
        : categoryColor(point.color ?? 0, ink);
      context.beginPath();
      context.arc(px, py, point.size ?? (points.length > 2000 ? 2 : 4), 0, Math.PI * 2);
      context.fill();
      if (props.highlight === point.id) {
        context.strokeStyle = ink.text;
        context.lineWidth = 2;
        context.stroke();
      }
    }
  }, [points, sx, sy, colorBy, props.highlight]);
  const move = (event: PointerEvent) => {
    const rect = box.current?.getBoundingClientRect();
    const px = event.clientX - (rect?.left ?? 0);
    const py = event.clientY - (rect?.top ?? 0);
    let best: ScatterPoint | null = null;
    let least = 24 * 24;
    for (const point of points) {
      const away = (sx.at(point.x) - px) ** 2 + (sy.at(point.y) - py) ** 2;
      if (away < least) {
        least = away;
        best = point;
      }
    }
    setHover(best);
  };
  return (
    <figure className="chart" aria-label={`${props.label}: ${points.length} points`}>
      <div
        ref={box}
        className={props.onPick && hover ? "chart-plot chart-pickable" : "chart-plot"}
        style={{ height }}
        onPointerMove={move}
        onPointerLeave={() => setHover(null)}
        onClick={() => hover && props.onPick?.(hover)}
      >
        {width > 0 && <Axes frame={frame} x={sx} y={sy} xLabel={props.xLabel} yLabel={props.yLabel} />}
        <canvas
          ref={canvas}
          style={{ width, height }}
          role="img"
          aria-label={`${props.label}: ${props.yLabel} over ${props.xLabel}`}
        />
        {hover && (
          <>
            <div
              className="chart-dot"
              style={{ left: sx.at(hover.x), top: sy.at(hover.y), background: "var(--ink)" }}
            />
            <ReadOut
              left={sx.at(hover.x)}
              width={width}
              title={hover.label}
              rows={[
                { label: props.xLabel, value: formatNumber(hover.x, 5) },
                { label: props.yLabel, value: formatNumber(hover.y, 5) },
                ...(colorBy === "value" && hover.color !== undefined
                  ? [{ label: props.colorLabel ?? "Colour", value: formatNumber(hover.color, 5) }]
                  : []),
              ]}
            />
          </>
        )}
      </div>
      {colorBy === "value" && colors[0] < colors[1] && (
        <Ramp low={colors[0]} high={colors[1]} label={props.colorLabel} />
      )}
    </figure>
  );
}

/** The colours of a figure, from least to greatest. */
export function Ramp({ low, high, label }: { low: number; high: number; label?: string | undefined }) {
  const stops = Array.from({ length: 9 }, (_, index) => sequential(index / 8)).join(", ");
  return (
    <div className="chart-ramp">
      {label && <span className="muted">{label}</span>}
      <span className="tabular">{formatNumber(low, 3)}</span>
      <span className="chart-ramp-bar" style={{ background: `linear-gradient(to right, ${stops})` }} />
      <span className="tabular">{formatNumber(high, 3)}</span>
    </div>
  );
}
