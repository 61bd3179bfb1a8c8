import { useState } from "react";
import { SearchInput } from "../../kit/Field.tsx";
import { formatNumber, formatPercent, formatShort } from "../../kit/format.ts";
import { Icon } from "../../kit/Icon.tsx";
import { Loaded, Skeleton } from "../../kit/States.tsx";
import { IconButton } from "../../kit/Button.tsx";
import type { QueryState } from "../../api/hooks.ts";
import type { ColumnProfile, TableProfile } from "../api.ts";
import { literal, quoted } from "../editor/complete.ts";
import { shortType } from "../grid/cells.ts";
import { type Bin, edgeText, Histogram, TopValues } from "./Histogram.tsx";

export interface ProfilePanelProps {
  profile: QueryState<TableProfile>;
  /** Adds a condition to the filter; absent where rows cannot be filtered. */
  onCondition?: (condition: string) => void;
  onClose: () => void;
  /** Moves the grid to the column. */
  onColumn?: (column: string) => void;
}

/** Counts and distributions of all columns, beside the rows. Bars and values are filters. */
export function ProfilePanel({ profile, onCondition, onClose, onColumn }: ProfilePanelProps) {
  const [search, setSearch] = useState("");
  return (
    <aside className="profile-panel" aria-label="Profile">
      <header className="profile-head">
        <h2>Profile</h2>
        <span className="faint small grow">
          {profile.data ? `${profile.data.rowCount.toLocaleString("en")} rows, unfiltered` : ""}
        </span>
        <IconButton icon="close" label="Hide the profile" small onClick={onClose} />
      </header>
      {(profile.data?.columns.length ?? 0) > 8 && (
        <div className="profile-search">
          <SearchInput value={search} onChange={setSearch} placeholder="Find a column" aria-label="Find a column" />
        </div>
      )}
      <div className="profile-list">
        <Loaded
          query={profile}
          compact
          skeleton={
            <div className="profile-wait">
              <Skeleton rows={6} />
              <p className="faint small">The profile is computed once for each version and kept.</p>
            </div>
          }
        >
          {(table) =>
            table.columns.filter((each) => each.name.toLowerCase().includes(search.toLowerCase())).slice(0, 200).map((
              column,
            ) => (
              <ColumnCard
                key={column.name}
                column={column}
                rows={table.rowCount}
                onCondition={onCondition}
                onColumn={onColumn}
              />
            ))}
        </Loaded>
      </div>
    </aside>
  );
}

function ColumnCard(
  { column, rows, onCondition, onColumn }: {
    column: ColumnProfile;
    rows: number;
    onCondition: ProfilePanelProps["onCondition"];
    onColumn: ProfilePanelProps["onColumn"];
  },
) {
  const name = quoted(column.name);
  const pick = onCondition && ((bin: Bin) => onCondition(binCondition(column, bin)));
  const nulls = column.nullCount / Math.max(rows, 1);
  return (
    <section className="profile-column" aria-label={column.name}>
      <div className="profile-name">
        <button type="button" className="profile-link ellipsis" onClick={() => onColumn?.(column.name)}>
          {column.name}
        </button>
        <code className="faint">{shortType(column.type)}</code>
      </div>
      {column.histogram
        ? <Histogram profile={column} {...(pick ? { onPick: pick } : {})} />
        : column.topValues.length > 0
        ? (
          <TopValues
            profile={column}
            rows={rows}
            {...(onCondition ? { onPick: (value: string) => onCondition(`${name} = ${literal(value)}`) } : {})}
          />
        )
        : null}
      <dl className="profile-facts">
        {column.mean !== null && column.mean !== undefined && column.kind === "number" && (
          <Fact name="mean" value={formatNumber(column.mean)} />
        )}
        {column.standardDeviation !== null && column.standardDeviation !== undefined && (
          <Fact name="sd" value={formatNumber(column.standardDeviation)} />
        )}
        {median(column) !== null && (
          <Fact
            name="median"
            value={column.kind === "time" ? edgeText(median(column)!, "time") : formatNumber(median(column)!)}
          />
        )}
        {column.distinctCount !== null && <Fact name="distinct" value={"≈ " + formatShort(column.distinctCount)} />}
        {column.notFiniteCount > 0 && <Fact name="NaN, ∞" value={formatShort(column.notFiniteCount)} />}
      </dl>
      {column.nullCount > 0 && (
        <button
          type="button"
          className="profile-nulls"
          disabled={!onCondition}
          onClick={() => onCondition?.(`${name} IS NULL`)}
        >
          <Icon name="warning" size={12} /> {formatPercent(nulls)} missing
        </button>
      )}
    </section>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function median(column: ColumnProfile): number | null {
  return column.quantiles.find((each) => each.probability === 0.5)?.value ?? null;
}

/** The rows of a bin; the last one is closed. */
export function binCondition(column: ColumnProfile, { from, to, isLast }: Bin): string {
  const name = quoted(column.name);
  const value = (edge: number) => {
    if (column.kind !== "time") return String(Number(edge.toPrecision(12)));
    const text = new Date(edge * 1000).toISOString();
    return literal(column.type === "DATE" ? text.slice(0, 10) : text.slice(0, 19).replace("T", " "));
  };
  return `${name} >= ${value(from)} AND ${name} ${isLast ? "<=" : "<"} ${value(to)}`;
}
