import type { Cell, Column } from "../api.ts";

export type ColumnKind = "number" | "time" | "boolean" | "text" | "nested";

/** What a type of DuckDB's is for people. */
export function kindOf(type: string): ColumnKind {
  if (/\[\d*\]$|^(STRUCT|MAP|UNION|LIST)|^JSON$/.test(type)) return "nested";
  if (/^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DECIMAL|DOUBLE|FLOAT|REAL|BIGNUM)/.test(type)) return "number";
  if (/^(DATE|TIME)/.test(type)) return "time";
  return type === "BOOLEAN" ? "boolean" : "text";
}

/** A cell as one line of text. Numbers stay as they are: a rounded one would be another value. */
export function cellText(value: Cell, type: string): string {
  if (value === null || value === undefined) return "NULL";
  if (typeof value === "string") {
    return type.startsWith("TIMESTAMP")
      ? value.replace("T", " ").replace(/(\.\d*?)0+(Z?)$/, "$1$2").replace(/\.(Z?)$/, "$1").replace(/Z$/, "")
      : value;
  }
  if (typeof value === "object") return JSON.stringify(value);
  return String(value);
}

/** A width that fits what a column of this name and type most likely holds, in px. */
export function widthFor(column: Column, sample: readonly Cell[] = []): number {
  const longest = sample.reduce<number>((most, cell) => Math.max(most, cellText(cell ?? null, column.type).length), 0);
  const characters = Math.max(column.name.length + 3, Math.min(longest, 40));
  return Math.round(Math.max(72, Math.min(320, characters * 8.2 + 26)));
}

/** Types shortened for a header. */
export function shortType(type: string): string {
  const short: Record<string, string> = {
    BIGINT: "int",
    INTEGER: "int32",
    DOUBLE: "float",
    VARCHAR: "text",
    BOOLEAN: "bool",
  };
  return short[type] ?? type.toLowerCase().replace("timestamp with time zone", "timestamp tz").slice(0, 22);
}
