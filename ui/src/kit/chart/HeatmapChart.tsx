import { useMemo, useRef, useState } from "react";
import { formatNumber } from "../format.ts";
import { Axes, type Frame } from "./Axes.tsx";
import { readInk, sequential } from "./color.ts";
import { ReadOut } from "./ReadOut.tsx";
import { Ramp } from "./ScatterChart.tsx";
import { makeScale, niceDomain } from "./scale.ts";
import { extent } from "./series.ts";
import { interpolateGrid } from "./surface.ts";
import { useCanvas, useWidth } from "./usePlot.ts";

export interface ContourChartProps {
  label: string;
  /** Measured places: two settings and what came of them. */
  points: readonly { x: number; y: number; z: number; label: string }[];
  xLabel: string;
  yLabel: string;
  zLabel: string;
  xScale?: "linear" | "log";
  yScale?: "linear" | "log";
  height?: number;
  onPick?: (index: number) => void;
}

/**
 * A third value over two, as colour between the measured points (inverse distance weighting, see `interpolateGrid`). The
 * points are drawn too: between them the colour is a guess.
 */
export function ContourChart(props: ContourChartProps) {
  const { points, xScale = "linear", yScale = "linear", height = 320 } = props;
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const [hover, setHover] = useState<number | null>(null);
  const frame: Frame = { width, height, left: 60, right: 16, top: 26, bottom: 38 };
  const { sx, sy, z } = useMemo(() => ({
    sx: makeScale(
      xScale,
      niceDomain(xScale, ...extent(points.map(({ x }) => x), xScale === "log")),
      [frame.left, Math.max(frame.left + 1, width - frame.right)],
    ),
    sy: makeScale(yScale, niceDomain(yScale, ...extent(points.map(({ y }) => y), yScale === "log")), [
      height - frame.bottom,
      frame.top,
    ]),
    z: extent(points.map((point) => point.z)),
  }), [points, width, height, xScale, yScale]);
  const canvas = useCanvas(width, height, (context) => {
    const ink = readInk();
    const cell = 6;
    const columns = Math.ceil((width - frame.left - frame.right) / cell);
    const rows = Math.ceil((height - frame.top - frame.bottom) / cell);
    if (points.length >= 3 && columns > 0 && rows > 0) {
      const grid = interpolateGrid(
        points.map((point) => ({
          x: (sx.at(point.x) - frame.left) / cell,
          y: (sy.at(point.y) - frame.top) / cell,
          z: point.z,
        })),
        columns,
        rows,
      );
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < columns; column++) {
          // Ten bands instead of a smooth ramp: their borders are the contours.
          const share = Math.round(((grid[row * columns + column] ?? 0) - z[0]) / (z[1] - z[0] || 1) * 10) / 10;
          context.fillStyle = sequential(share);
          context.fillRect(frame.left + column * cell, frame.top + row * cell, cell + 0.5, cell + 0.5);
        }
      }
    }
    for (const [index, point] of points.entries()) {
      context.beginPath();
      context.arc(sx.at(point.x), sy.at(point.y), index === hover ? 6 : 4, 0, Math.PI * 2);
      context.fillStyle = sequential((point.z - z[0]) / (z[1] - z[0] || 1));
      context.fill();
      context.strokeStyle = ink.surface;
      context.lineWidth = 1.5;
      context.stroke();
    }
  }, [points, sx, sy, hover]);
  const point = hover === null ? undefined : points[hover];
  return (
    <figure className="chart" aria-label={`${props.label}: ${props.zLabel} over ${props.xLabel} and ${props.yLabel}`}>
      <div
        ref={box}
        className={hover !== null && props.onPick ? "chart-plot chart-pickable" : "chart-plot"}
        style={{ height }}
        onPointerMove={(event) => {
          const rect = box.current?.getBoundingClientRect();
          const px = event.clientX - (rect?.left ?? 0);
          const py = event.clientY - (rect?.top ?? 0);
          let best: number | null = null;
          let least = 400;
          for (const [index, each] of points.entries()) {
            const away = (sx.at(each.x) - px) ** 2 + (sy.at(each.y) - py) ** 2;
            if (away < least) {
              least = away;
              best = index;
            }
          }
          setHover(best);
        }}
        onPointerLeave={() =>
          setHover(null)}
        onClick={() =>
          hover !== null && props.onPick?.(hover)}
      >
        <canvas ref={canvas} style={{ width, height }} role="img" aria-label={props.label} />
        {width > 0 && <Axes frame={frame} x={sx} y={sy} xLabel={props.xLabel} yLabel={props.yLabel} />}
        {point && (
          <ReadOut
            left={sx.at(point.x)}
            width={width}
            title={point.label}
            rows={[
              { label: props.xLabel, value: formatNumber(point.x, 5) },
              { label: props.yLabel, value: formatNumber(point.y, 5) },
              { label: props.zLabel, value: formatNumber(point.z, 5) },
            ]}
          />
        )}
      </div>
      {z[0] < z[1] && <Ramp low={z[0]} high={z[1]} label={props.zLabel} />}
    </figure>
  );
}

