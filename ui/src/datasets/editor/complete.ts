import type { Column } from "../api.ts";
import { kindOf } from "../grid/cells.ts";

export interface Suggestion {
  /** What is written. */
  text: string;
  detail?: string;
}

export interface Suggestions {
  /** Where the text begins that a suggestion takes the place of. */
  from: number;
  items: Suggestion[];
}

export type Complete = (text: string, caret: number) => Suggestions | null;

/** Columns by name with their types; values of a column are its most frequent ones, from the profile. */
export interface Vocabulary {
  columns: readonly Column[];
  values: (column: string) => readonly string[];
}

const most = 12;

/** A column's name as the filter grammar and SQL take it. */
export function quoted(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !/^(and|or|not|in|is|like|ilike|null|true|false)$/i.test(name)
    ? name
    : `"${name.replaceAll('"', '""')}"`;
}

export function literal(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

interface Token {
  text: string;
  start: number;
}

function tokens(text: string): Token[] {
  const found = text.matchAll(/'(?:[^']|'')*'?|"[^"]*"?|`[^`]*`?|[<>=!]+|[(),]|[^\s<>=!(),'"`]+/g);
  return [...found].map((match) => ({ text: match[0], start: match.index }));
}

const bare = (name: string) => name.replace(/^["`]|["`]$/g, "").replaceAll('""', '"');

function matching(items: Suggestion[], typed: string, anywhere = true): Suggestion[] {
  const wanted = bare(typed).replace(/^'/, "").toLowerCase();
  const rank = (item: Suggestion) => {
    const text = bare(item.text).replace(/^'/, "").toLowerCase();
    return text.startsWith(wanted) ? 0 : anywhere && text.includes(wanted) ? 1 : 2;
  };
  return items.map((item, order) => ({ item, order, rank: rank(item) })).filter((each) => each.rank < 2)
    .sort((a, b) => a.rank - b.rank || a.order - b.order).slice(0, most).map((each) => each.item);
}

/** What may come next in a filter: a column, an operator, a value, AND or OR. */
export function completeFilter({ columns, values }: Vocabulary): Complete {
  const names = columns.map((column) => ({ text: quoted(column.name), detail: column.type }));
  return (text, caret) => {
    const before = tokens(text.slice(0, caret));
    const last = before.at(-1);
    // What touches the caret is being written; an operator that is complete is not.
    const typing = last && last.start + last.text.length === caret && !/^([<>=!]+|[(),])$/.test(last.text)
      ? last
      : undefined;
    const done = typing ? before.slice(0, -1) : before;
    const from = typing?.start ?? caret;
    const typed = typing?.text ?? "";
    let state: "column" | "operator" | "value" | "joint" | "null" = "column";
    let column = "";
    let isList = false;
    for (const { text } of done) {
      const word = text.toUpperCase();
      if (state === "column" && (word === "NOT" || text === "(")) continue;
      if (state === "column") [column, state] = [bare(text), "operator"];
      else if (state === "operator") {
        if (word === "NOT") continue;
        if (word === "IS") state = "null";
        else if (word === "IN") [state, isList] = ["value", true];
        else state = "value";
      } else if (state === "null") {
        if (word !== "NOT") state = "joint";
      } else if (state === "value") {
        if (text === "(") continue;
        state = "joint";
      } else if (isList && text === ",") state = "value";
      else if (text === ")") isList = false;
      else if (word === "AND" || word === "OR") state = "column";
    }
    const type = columns.find((each) => each.name === column)?.type ?? "VARCHAR";
    const kind = kindOf(type);
    const words = (list: string[], detail?: string): Suggestion[] =>
      list.map((text) => detail ? { text, detail } : { text });
    const items = state === "column" ? [...names, ...words(["NOT"])] : state === "operator"
      ? words(
        kind === "text"
          ? ["=", "!=", "LIKE", "ILIKE", "IN (", "IS NULL", "IS NOT NULL"]
          : ["=", ">", "<", ">=", "<=", "!=", "IN (", "IS NULL", "IS NOT NULL"],
      )
      : state === "null"
      ? words(["NULL", "NOT NULL"])
      : state === "value"
      ? kind === "boolean"
        ? words(["true", "false"])
        : values(column).map((value) => ({ text: kind === "number" ? value : literal(value), detail: "frequent" }))
      : isList
      ? words([")"])
      : words(["AND", "OR"]);
    const fitting = matching(items, typed);
    return fitting.length === 0 || (fitting.length === 1 && fitting[0]?.text === typed)
      ? null
      : { from, items: fitting };
  };
}

const keywords =
  "SELECT FROM WHERE GROUP BY ORDER BY HAVING LIMIT OFFSET JOIN LEFT JOIN USING ON AS AND OR NOT IN IS NULL LIKE ILIKE BETWEEN CASE WHEN THEN ELSE END DISTINCT WITH UNION ALL QUALIFY OVER PARTITION BY FILTER DESC ASC CAST EXISTS PIVOT UNPIVOT SAMPLE"
    .split(" ");
const functions =
  "count sum avg min max median stddev quantile_cont mode approx_count_distinct arg_max arg_min list string_agg histogram abs round floor ceil ln log10 sqrt greatest least coalesce nullif lower upper trim length substr replace regexp_matches regexp_extract split_part contains starts_with strftime strptime date_trunc date_part dayofweek year month day hour epoch date_diff row_number rank dense_rank lag lead first_value last_value ntile unnest json_extract json_extract_string"
    .split(" ");

/** Tables after FROM and JOIN; columns, functions and keywords elsewhere; a table's columns after its name and a dot. */
export function completeSQL(tables: ReadonlyMap<string, readonly Column[]>): Complete {
  return (text, caret) => {
    const before = text.slice(0, caret);
    const quotes = before.replace(/--.*$/gm, "").match(/'/g)?.length ?? 0;
    if (quotes % 2 === 1) return null;
    const typed = /(?:"[^"\n]*|[A-Za-z_][\w]*)$/.exec(before)?.[0] ?? "";
    const from = caret - typed.length;
    const head = before.slice(0, from);
    const owner = /(?:"([^"]+)"|([A-Za-z_]\w*))\.$/.exec(head);
    const asColumns = (columns: readonly Column[]) =>
      columns.map((each) => ({ text: quoted(each.name), detail: each.type }));
    let items: Suggestion[];
    if (owner) {
      const name = owner[1] ?? owner[2] ?? "";
      const aliased = new RegExp(`(?:from|join)\\s+(?:"([^"]+)"|(\\w+))\\s+(?:as\\s+)?${name}\\b`, "i").exec(text);
      const columns = tables.get(name) ?? tables.get(aliased?.[1] ?? aliased?.[2] ?? "");
      if (!columns) return null;
      items = asColumns(columns);
    } else if (/\b(from|join)\s+$/i.test(head) || /\bfrom\s[^;()]*,\s*$/i.test(head)) {
      items = [...tables.keys()].map((name) => ({ text: quoted(name), detail: "table" }));
    } else {
      if (typed === "") return null;
      const used = [...tables].filter(([name]) =>
        new RegExp(`(^|[^\\w])"?${name.replace(/\W/g, "\\$&")}"?([^\\w]|$)`).test(text)
      );
      const columns = (used.length > 0 ? used : [...tables].slice(0, 1)).flatMap(([, each]) => asColumns(each));
      const known = new Set<string>();
      items = [
        ...columns,
        ...keywords.map((text) => ({ text })),
        ...functions.map((name) => ({ text: name + "(", detail: "function" })),
        ...[...tables.keys()].map((name) => ({ text: quoted(name), detail: "table" })),
      ]
        .filter((each) => !known.has(each.text) && known.add(each.text));
    }
    const fitting = matching(items, typed, false);
    const isWhole = fitting.some((each) => each.text.toLowerCase() === typed.toLowerCase()) && fitting.length < 3;
    return fitting.length === 0 || isWhole ? null : { from, items: fitting };
  };
}
