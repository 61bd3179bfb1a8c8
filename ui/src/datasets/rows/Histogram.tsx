import { formatNumber, formatShort } from "../../kit/format.ts";
import type { ColumnProfile } from "../api.ts";

export interface Bin {
  from: number;
  to: number;
  isLast: boolean;
}

/** What a bin's edge is called; times are seconds since 1970. */
export function edgeText(value: number, kind: string, span = Infinity): string {
  if (kind !== "time") return formatNumber(value, 4);
  const text = new Date(value * 1000).toISOString();
  return span < 2 * 86400 ? text.slice(0, 16).replace("T", " ") : text.slice(0, 10);
}

const width = 240;
const height = 44;

/** The distribution of a column in bars; a press on a bar asks for its rows. */
export function Histogram({ profile, onPick }: { profile: ColumnProfile; onPick?: (bin: Bin) => void }) {
  const { histogram, kind } = profile;
  if (!histogram || histogram.counts.length === 0) return null;
  const { counts, edges } = histogram;
  const highest = Math.max(...counts, 1);
  const total = counts.reduce((sum, each) => sum + each, 0);
  const [first, last] = [edges[0] ?? 0, edges.at(-1) ?? 0];
  const step = width / counts.length;
  return (
    <div className="histogram">
      <svg
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Distribution of ${profile.name}: ${describe(counts, edges, kind)}`}
      >
        {counts.map((count, index) => {
          const bar = count === 0 ? 0 : Math.max(1.5, count / highest * (height - 2));
          const [from, to] = [edges[index] ?? 0, edges[index + 1] ?? 0];
          return (
            <g
              key={index}
              className={onPick ? "histogram-bin histogram-live" : "histogram-bin"}
              onClick={() => onPick?.({ from, to, isLast: index === counts.length - 1 })}
            >
              <rect className="histogram-hit" x={index * step} y={0} width={step} height={height} />
              <rect
                className="histogram-bar"
                x={index * step + 0.5}
                y={height - bar}
                width={Math.max(1, step - 1)}
                height={bar}
              />
              <title>
                {`${edgeText(from, kind, last - first)} to ${edgeText(to, kind, last - first)}: ${
                  count.toLocaleString("en")
                } rows (${(100 * count / Math.max(total, 1)).toFixed(1)} %)`}
              </title>
            </g>
          );
        })}
      </svg>
      <div className="histogram-axis">
        <span>{kind === "time" ? edgeText(first, kind, last - first) : formatShort(first)}</span>
        <span>{kind === "time" ? edgeText(last, kind, last - first) : formatShort(last)}</span>
      </div>
    </div>
  );
}

function describe(counts: readonly number[], edges: readonly number[], kind: string): string {
  const peak = counts.indexOf(Math.max(...counts));
  return `most rows between ${edgeText(edges[peak] ?? 0, kind)} and ${edgeText(edges[peak + 1] ?? 0, kind)}`;
}

/** The most frequent values of a column, as bars. */
export function TopValues(
  { profile, rows, onPick }: { profile: ColumnProfile; rows: number; onPick?: (value: string) => void },
) {
  const shown = profile.topValues.slice(0, 6);
  const highest = Math.max(...shown.map((each) => each.count), 1);
  return (
    <ul className="top-values">
      {shown.map(({ value, count }) => (
        <li key={value}>
          <button
            type="button"
            className="top-value"
            disabled={!onPick}
            onClick={() => onPick?.(value)}
            title={`${value}: ${count.toLocaleString("en")} rows`}
          >
            <span className="top-fill" style={{ width: `${100 * count / highest}%` }} />
            <span className="top-text ellipsis">{value === "" ? "(empty)" : value}</span>
            <span className="top-count">{(100 * count / Math.max(rows, 1)).toFixed(1)} %</span>
          </button>
        </li>
      ))}
    </ul>
  );
}