export interface HeatTableProps {
  label: string;
  rows: readonly string[];
  columns: readonly string[];
  /** By row, then column; null: nothing known. */
  values: readonly (readonly (number | null)[])[];
  rowLabel?: string;
  columnLabel?: string;
  format?: (value: number) => string;
  /** Colours per row (shares of a row) instead of over the whole table. */
  perRow?: boolean;
  onPick?: (row: number, column: number) => void;
}

/** A table whose cells are coloured by their value. A real table, so that it can be read aloud and copied. */
export function HeatTable(
  { label, rows, columns, values, rowLabel, columnLabel, format = (value) => formatNumber(value, 3), perRow, onPick }:
    HeatTableProps,
) {
  const [low, high] = extent(values.flat().map((value) => value ?? NaN));
  return (
    <div className="heat-table" role="region" aria-label={label} tabIndex={0}>
      <table>
        <caption className="visually-hidden">{label}</caption>
        <thead>
          {columnLabel && (
            <tr>
              <th />
              <th colSpan={columns.length} className="heat-over">{columnLabel}</th>
            </tr>
          )}
          <tr>
            <th scope="col" className="heat-corner">{rowLabel}</th>
            {columns.map((name) => <th key={name} scope="col">{name}</th>)}
          </tr>
        </thead>
        <tbody>
          {rows.map((name, row) => {
            const mine = values[row] ?? [];
            const [from, to] = perRow ? [0, Math.max(...mine.map((value) => value ?? 0), 0)] : [low, high];
            return (
              <tr key={name}>
                <th scope="row">{name}</th>
                {columns.map((column, index) => {
                  const value = mine[index] ?? null;
                  const share = value === null ? 0 : Math.max(0, Math.min(1, (value - from) / (to - from || 1)));
                  return (
                    <td
                      key={column}
                      title={`${name}, ${column}: ${value === null ? "–" : value}`}
                      style={{
                        background: `color-mix(in srgb, var(--accent) ${Math.round(share * 100)}%, var(--surface-2))`,
                        color: share > 0.55 ? "var(--accent-ink)" : undefined,
                      }}
                      className={onPick ? "chart-pickable" : undefined}
                      onClick={() => onPick?.(row, index)}
                    >
                      {value === null ? "–" : format(value)}
                    </td>
                  );
                })}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

/** How often each class was taken for which. Rows are true classes; colours are shares of a row. */
export function ConfusionMatrix(
  { label, classes, counts, onPick }: {
    label: string;
    classes: readonly string[];
    /** counts[true][predicted] */
    counts: readonly (readonly number[])[];
    onPick?: (truth: number, predicted: number) => void;
  },
) {
  const total = counts.flat().reduce((sum, count) => sum + count, 0);
  const right = classes.reduce((sum, _, index) => sum + (counts[index]?.[index] ?? 0), 0);
  return (
    <div className="stack">
      <HeatTable
        label={label}
        rows={classes}
        columns={classes}
        values={counts}
        rowLabel="True"
        columnLabel="Predicted"
        perRow
        format={(value) => value.toLocaleString("en")}
        onPick={onPick}
      />
      {total > 0 && (
        <p className="small muted">
          {right.toLocaleString("en")} of {total.toLocaleString("en")} right ({(right / total * 100).toFixed(1)} %)
        </p>
      )}
    </div>
  );
}
