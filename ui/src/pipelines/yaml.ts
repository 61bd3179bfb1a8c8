import type { Json } from "../api/types.ts";

/**
 * Enough of YAML's core schema to show a pipeline while it is being written: block and flow collections, all kinds of
 * scalars, comments. Anchors, tags and several documents are not read. What counts is what the server says; this is for
 * the picture beside the text, completion, and marks at lines.
 */
export interface YamlScalar {
  kind: "scalar";
  line: number;
  value: string | number | boolean | null;
}
export interface YamlMap {
  kind: "map";
  line: number;
  entries: { key: string; line: number; value: YamlNode }[];
}
export interface YamlList {
  kind: "list";
  line: number;
  items: YamlNode[];
}
export type YamlNode = YamlScalar | YamlMap | YamlList;

export interface Problem {
  /** From 0. */
  line: number;
  message: string;
}

interface Line {
  indent: number;
  text: string;
  line: number;
}

export function parseYaml(text: string): { root: YamlNode | null; problems: Problem[] } {
  const reader = new Reader(text);
  return { root: reader.document(), problems: reader.problems };
}

export function toJson(node: YamlNode): Json {
  if (node.kind === "scalar") return node.value;
  if (node.kind === "list") return node.items.map(toJson);
  return Object.fromEntries(node.entries.map(({ key, value }) => [key, toJson(value)]));
}

/** The node at a path of keys and positions; the deepest that there is. */
export function nodeAt(root: YamlNode | null, path: readonly (string | number)[]): YamlNode | null {
  let node = root;
  for (const part of path) {
    const next: YamlNode | undefined = node?.kind === "map"
      ? node.entries.find((entry) => entry.key === part)?.value
      : node?.kind === "list" && typeof part === "number"
      ? node.items[part]
      : undefined;
    if (!next) return node;
    node = next;
  }
  return node;
}

class Reader {
  readonly problems: Problem[] = [];
  private readonly raw: string[];
  private readonly lines: Line[] = [];
  private at = 0;

  constructor(text: string) {
    this.raw = text.split(/\r?\n/);
    for (const [line, whole] of this.raw.entries()) {
      const body = withoutComment(whole).trimEnd();
      const bare = body.trimStart();
      if (bare === "" || bare === "---") continue;
      const lead = body.slice(0, body.length - bare.length);
      if (lead.includes("\t")) this.problem(line, "A tab cannot indent; use spaces.");
      this.lines.push({ indent: lead.length, text: bare, line });
    }
  }

  document(): YamlNode | null {
    if (this.lines.length === 0) return null;
    const root = this.block();
    const rest = this.lines[this.at];
    if (rest) this.problem(rest.line, "This line does not belong to what is above it: look at its indentation.");
    return root;
  }

  private problem(line: number, message: string): void {
    this.problems.push({ line, message });
  }

  private block(): YamlNode {
    const line = this.lines[this.at];
    if (!line) return { kind: "scalar", line: this.raw.length - 1, value: null };
    if (isItem(line.text)) return this.list(line.indent);
    if (keyOf(line.text)) return this.map(line.indent);
    this.at += 1;
    return this.inline(line.text, line);
  }

  private list(indent: number): YamlList {
    const list: YamlList = { kind: "list", line: this.lines[this.at]?.line ?? 0, items: [] };
    for (
      let line = this.lines[this.at];
      line && line.indent === indent && isItem(line.text);
      line = this.lines[this.at]
    ) {
      const rest = line.text.slice(1).trimStart();
      if (rest === "") {
        this.at += 1;
        list.items.push(this.nested(indent, line.line));
      } else if (isItem(rest) || keyOf(rest)) {
        // What follows the dash is a block of its own, indented as far as it stands.
        this.lines[this.at] = { ...line, indent: indent + line.text.length - rest.length, text: rest };
        list.items.push(this.block());
      } else {
        this.at += 1;
        list.items.push(this.value(rest, line));
      }
    }
    return list;
  }

  private map(indent: number): YamlMap {
    const map: YamlMap = { kind: "map", line: this.lines[this.at]?.line ?? 0, entries: [] };
    for (let line = this.lines[this.at]; line && line.indent === indent; line = this.lines[this.at]) {
      const found = isItem(line.text) ? null : keyOf(line.text);
      if (!found) {
        if (!isItem(line.text)) this.problem(line.line, "A line 'key: value' belongs here.");
        if (isItem(line.text)) break;
        this.at += 1;
        continue;
      }
      this.at += 1;
      if (map.entries.some((entry) => entry.key === found.key)) {
        this.problem(line.line, `'${found.key}' is there twice.`);
      }
      const value = found.rest === "" ? this.nested(indent, line.line, true) : this.value(found.rest, line);
      map.entries.push({ key: found.key, line: line.line, value });
    }
    return map;
  }

