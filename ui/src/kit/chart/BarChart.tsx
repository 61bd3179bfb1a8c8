import { useMemo, useRef, useState } from "react";
import { formatNumber } from "../format.ts";
import { Axes, type Frame } from "./Axes.tsx";
import { categoryCss } from "./color.ts";
import { Legend } from "./Legend.tsx";
import { ReadOut } from "./ReadOut.tsx";
import { makeScale, niceDomain } from "./scale.ts";
import { extent, joinExtents } from "./series.ts";
import { useWidth } from "./usePlot.ts";

export interface BarSeries {
  id: string;
  label: string;
  /** One value a category; null: no bar. */
  values: readonly (number | null)[];
  color?: string;
}

export interface BarChartProps {
  label: string;
  /** What stands under the bars. */
  categories: readonly string[];
  /** Several stand side by side, or on each other. */
  series: readonly BarSeries[];
  stacked?: boolean;
  height?: number;
  xLabel?: string;
  yLabel?: string;
  /** A line across: a limit. */
  limit?: { at: number; label: string };
  onPick?: (category: number, seriesId: string) => void;
  formatY?: (value: number) => string;
  /** Bars touch, as in a histogram. */
  tight?: boolean;
}

/** The widest bar, in px. */
const mostBar = 64;

/** Bars over categories, one or several side by side: two distributions, a metric of some runs. */
export function BarChart(props: BarChartProps) {
  const { categories, series, height = 220, stacked = false } = props;
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const [hover, setHover] = useState<number | null>(null);
  const [off, setOff] = useState<ReadonlySet<string>>(new Set());
  const shown = series.filter(({ id }) => !off.has(id));
  const frame: Frame = {
    width,
    height,
    left: 56,
    right: 12,
    top: props.yLabel ? 24 : 10,
    bottom: props.xLabel ? 38 : 24,
  };
  const plot = Math.max(1, width - frame.left - frame.right);
  const step = plot / Math.max(1, categories.length);
  const sums = categories.map((_, index) => shown.reduce((sum, each) => sum + (each.values[index] ?? 0), 0));
  const [low, high] = stacked
    ? extent(sums)
    : joinExtents(shown.map((each) => extent(each.values.map((value) => value ?? NaN))));
  const domain = niceDomain("linear", Math.min(0, low), Math.max(0, high, props.limit?.at ?? 0), 0.05);
  // Bars begin at zero; room beyond it only where there are bars.
  const sy = makeScale("linear", [low < 0 ? domain[0] : 0, high > 0 ? domain[1] : 0], [
    height - frame.bottom,
    frame.top,
  ]);
  const ticks = useMemo(() => wordTicks(categories, step, frame.left), [categories, step]);
  const format = props.formatY ?? ((value: number) => formatNumber(value));
  // Few categories in much room: bars stay bars and do not become blocks.
  const most = mostBar * (stacked ? 1 : Math.max(1, shown.length));
  const gap = props.tight ? Math.min(1, step * 0.1) : Math.max(1, step * 0.2, step - most);
  const bar = stacked ? step - gap : (step - gap) / Math.max(1, shown.length);
  return (
    <figure className="chart" aria-label={props.label}>
      <div
        ref={box}
        className="chart-plot"
        style={{ height }}
        onPointerMove={(event) => {
          const x = event.clientX - (box.current?.getBoundingClientRect().left ?? 0) - frame.left;
          const at = Math.floor(x / step);
          setHover(at >= 0 && at < categories.length ? at : null);
        }}
        onPointerLeave={() => setHover(null)}
      >
        {width > 0 && <Axes frame={frame} y={sy} xTicks={ticks} xLabel={props.xLabel} yLabel={props.yLabel} />}
        {width > 0 && (
          <svg className="chart-bars" width={width} height={height} role="img" aria-label={describe(props)}>
            {hover !== null && (
              <rect
                className="chart-column"
                x={frame.left + hover * step}
                width={step}
                y={frame.top}
                height={height - frame.top - frame.bottom}
              />
            )}
            {shown.map((each, place) => (
              <g key={each.id} fill={each.color ?? categoryCss(series.indexOf(each))}>
                {each.values.map((value, index) => {
                  if (value === null || !Number.isFinite(value)) return null;
                  const base = stacked
                    ? shown.slice(0, place).reduce((sum, below) => sum + (below.values[index] ?? 0), 0)
                    : 0;
                  const from = sy.at(base);
                  const to = sy.at(base + value);
                  return (
                    <rect
                      key={index}
                      x={frame.left + index * step + gap / 2 + (stacked ? 0 : place * bar)}
                      width={Math.max(0.5, bar - (props.tight || stacked || shown.length === 1 ? 0 : 1))}
                      y={Math.min(from, to)}
                      height={Math.max(value === 0 ? 0 : 1, Math.abs(to - from))}
                      className={props.onPick ? "chart-bar chart-pickable" : "chart-bar"}
                      onClick={() => props.onPick?.(index, each.id)}
                    />
                  );
                })}
              </g>
            ))}
            {props.limit && (
              <g className="chart-mark chart-mark-bad">
                <line x1={frame.left} x2={width - frame.right} y1={sy.at(props.limit.at)} y2={sy.at(props.limit.at)} />
                <text x={width - frame.right - 4} y={sy.at(props.limit.at) - 4} textAnchor="end">
                  {props.limit.label}
                </text>
              </g>
            )}
          </svg>
        )}
        {hover !== null && (
          <ReadOut
            left={frame.left + (hover + 0.5) * step}
            width={width}
            title={categories[hover]}
            rows={shown.map((each) => {
              const value = each.values[hover];
              return {
                color: each.color ?? categoryCss(series.indexOf(each)),
                label: each.label,
                value: value === null || value === undefined ? "–" : format(value),
              };
            })}
          />
        )}
      </div>
      {series.length > 1 && (
        <Legend
          entries={series.map((each, index) => ({
            id: each.id,
            label: each.label,
            color: each.color ?? categoryCss(index),
          }))}
          off={off}
          onOff={setOff}
        />
      )}
    </figure>
  );
}

