/** A field that a filter may name. */
export interface FilterFieldInfo {
  /** As it is written: `metrics.rmse`, `name`, `price`. */
  name: string;
  kind: "number" | "text" | "bool" | "time";
  /** Values that are usual, to be offered. */
  values?: readonly string[];
  detail?: string;
}

export interface Suggestion {
  /** What is put in. */
  text: string;
  label: string;
  detail?: string;
}

export interface Suggestions {
  /** The stretch of the input that a suggestion replaces. */
  from: number;
  to: number;
  items: Suggestion[];
}

type TokenKind = "word" | "name" | "text" | "number" | "symbol" | "open";

export interface Token {
  kind: TokenKind;
  text: string;
  from: number;
  to: number;
}

const pattern =
  /\s+|"[^"]*"(?:\.\w*)?|`[^`]*`|'(?:[^']|'')*'|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w.])|[\w$][\w.$/-]*(?:\.(?:"[^"]*"|`[^`]*`))?|[<>!=]=?|[(),]|['"`][^]*|./gy;

/** Cuts a filter into its parts; `open` is a text or a name that does not end. Never fails. */
export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  pattern.lastIndex = 0;
  for (let match = pattern.exec(source); match && match[0] !== ""; match = pattern.exec(source)) {
    const text = match[0];
    if (/^\s/.test(text)) continue;
    const first = text[0] ?? "";
    const kind: TokenKind = first === "'"
      ? text.length > 1 && text.endsWith("'") ? "text" : "open"
      : first === '"' || first === "`"
      ? text.length > 1 && /["`]/.test(text.at(-1) ?? "") ? "name" : "open"
      : /^-?\d/.test(text) && !Number.isNaN(Number(text))
      ? "number"
      : /^[\w$]/.test(text)
      ? "word"
      : "symbol";
    tokens.push({ kind, text, from: match.index, to: match.index + text.length });
  }
  return tokens;
}

/** What may come at a place of a filter: after its left neighbours. */
type Expected = "field" | "comparison" | "value" | "joint";

function expectedAfter(tokens: readonly Token[]): { expected: Expected; field: string | null } {
  let expected: Expected = "field";
  let field: string | null = null;
  let inList = false;
  for (const token of tokens) {
    const word = token.text.toUpperCase();
    if (expected === "field") {
      if (token.text === "(" || word === "NOT") continue;
      field = unquoted(token.text);
      expected = "comparison";
    } else if (expected === "comparison") {
      if (word === "IS" || word === "NOT") continue;
      expected = word === "NULL" ? "joint" : "value";
      inList = word === "IN";
    } else if (expected === "value") {
      if (token.text === "(" || token.text === ",") continue;
      if (!inList || token.text === ")") expected = "joint";
    } else if (word === "AND" || word === "OR") {
      expected = "field";
      field = null;
      inList = false;
    }
  }
  return { expected, field };
}

/** How a name is written so that the filter's grammar takes it. */
export function quoteName(name: string): string {
  if (/^[A-Za-z_][\w.]*$/.test(name)) return name;
  const entity = /^(metrics|params|tags|attributes|attribute|dataset|datasets)\.(.+)$/s.exec(name);
  return entity ? `${entity[1]}.${quotePart(entity[2] ?? "")}` : quotePart(name);
}

function quotePart(name: string): string {
  if (/^[A-Za-z_]\w*$/.test(name)) return name;
  return name.includes("`") ? `"${name}"` : `\`${name}\``;
}

export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function unquoted(name: string): string {
  return name.replace(/["`]/g, "");
}

const most = 50;

/** What to offer at a place of a filter. */
export function suggest(source: string, caret: number, fields: readonly FilterFieldInfo[]): Suggestions {
  const tokens = tokenize(source);
  const touched = tokens.find((token) => token.from < caret && caret <= token.to && token.kind !== "symbol");
  const before = tokens.filter((token) => token.to <= (touched?.from ?? caret) && token !== touched);
  const { expected, field } = expectedAfter(before);
  const from = touched?.from ?? caret;
  const to = touched?.to ?? caret;
  const typed = source.slice(from, caret).replace(/^['"`]/, "").toLowerCase();
  const keep = (items: Suggestion[]) => {
    const starts = items.filter((item) => item.label.toLowerCase().startsWith(typed));
    const inside = items.filter((item) => !starts.includes(item) && item.label.toLowerCase().includes(typed));
    return { from, to, items: [...starts, ...inside].slice(0, most) };
  };
  const info = fields.find((each) => each.name === field);
  switch (expected) {
    case "field":
      return keep(fields.map((each) => ({
        text: quoteName(each.name) + " ",
        label: each.name,
        detail: each.detail ?? each.kind,
      })));
    case "comparison": {
      const ordered = ["=", "!=", "<", "<=", ">", ">="];
      const words = info?.kind === "number" || info?.kind === "time"
        ? [...ordered, "IN", "IS NULL", "IS NOT NULL"]
        : info?.kind === "bool"
        ? ["=", "!=", "IS NULL", "IS NOT NULL"]
        : ["=", "!=", "LIKE", "ILIKE", "IN", "NOT IN", "IS NULL", "IS NOT NULL", ...ordered.slice(2)];
      return keep(words.map((word) => ({ text: word.endsWith("IN") ? `${word} (` : `${word} `, label: word })));
    }
    case "value": {
      const words = info?.kind === "bool" ? ["true", "false"] : info?.values ?? [];
      return keep(words.map((word) => ({
        text: (info?.kind === "text" || info?.kind === "time" ? quoteText(word) : word) + " ",
        label: word,
      })));
    }
    case "joint":
      return keep(["AND", "OR"].map((word) => ({ text: word + " ", label: word })));
  }
}