  /** What is indented deeper, or null; a list may stand at its key's own indentation. */
  private nested(indent: number, line: number, allowsList = false): YamlNode {
    const next = this.lines[this.at];
    const isNested = next && (next.indent > indent || (allowsList && next.indent === indent && isItem(next.text)));
    return isNested ? this.block() : { kind: "scalar", line, value: null };
  }

  private value(text: string, line: Line): YamlNode {
    const block = /^([|>])[+-]?\d?$/.exec(text);
    if (block) return this.blockText(line, block[1] === ">");
    return this.inline(text, line);
  }

  private blockText(line: Line, folds: boolean): YamlScalar {
    const lines: string[] = [];
    let last = line.line + 1;
    let indent: number | null = null;
    for (; last < this.raw.length; last++) {
      const raw = this.raw[last] ?? "";
      const lead = raw.length - raw.trimStart().length;
      if (raw.trim() !== "" && lead <= line.indent) break;
      if (raw.trim() !== "") indent ??= lead;
      lines.push(raw.slice(indent ?? 0));
    }
    while (this.lines[this.at] && (this.lines[this.at]?.line ?? 0) < last) this.at += 1;
    const text = lines.join(folds ? " " : "\n").trimEnd();
    return { kind: "scalar", line: line.line, value: text + (folds ? "" : "\n") };
  }

