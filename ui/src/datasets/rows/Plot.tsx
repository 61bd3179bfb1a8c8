import { type PointerEvent, useMemo, useRef, useState } from "react";
import { useFetch } from "../../api/hooks.ts";
import { list, text, useUrlState } from "../../app/urlState.ts";
import { Button } from "../../kit/Button.tsx";
import { Checkbox, Select } from "../../kit/Field.tsx";
import { formatNumber, formatShort } from "../../kit/format.ts";
import { Empty, Loaded, Skeleton } from "../../kit/States.tsx";
import type { Column, Series } from "../api.ts";
import { quoted } from "../editor/complete.ts";
import { kindOf } from "../grid/cells.ts";
import { edgeText } from "./Histogram.tsx";
import { fetchSeries, placeRef, type RowsPlace } from "./place.ts";

/** Columns over time or over another column: the mean as a line in the band from least to most. Dragging zooms in. */
export function Plot(
  { place, columns, filter, onCondition }: {
    place: RowsPlace;
    columns: readonly Column[];
    filter: string;
    onCondition: (condition: string) => void;
  },
) {
  const numbers = columns.filter((column) => kindOf(column.type) === "number");
  const axes = [...columns.filter((column) => /^(DATE|TIMESTAMP)/.test(column.type)), ...numbers];
  const [x, setX] = useUrlState("x", text, axes[0]?.name ?? "");
  const [y, setY] = useUrlState(
    "y",
    list,
    numbers.filter((column) => column.name !== x && !/_?id$/.test(column.name)).slice(0, 2).map((column) =>
      column.name
    ),
  );
  const [range, setRange] = useState<{ from: number; to: number } | null>(null);
  const isTime = kindOf(columns.find((column) => column.name === x)?.type ?? "") === "time";
  const bound = (value: number) => isTime ? new Date(value * 1000).toISOString() : String(value);
  const asked = { x, y, buckets: 600, filter, ...(range ? { from: bound(range.from), to: bound(range.to) } : {}) };
  const series = useFetch(
    `series ${placeRef(place)} ${JSON.stringify(asked)}`,
    (signal) => fetchSeries(place, asked, signal),
    { skip: y.length === 0 || x === "", fresh: 600_000 },
  );
  const last = useRef<Series | undefined>(undefined);
  if (series.data) last.current = series.data;
  return (
    <div className="plot">
      <div className="tiles-tools">
        <label className="row small">
          over{" "}
          <Select
            aria-label="Over"
            value={x}
            onChange={(name) => {
              setRange(null);
              setX(name);
            }}
            options={axes.map((column) => ({ value: column.name, label: column.name }))}
          />
        </label>
        {numbers.slice(0, 24).map((column) => (
          <Checkbox
            key={column.name}
            checked={y.includes(column.name)}
            disabled={!y.includes(column.name) && y.length >= 6}
            onChange={(on) => setY(on ? [...y, column.name] : y.filter((name) => name !== column.name))}
          >
            {column.name}
          </Checkbox>
        ))}
        {range && <Button small icon="fit" onClick={() => setRange(null)}>Whole range</Button>}
        {range && (
          <Button
            small
            icon="filter"
            onClick={() =>
              onCondition(
                `${quoted(x)} >= ${isTime ? `'${edge(range.from)}'` : range.from} AND ${quoted(x)} <= ${
                  isTime ? `'${edge(range.to)}'` : range.to
                }`,
              )}
          >
            Filter to this range
          </Button>
        )}
      </div>
      {y.length === 0
        ? <Empty icon="chart" title="Choose what to plot" compact>Tick one or more columns of numbers above.</Empty>
        : (
          <Loaded
            query={{ data: series.data ?? last.current, error: series.error, refresh: series.refresh }}
            skeleton={
              <div className="rows-wait">
                <Skeleton height={220} />
              </div>
            }
          >
            {(data) => (
              <div className="plot-charts">
                {data.series.map((each, index) => (
                  <Chart key={each.name} data={data} index={index} isTime={isTime} onRange={setRange} />
                ))}
                <p className="faint small">
                  {data.rows.toLocaleString("en")} rows in {data.starts.length}{" "}
                  pieces. The line is the mean, the band reaches from the least to the most. Drag to zoom in.
                </p>
              </div>
            )}
          </Loaded>
        )}
    </div>
  );
}

