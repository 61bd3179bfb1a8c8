import { type KeyboardEvent, type PointerEvent, useMemo, useRef, useState } from "react";
import { formatNumber, formatTime } from "../format.ts";
import { Axes, type Frame } from "./Axes.tsx";
import { categoryColor, categoryCss, readInk } from "./color.ts";
import { useSharedHover } from "./hover.ts";
import { drawBand, drawDots, drawLine } from "./draw.ts";
import { Legend } from "./Legend.tsx";
import { ReadOut } from "./ReadOut.tsx";
import { nextX, readOut } from "./values.ts";
import { makeScale, niceDomain, type Scale, type ScaleKind } from "./scale.ts";
import { extent, joinExtents, type Series, smooth } from "./series.ts";
import { useCanvas, useWidth } from "./usePlot.ts";

export interface Mark {
  /** A line across the chart: a limit, a moment. */
  axis: "x" | "y";
  at: number;
  label: string;
  tone?: "good" | "warn" | "bad" | "neutral";
}

export interface LineChartProps {
  /** For screen readers: what is drawn. */
  label: string;
  series: readonly Series[];
  height?: number;
  xScale?: ScaleKind;
  yScale?: "linear" | "log";
  xLabel?: string;
  yLabel?: string;
  /** Weight of earlier points, 0 to 0.999; of a few lines the raw values stay behind, faint. */
  smoothing?: number;
  /** The stretch of x that is shown; all if absent. With `onZoom` one drags to zoom, a double click shows all again. */
  zoom?: readonly [number, number] | null;
  onZoom?: (range: [number, number] | null) => void;
  /** Charts with the same name show the same x when one points at one of them. */
  hoverGroup?: string;
  legend?: boolean;
  marks?: readonly Mark[];
  /** Fixes the y axis. */
  yDomain?: readonly [number, number];
  /** Points as dots, with or without a line. */
  points?: "none" | "dots" | "only";
  /** Steps instead of slopes: states that hold until they change. */
  steps?: boolean;
  /** A click on the chart, at the series that is nearest. */
  onPick?: (seriesId: string, index: number) => void;
  /** Series drawn strongly; others fade. */
  highlight?: string | null;
  onHighlight?: (id: string | null) => void;
  formatX?: (x: number) => string;
  formatY?: (y: number) => string;
}

/** With more lines than this, each is drawn finer and without its raw values behind. */
const many = 16;
/** What the read-out shows at most, nearest first; more would hide the chart. */
const mostRows = 12;

/**
 * Lines over numbers, steps or time. Draws 100 lines of 10,000 points without a pause. With the keyboard: arrows move the
 * read-out (Shift: ten times as far), Enter picks the nearest line, 0 shows all again, Escape ends.
 */