  private inline(text: string, line: Line): YamlNode {
    let whole = text;
    const isOpen = () => !new Flow(whole, line.line).isComplete();
    if (/^[[{"']/.test(text)) {
      for (let next = this.lines[this.at]; next && isOpen(); next = this.lines[this.at]) {
        whole += " " + next.text;
        this.at += 1;
      }
      const flow = new Flow(whole, line.line);
      const node = flow.node();
      if (flow.problem) this.problem(line.line, flow.problem);
      return node;
    }
    for (
      let next = this.lines[this.at];
      next && next.indent > line.indent && !keyOf(next.text);
      next = this.lines[this.at]
    ) {
      whole += " " + next.text;
      this.at += 1;
    }
    if (/^[&*!%@`]/.test(whole)) {
      this.problem(line.line, `Text that begins with '${whole[0]}' needs quotes.`);
    } else if (/: /.test(whole)) {
      this.problem(line.line, "Text with ': ' in it needs quotes.");
    }
    return { kind: "scalar", line: line.line, value: plain(whole) };
  }
}

/** Collections and quoted text on one line. */
class Flow {
  problem: string | null = null;
  private at = 0;

  constructor(private readonly text: string, private readonly line: number) {}

  isComplete(): boolean {
    this.node();
    const complete = this.problem === null;
    this.at = 0;
    this.problem = null;
    return complete;
  }

  node(isInner = false): YamlNode {
    this.blanks();
    const sign = this.text[this.at];
    if (sign === "[") return this.collection("]");
    if (sign === "{") return this.collection("}");
    if (sign === '"' || sign === "'") return this.quoted(sign);
    const start = this.at;
    while (this.at < this.text.length && !(isInner && /[,\]}]/.test(this.text[this.at] ?? "")) && !this.isColon()) {
      this.at++;
    }
    return { kind: "scalar", line: this.line, value: plain(this.text.slice(start, this.at).trim()) };
  }

  private isColon(): boolean {
    return this.text[this.at] === ":" && /^$|[\s,\]}]/.test(this.text[this.at + 1] ?? "");
  }

  private blanks(): void {
    while (/\s/.test(this.text[this.at] ?? "")) this.at += 1;
  }

  private collection(end: string): YamlNode {
    this.at += 1;
    const items: YamlNode[] = [];
    const entries: YamlMap["entries"] = [];
    for (;;) {
      this.blanks();
      if (this.at >= this.text.length) {
        this.problem = `'${end}' is missing.`;
        break;
      }
      if (this.text[this.at] === end) {
        this.at += 1;
        break;
      }
      if (this.text[this.at] === ",") {
        this.at += 1;
        continue;
      }
      const before = this.at;
      const item = this.node(true);
      this.blanks();
      if (this.isColon()) {
        this.at += 1;
        const key = item.kind === "scalar" ? String(item.value) : "";
        entries.push({ key, line: this.line, value: this.node(true) });
      } else if (end === "}") {
        entries.push({
          key: item.kind === "scalar" ? String(item.value) : "",
          line: this.line,
          value: nothing(this.line),
        });
      } else items.push(item);
      if (this.at === before) {
        this.problem = `'${this.text[this.at]}' does not belong here.`;
        break;
      }
    }
    return end === "}" ? { kind: "map", line: this.line, entries } : { kind: "list", line: this.line, items };
  }

  private quoted(quote: string): YamlScalar {
    this.at += 1;
    let value = "";
    for (;;) {
      const sign = this.text[this.at];
      if (sign === undefined) {
        this.problem = `The closing ${quote} is missing.`;
        break;
      }
      this.at += 1;
      if (sign === quote) {
        if (quote === "'" && this.text[this.at] === "'") this.at += 1;
        else break;
        value += "'";
      } else if (sign === "\\" && quote === '"') {
        const escape = this.text[this.at] ?? "";
        this.at += 1;
        value += ({ n: "\n", t: "\t", r: "\r", "0": "\0" } as Record<string, string>)[escape] ?? escape;
      } else value += sign;
    }
    return { kind: "scalar", line: this.line, value };
  }
}

const nothing = (line: number): YamlScalar => ({ kind: "scalar", line, value: null });
const isItem = (text: string) => text === "-" || text.startsWith("- ");

/** `key: rest`, unless the colon is inside of quotes or a flow collection. */
function keyOf(text: string): { key: string; rest: string } | null {
  const quoted = /^"((?:[^"\\]|\\.)*)"\s*:(?:\s+(.*))?$/.exec(text) ?? /^'((?:[^']|'')*)'\s*:(?:\s+(.*))?$/.exec(text);
  if (quoted) return { key: quoted[1] ?? "", rest: quoted[2] ?? "" };
  const match = /^([^\s#[\]{},&*!|>'"%@`-][^#]*?|-\S[^#]*?)\s*:(?:\s+(.*))?$/.exec(text);
  return match ? { key: match[1] ?? "", rest: match[2] ?? "" } : null;
}

function withoutComment(text: string): string {
  if (!text.includes("#")) return text;
  let quote = "";
  for (let at = 0; at < text.length; at++) {
    const sign = text[at] ?? "";
    if (quote) {
      if (sign === "\\" && quote === '"') at += 1;
      else if (sign === quote) quote = "";
    } else if ((sign === '"' || sign === "'") && /^$|[\s[{,:]/.test(text[at - 1] ?? "")) quote = sign;
    else if (sign === "#" && /^$|\s/.test(text[at - 1] ?? "")) return text.slice(0, at);
  }
  return text;
}

function plain(text: string): YamlScalar["value"] {
  if (text === "" || text === "~" || /^(null|Null|NULL)$/.test(text)) return null;
  if (/^(true|True|TRUE)$/.test(text)) return true;
  if (/^(false|False|FALSE)$/.test(text)) return false;
  if (/^[-+]?(\d+|\.\d+|\d+\.\d*)([eE][-+]?\d+)?$/.test(text)) return Number(text);
  return text;
}

/** JSON as YAML: short lists of plain words on one line, everything else in blocks. */
export function writeYaml(value: Json, indent = 0): string {
  const pad = " ".repeat(indent);
  if (Array.isArray(value)) {
    if (value.length === 0) return "[]";
    return value.map((item) => {
      if (isPlain(item) || isShortList(item)) return `${pad}- ${inlineOf(item)}`;
      return `${pad}- ${writeYaml(item, indent + 2).trimStart()}`;
    }).join("\n");
  }
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value);
    if (entries.length === 0) return "{}";
    return entries.map(([key, item]) => {
      const name = pad + writeText(key) + ":";
      if (typeof item === "string" && item.includes("\n")) return `${name} |\n${indented(item, indent + 2)}`;
      if (isPlain(item) || isShortList(item) || isEmpty(item)) return `${name} ${inlineOf(item)}`;
      return `${name}\n${writeYaml(item, indent + 2)}`;
    }).join("\n");
  }
  return pad + inlineOf(value);
}

const isPlain = (value: Json) => value === null || typeof value !== "object";
const isEmpty = (value: Json) => typeof value === "object" && value !== null && Object.keys(value).length === 0;
const isShortList = (value: Json): value is Json[] =>
  Array.isArray(value) && value.every((item) => isPlain(item) && !String(item).includes("\n")) &&
  JSON.stringify(value).length < 80;

function inlineOf(value: Json): string {
  if (Array.isArray(value)) {
    return `[${
      value.map((item) => {
        const text = inlineOf(item);
        return typeof item === "string" && !text.startsWith('"') && /[,[\]{}]/.test(text) ? JSON.stringify(item) : text;
      }).join(", ")
    }]`;
  }
  if (typeof value === "string") return writeText(value);
  return typeof value === "object" && value !== null ? "{}" : String(value);
}

function writeText(text: string): string {
  const isSafe = /^[A-Za-z0-9_./$~(][^\n#]*$|^-\S/.test(text) &&
    !/: |:$|\s$| #|[[\]{}]/.test(text.replace(/\$\{[^}]*\}/g, "")) &&
    typeof plain(text) === "string";
  return isSafe ? text : JSON.stringify(text);
}

const indented = (text: string, by: number) =>
  text.trimEnd().split("\n").map((line) => line === "" ? "" : " ".repeat(by) + line).join("\n");
