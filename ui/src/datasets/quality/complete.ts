import type { Column } from "../api.ts";
import type { Complete, Suggestion } from "../editor/complete.ts";

const top: Suggestion[] = [
  ["owner:", "who keeps it"],
  ["severity: block", "of rules that do not say"],
  ["severity: warn", "of rules that do not say"],
  ["columns:", "rules by column"],
  ["otherColumns:", "allow, warn, block"],
  ["keys:", "no row twice"],
  ["foreignKeys:", "rows of another dataset"],
  ["rows:", "how many"],
  ["freshness:", "how new"],
  ["sql:", "rows that must not be"],
].map(([text, detail]) => ({ text: text ?? "", detail: detail ?? "" }));

const ofColumn: Suggestion[] = [
  ["type:", "whole number text boolean date timestamp or DuckDB's name"],
  ["required: true", "no NULL"],
  ["range: {min: , max: }", "bounds"],
  ["nulls: {max: 0.02}", "share of NULL"],
  ["allowed: []", "these values only"],
  ["pattern: ''", "RE2"],
  ["length: {max: }", "characters"],
  ["unique: true", "no value twice"],
  ["optional: true", "the column may be missing"],
  ["drift: {against: , psi: 0.2}", "distance to a version"],
].map(([text, detail]) => ({ text: text ?? "", detail: detail ?? "" }));

/** The keys of a contract by how deep the line is: top, then columns, then rules. */
export function completeContract(columns: readonly Column[]): Complete {
  return (text, caret) => {
    const start = text.lastIndexOf("\n", caret - 1) + 1;
    const line = text.slice(start, caret);
    const inner = /^(\s*)(?:.*[{,]\s*)?([\w.-]*)$/.exec(line);
    if (!inner) return null;
    const typed = inner[2] ?? "";
    const depth = inner[1]?.length ?? 0;
    const section = [...text.slice(0, start).matchAll(/^(\w+):/gm)].at(-1)?.[1];
    const isInline = /\{/.test(line);
    const items = depth === 0 && !isInline
      ? top
      : section !== "columns"
      ? []
      : isInline || depth > 2
      ? ofColumn
      : columns.map((column) => ({
        text: `${/^[\w-]+$/.test(column.name) ? column.name : JSON.stringify(column.name)}:`,
        detail: column.type,
      }));
    const fitting = items.filter((item) =>
      item.text.toLowerCase().startsWith(typed.toLowerCase()) && item.text !== typed
    );
    return fitting.length === 0 || (typed === "" && depth === 0 && text !== "")
      ? null
      : { from: caret - typed.length, items: fitting.slice(0, 12) };
  };
}