export function LineChart(props: LineChartProps) {
  const { series, height = 240, xScale = "linear", yScale = "linear", smoothing = 0, zoom = null, points = "none" } =
    props;
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const [x, setX] = useSharedHover(props.hoverGroup);
  const [pointer, setPointer] = useState<{ x: number; y: number } | null>(null);
  const [brush, setBrush] = useState<[number, number] | null>(null);
  const [off, setOff] = useState<ReadonlySet<string>>(new Set());
  const [hasKeys, setKeys] = useState(false);

  const shown = useMemo(() => series.filter(({ id }) => !off.has(id)), [series, off]);
  const smoothed = useMemo(
    () => new Map(shown.map((each) => [each.id, smoothing > 0 ? smooth(each.y, smoothing) : each.y])),
    [shown, smoothing],
  );
  const frame = useMemo(
    (): Frame => ({ width, height, left: 56, right: 12, top: props.yLabel ? 24 : 10, bottom: props.xLabel ? 38 : 24 }),
    [width, height, props.yLabel, props.xLabel],
  );
  const { sx, sy } = useMemo(
    () => scales(props, shown, smoothed, frame),
    [shown, smoothed, frame, xScale, yScale, zoom?.[0], zoom?.[1], props.yDomain?.[0], props.yDomain?.[1]],
  );

  const canvas = useCanvas(width, height, (context) => {
    const ink = readInk();
    context.save();
    context.beginPath();
    context.rect(frame.left, frame.top - 2, width - frame.left - frame.right, height - frame.top - frame.bottom + 4);
    context.clip();
    // Many lines are drawn finer: so they are told apart better, and strokes no wider than a pixel cost a fraction.
    const isMany = shown.length > many;
    context.lineJoin = "bevel";
    for (const [index, each] of series.entries()) {
      if (off.has(each.id)) continue;
      const color = resolve(each.color) ?? categoryColor(index, ink);
      const isFaded = props.highlight !== undefined && props.highlight !== null && props.highlight !== each.id;
      const line = smoothed.get(each.id) ?? each.y;
      context.globalAlpha = isFaded ? 0.18 : 1;
      if (each.low && each.high) drawBand(context, each, sx, sy, color, isFaded ? 0.05 : 0.16);
      context.strokeStyle = context.fillStyle = color;
      context.setLineDash(each.dashed ? [5, 4] : []);
      if (smoothing > 0 && !isFaded && !isMany) {
        context.globalAlpha = 0.22;
        context.lineWidth = 1;
        drawLine(context, each.x, each.y, sx, sy);
        context.globalAlpha = 1;
      }
      context.lineWidth = props.highlight === each.id ? 2.5 : isMany ? 1 : 1.5;
      if (points !== "only") drawLine(context, each.x, line, sx, sy, { steps: props.steps ?? false, coarse: isMany });
      if (points !== "none" || each.x.length === 1) drawDots(context, each.x, line, sx, sy);
    }
    context.restore();
  }, [series, off, smoothed, sx, sy, props.highlight, points, props.steps]);

  const seen = x !== null && sx.at(x) >= frame.left - 1 && sx.at(x) <= width - frame.right + 1 ? x : null;
  const rows = useMemo(
    () =>
      seen === null ? [] : readOut(shown, series, smoothed, seen, sx, pointer ? sy.invert(pointer.y) : null, yScale),
    [seen, pointer?.y, shown, smoothed, sx],
  );

  const at = (event: PointerEvent): { x: number; y: number } => {
    const rect = box.current?.getBoundingClientRect();
    return { x: event.clientX - (rect?.left ?? 0), y: event.clientY - (rect?.top ?? 0) };
  };
  const move = (event: PointerEvent) => {
    const here = at(event);
    setPointer(here);
    const inside = here.x >= frame.left && here.x <= width - frame.right;
    setX(inside ? sx.invert(here.x) : null);
    if (brush) setBrush([brush[0], Math.max(frame.left, Math.min(width - frame.right, here.x))]);
  };
  const up = () => {
    if (brush && Math.abs(brush[1] - brush[0]) > 6) {
      const [a, b] = [sx.invert(brush[0]), sx.invert(brush[1])];
      props.onZoom?.(a < b ? [a, b] : [b, a]);
    } else if (brush && props.onPick && rows[0]) props.onPick(rows[0].series.id, rows[0].index);
    setBrush(null);
  };

  const press = (event: KeyboardEvent) => {
    const step = (event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0) * (event.shiftKey ? 10 : 1);
    if (step !== 0) {
      setKeys(true);
      setPointer(null);
      setX(nextX(shown, seen, step, sx));
    } else if (event.key === "Escape" && seen !== null) {
      setX(null);
      setKeys(false);
    } else if (event.key === "Enter" && rows[0]) props.onPick?.(rows[0].series.id, rows[0].index);
    else if (event.key === "0") props.onZoom?.(null);
    else return;
    event.preventDefault();
  };

  const readOutRows = Math.max(3, Math.min(mostRows, Math.floor((height - 40) / 18)));
  const format = props.formatX ??
    (xScale === "time" ? (value: number) => formatTime(value) : (value: number) => formatNumber(value, 6));
  const valueText = (value: number) => props.formatY?.(value) ?? formatNumber(value, 5);
  const spoken = rows.length === 0
    ? "no value here"
    : `${format(rows[0]?.x ?? 0)}: ${
      rows.slice(0, 5).map((row) => `${row.series.label} ${valueText(row.y)}`).join(", ")
    }`;
  return (
    <figure
      className="chart"
      aria-label={`${props.label}: ${series.length === 1 ? "one line" : `${series.length} lines`}`}
    >
      <div
        ref={box}
        className={props.onZoom ? "chart-plot chart-zoomable" : "chart-plot"}
        style={{ height }}
        role="slider"
        tabIndex={0}
        aria-label={`${props.label}: read out`}
        aria-valuemin={sx.domain[0]}
        aria-valuemax={sx.domain[1]}
        aria-valuenow={seen ?? sx.domain[0]}
        aria-valuetext={seen === null ? "arrow keys read the values" : spoken}
        onKeyDown={press}
        onBlur={() => {
          if (hasKeys) setX(null);
          setKeys(false);
        }}
        onPointerMove={move}
        onPointerLeave={() => {
          setX(null);
          setPointer(null);
        }}
        onPointerDown={(event) => {
          if (event.button !== 0 || (!props.onZoom && !props.onPick)) return;
          const start = at(event).x;
          if (event.pointerType === "mouse") event.currentTarget.setPointerCapture(event.pointerId);
          setBrush([start, start]);
        }}
        onPointerUp={up}
        onPointerCancel={() => setBrush(null)}
        onDoubleClick={() => props.onZoom?.(null)}
      >
        {width > 0 && <Axes frame={frame} x={sx} y={sy} xLabel={props.xLabel} yLabel={props.yLabel} />}
        <canvas ref={canvas} style={{ width, height }} role="img" aria-label={props.label} />
        {width > 0 && <Marks marks={props.marks ?? []} frame={frame} sx={sx} sy={sy} />}
        {seen !== null && (
          <div className="chart-cursor" style={{ left: sx.at(seen), top: frame.top, bottom: frame.bottom }} />
        )}
        {brush && props.onZoom && (
          <div
            className="chart-brush"
            style={{
              left: Math.min(...brush),
              width: Math.abs(brush[1] - brush[0]),
              top: frame.top,
              bottom: frame.bottom,
            }}
          />
        )}
        {rows.map(({ series: each, x, y, color }) => (
          <div key={each.id} className="chart-dot" style={{ left: sx.at(x), top: sy.at(y), background: color }} />
        ))}
        {seen !== null && rows.length > 0 && (pointer || hasKeys) && (
          <ReadOut
            left={sx.at(seen)}
            width={width}
            title={format(rows[0]?.x ?? seen)}
            rows={rows.slice(0, readOutRows).map((row) => ({
              color: row.color,
              label: row.series.label,
              value: valueText(row.y),
            }))}
            rest={Math.max(0, rows.length - readOutRows)}
          />
        )}
      </div>
      {(props.legend ?? series.length > 1) && (
        <Legend
          entries={series.map((each, index) => ({
            id: each.id,
            label: each.label,
            color: each.color ?? categoryCss(index),
          }))}
          off={off}
          onOff={setOff}
          onHighlight={props.onHighlight}
        />
      )}
    </figure>
  );
}