/** Words under the bars; only as many as have room. */
function wordTicks(words: readonly string[], step: number, left: number): { at: number; text: string }[] {
  const longest = words.reduce((most, word) => Math.max(most, word.length), 0);
  const room = Math.min(longest * 6.2 + 10, 130);
  const every = Math.max(1, Math.ceil(room / step));
  const letters = Math.max(3, Math.floor((step * every - 8) / 6.2));
  return words.flatMap((word, index) =>
    index % every !== 0
      ? []
      : [{ at: left + (index + 0.5) * step, text: word.length > letters ? word.slice(0, letters - 1) + "…" : word }]
  );
}

/** The figures themselves for screen readers, if they are few. */
function describe({ label, categories, series }: BarChartProps): string {
  if (categories.length * series.length > 24) return label;
  const figures = series.map((each) =>
    `${each.label}: ${categories.map((name, index) => `${name} ${formatNumber(each.values[index] ?? NaN)}`).join(", ")}`
  );
  return `${label}. ${figures.join(". ")}`;
}

export interface HistogramProps extends Omit<BarChartProps, "categories" | "series" | "tight"> {
  /** Borders of the bins: one more than counts. */
  edges: readonly number[];
  series: { id: string; label: string; counts: readonly number[]; color?: string }[];
  /** Draw shares of each series, so that series of different size compare. */
  shares?: boolean;
  formatX?: (value: number) => string;
}

/** Counts by bins of a value; two series side by side for "then and now". */
export function Histogram(
  { edges, series, shares = false, formatX = (value) => formatNumber(value, 3), ...rest }: HistogramProps,
) {
  const categories = edges.slice(0, -1).map((edge, index) => `${formatX(edge)} – ${formatX(edges[index + 1] ?? edge)}`);
  const bars = series.map((each): BarSeries => {
    const total = each.counts.reduce((sum, count) => sum + count, 0) || 1;
    return {
      id: each.id,
      label: each.label,
      values: shares ? each.counts.map((count) => count / total) : each.counts,
      ...(each.color ? { color: each.color } : {}),
    };
  });
  return (
    <BarChart
      {...rest}
      categories={categories}
      series={bars}
      tight
      formatY={rest.formatY ?? (shares ? (value) => `${(value * 100).toFixed(1)} %` : undefined)}
    />
  );
}