const edge = (seconds: number) => new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ");

const [width, height] = [1000, 190];

function Chart(
  { data, index, isTime, onRange }: {
    data: Series;
    index: number;
    isTime: boolean;
    onRange: (range: { from: number; to: number }) => void;
  },
) {
  const series = data.series[index];
  const [hover, setHover] = useState<number | null>(null);
  const [drag, setDrag] = useState<[number, number] | null>(null);
  const drawn = useMemo(() => {
    const low = Math.min(...(series?.minimum ?? []).filter((each): each is number => each !== null));
    const high = Math.max(...(series?.maximum ?? []).filter((each): each is number => each !== null));
    const span = high - low || 1;
    const place = (start: number) =>
      data.to > data.from ? (start - data.from) / (data.to - data.from) * width : width / 2;
    const level = (value: number) => height - 4 - (value - low) / span * (height - 8);
    const at = data.starts.map(place);
    const line = (values: (number | null)[]) =>
      values.map((value, i) => value === null ? "" : `${at[i]!.toFixed(1)},${level(value).toFixed(1)}`).filter(Boolean);
    const band = [...line(series?.maximum ?? []), ...line(series?.minimum ?? []).reverse()].join(" ");
    return { low, high, at, band, mean: line(series?.mean ?? []).join(" ") };
  }, [data, series]);
  if (!series) return null;
  const share = (event: PointerEvent<SVGSVGElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    return Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
  };
  const value = (part: number) => data.from + part * (data.to - data.from);
  const near = hover === null
    ? -1
    : drawn.at.reduce((best, each, i) =>
      Math.abs(each - hover * width) < Math.abs((drawn.at[best] ?? Infinity) - hover * width) ? i : best, 0);
  const colour = `var(--cat-${index % 8 + 1})`;
  return (
    <figure className="plot-chart">
      <figcaption className="row">
        <b style={{ color: colour }}>{series.name}</b>
        <span className="grow" />
        {near >= 0 && (
          <span className="small mono">
            {edgeText(data.starts[near] ?? 0, isTime ? "time" : "number", data.to - data.from)}:{" "}
            {formatNumber(series.mean[near] ?? NaN)}{" "}
            <span className="faint">
              ({formatShort(series.minimum[near] ?? NaN)} to {formatShort(series.maximum[near] ?? NaN)},{" "}
              {(data.counts[near] ?? 0).toLocaleString("en")} rows)
            </span>
          </span>
        )}
      </figcaption>
      <div className="plot-area">
        <span className="plot-high">{formatShort(drawn.high)}</span>
        <span className="plot-low">{formatShort(drawn.low)}</span>
        <svg
          viewBox={`0 0 ${width} ${height}`}
          preserveAspectRatio="none"
          style={{ color: colour }}
          role="img"
          aria-label={`${series.name} from ${formatNumber(drawn.low)} to ${formatNumber(drawn.high)}`}
          onPointerDown={(event) => {
            event.currentTarget.setPointerCapture(event.pointerId);
            setDrag([share(event), share(event)]);
          }}
          onPointerMove={(event) => {
            setHover(share(event));
            if (drag) setDrag([drag[0], share(event)]);
          }}
          onPointerLeave={() => setHover(null)}
          onPointerUp={() => {
            if (drag && Math.abs(drag[1] - drag[0]) > 0.01) {
              onRange({
                from: value(Math.min(...drag)),
                to: value(Math.max(...drag)),
              });
            }
            setDrag(null);
          }}
        >
          <polygon className="plot-band" points={drawn.band} />
          <polyline className="plot-line" points={drawn.mean} />
          {near >= 0 && <line className="plot-cursor" x1={drawn.at[near]} x2={drawn.at[near]} y1={0} y2={height} />}
          {drag && (
            <rect
              className="plot-drag"
              x={Math.min(...drag) * width}
              y={0}
              width={Math.abs(drag[1] - drag[0]) * width}
              height={height}
            />
          )}
        </svg>
      </div>
      <div className="histogram-axis">
        <span>{edgeText(data.from, isTime ? "time" : "number", data.to - data.from)}</span>
        <span>{edgeText(data.to, isTime ? "time" : "number", data.to - data.from)}</span>
      </div>
    </figure>
  );
}