function scales(
  { xScale = "linear", yScale = "linear", zoom, yDomain }: LineChartProps,
  shown: readonly Series[],
  smoothed: ReadonlyMap<string, ArrayLike<number>>,
  frame: Frame,
): { sx: Scale; sy: Scale } {
  const whole = joinExtents(shown.map(({ x }) => extent(x, xScale === "log")));
  const xDomain = zoom ?? niceDomain(xScale, whole[0], whole[1], 0.01);
  const positive = yScale === "log";
  const parts = shown.flatMap((each) => {
    const y = smoothed.get(each.id) ?? each.y;
    if (!zoom) {
      return [
        extent(y, positive),
        ...(each.low && each.high ? [extent(each.low, positive), extent(each.high, positive)] : []),
      ];
    }
    // Zoomed in, y follows what is seen.
    const inside: number[] = [];
    for (let index = 0; index < each.x.length; index++) {
      const at = each.x[index] ?? NaN;
      if (at >= zoom[0] && at <= zoom[1]) inside.push(y[index] ?? NaN);
    }
    return [extent(inside, positive)];
  });
  const [low, high] = joinExtents(parts);
  const sx = makeScale(xScale, xDomain, [frame.left, Math.max(frame.left + 1, frame.width - frame.right)]);
  const sy = makeScale(yScale, yDomain ?? niceDomain(yScale, low, high), [frame.height - frame.bottom, frame.top]);
  return { sx, sy };
}

function Marks({ marks, frame, sx, sy }: { marks: readonly Mark[]; frame: Frame; sx: Scale; sy: Scale }) {
  return (
    <svg className="chart-marks" width={frame.width} height={frame.height} aria-hidden>
      {marks.map((mark) => {
        const at = mark.axis === "x" ? sx.at(mark.at) : sy.at(mark.at);
        const isInside = mark.axis === "x"
          ? at >= frame.left && at <= frame.width - frame.right
          : at >= frame.top && at <= frame.height - frame.bottom;
        if (!isInside) return null;
        return mark.axis === "x"
          ? (
            <g key={mark.label + mark.at} className={`chart-mark chart-mark-${mark.tone ?? "neutral"}`}>
              <line x1={at} x2={at} y1={frame.top} y2={frame.height - frame.bottom} />
              <text x={at + 4} y={frame.top + 10}>{mark.label}</text>
            </g>
          )
          : (
            <g key={mark.label + mark.at} className={`chart-mark chart-mark-${mark.tone ?? "neutral"}`}>
              <line x1={frame.left} x2={frame.width - frame.right} y1={at} y2={at} />
              <text x={frame.width - frame.right - 4} y={at - 4} textAnchor="end">{mark.label}</text>
            </g>
          );
      })}
    </svg>
  );
}

/** A canvas does not know the theme's names. */
function resolve(color: string | undefined): string | undefined {
  const name = /^var\((--[\w-]+)\)$/.exec(color ?? "")?.[1];
  return name ? getComputedStyle(document.documentElement).getPropertyValue(name).trim() : color;
}
