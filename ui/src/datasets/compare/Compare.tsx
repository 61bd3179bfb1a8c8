import { useMemo, useState } from "react";
import { useQuery } from "../../api/hooks.ts";
import { Checkbox, SearchInput } from "../../kit/Field.tsx";
import { formatNumber, formatPercent, formatShort } from "../../kit/format.ts";
import { Loaded, Notice, Skeleton } from "../../kit/States.tsx";
import type { Bars, ComparedColumn } from "../api.ts";
import { edgeText } from "../rows/Histogram.tsx";

/** The columns of two versions or slices on the same bins, those that differ most first. */
export function Compare({ left, right }: { left: string; right: string }) {
  const [search, setSearch] = useState("");
  const [all, setAll] = useState(true);
  const comparison = useQuery("/api/v1/compare", { query: { left, right } }, { fresh: 600_000 });
  const columns = useMemo(
    () => [...comparison.data?.columns ?? []].sort((a, b) => (b.distance ?? -1) - (a.distance ?? -1)),
    [comparison.data],
  );
  return (
    <Loaded query={comparison} skeleton={<Skeleton rows={8} />}>
      {({ left, right, schema }) => (
        <div className="stack">
          <div className="compare-legend">
            <span className="compare-left">
              <i /> {left.ref} <span className="faint">{left.rows.toLocaleString("en")} rows</span>
            </span>
            <span className="compare-right">
              <i /> {right.ref} <span className="faint">{right.rows.toLocaleString("en")} rows</span>
            </span>
            <span className="grow" />
            <Checkbox checked={!all} onChange={(on) => setAll(!on)}>Only what differs</Checkbox>
            <SearchInput value={search} onChange={setSearch} placeholder="Find a column" aria-label="Find a column" />
          </div>
          {(schema.onlyLeft.length > 0 || schema.onlyRight.length > 0 || schema.types.length > 0) && (
            <Notice tone="warn">
              {[
                ...named("Only left: ", schema.onlyLeft),
                ...named("Only right: ", schema.onlyRight),
                ...named("Other type: ", schema.types),
              ].join("; ")}
            </Notice>
          )}
          <div className="compare-columns">
            {columns.filter((each) =>
              each.name.toLowerCase().includes(search.toLowerCase()) && (all || (each.distance ?? 0) > 0.001)
            ).map((each) => <ColumnPair key={each.name} column={each} />)}
          </div>
        </div>
      )}
    </Loaded>
  );
}

function named(what: string, list: readonly (string | { name: string })[]): string[] {
  return list.length === 0 ? [] : [what + list.map((each) => typeof each === "string" ? each : each.name).join(", ")];
}

function ColumnPair({ column }: { column: ComparedColumn }) {
  const { distribution, left, right, distance } = column;
  const tone = distance === null ? "faint" : distance > 0.2 ? "tone-bad" : distance > 0.05 ? "tone-warn" : "tone-good";
  return (
    <section className="compare-column" aria-label={column.name}>
      <header className="row">
        <b className="grow ellipsis">{column.name}</b>
        <span
          className={`small ${tone}`}
          title="Distance of Jensen and Shannon, 0: the same shares, 1: nothing in common"
        >
          {distance === null ? "–" : `distance ${distance.toFixed(3)}`}
        </span>
      </header>
      {distribution && <Pair distribution={distribution} kind={left.kind} />}
      <dl className="profile-facts">
        {left.kind === "number" && (
          <div>
            <dt>mean</dt>
            <dd>{formatNumber(left.mean ?? NaN)} → {formatNumber(right.mean ?? NaN)}</dd>
          </div>
        )}
        {(left.nullCount > 0 || right.nullCount > 0) && (
          <div>
            <dt>missing</dt>
            <dd>{left.nullCount.toLocaleString("en")} → {right.nullCount.toLocaleString("en")}</dd>
          </div>
        )}
        {left.distinctCount !== null && (
          <div>
            <dt>distinct ≈</dt>
            <dd>{formatShort(left.distinctCount)} → {formatShort(right.distinctCount ?? 0)}</dd>
          </div>
        )}
      </dl>
    </section>
  );
}

function Pair({ distribution, kind }: { distribution: NonNullable<ComparedColumn["distribution"]>; kind: string }) {
  const { left, right, values, edges } = distribution;
  const total = (bars: Bars) =>
    bars.counts.reduce((sum, each) => sum + each, 0) + bars.below + bars.above + bars.nulls + bars.other || 1;
  const names = values ?? left.counts.map((_, index) => edges ? edgeText(edges[index] ?? 0, kind) : String(index));
  const bars = [
    ...(left.below + right.below > 0 ? [{ name: "below", left: left.below, right: right.below }] : []),
    ...left.counts.map((count, index) => ({ name: names[index] ?? "", left: count, right: right.counts[index] ?? 0 })),
    ...(left.above + right.above > 0 ? [{ name: "above", left: left.above, right: right.above }] : []),
    ...(left.other + right.other > 0 ? [{ name: "other values", left: left.other, right: right.other }] : []),
    ...(left.nulls + right.nulls > 0 ? [{ name: "missing", left: left.nulls, right: right.nulls }] : []),
  ];
  const [a, b] = [total(left), total(right)];
  const highest = Math.max(...bars.map((bar) => Math.max(bar.left / a, bar.right / b)), 1e-9);
  const width = 100 / bars.length;
  return (
    <div>
      <svg
        className="compare-bars"
        viewBox="0 0 100 40"
        preserveAspectRatio="none"
        role="img"
        aria-label={bars.map((bar) => `${bar.name}: ${formatPercent(bar.left / a)} and ${formatPercent(bar.right / b)}`)
          .slice(0, 12).join("; ")}
      >
        {bars.map((bar, index) => (
          <g key={index}>
            <title>{`${bar.name}: ${formatPercent(bar.left / a, 2)} → ${formatPercent(bar.right / b, 2)}`}</title>
            <rect x={index * width} width={width} y={0} height={40} fill="transparent" />
            <rect
              className="compare-bar-left"
              x={index * width + width * 0.08}
              width={width * 0.4}
              y={40 - bar.left / a / highest * 39}
              height={bar.left / a / highest * 39}
            />
            <rect
              className="compare-bar-right"
              x={index * width + width * 0.5}
              width={width * 0.4}
              y={40 - bar.right / b / highest * 39}
              height={bar.right / b / highest * 39}
            />
          </g>
        ))}
      </svg>
      <div className="histogram-axis">
        <span className="ellipsis">{bars[0]?.name}</span>
        <span className="ellipsis">{bars.at(-1)?.name}</span>
      </div>
    </div>
  );
}
