/** A safe subset of Markdown (CommonMark's common part, GitHub's tables, tasks and strike). No HTML. Pure. */

export type Inline =
  | { kind: "text"; text: string }
  | { kind: "code"; text: string }
  | { kind: "strong" | "emphasis" | "strike"; parts: Inline[] }
  | { kind: "link"; url: string; parts: Inline[] }
  | { kind: "image"; url: string; alt: string }
  | { kind: "break" };

export interface ListItem {
  /** null: not a task. */
  checked: boolean | null;
  blocks: Block[];
}

export type Align = "left" | "right" | "center" | undefined;

export type Block =
  | { kind: "heading"; level: number; text: Inline[] }
  | { kind: "paragraph"; text: Inline[] }
  | { kind: "code"; language: string; text: string }
  | { kind: "quote"; blocks: Block[] }
  | { kind: "list"; ordered: boolean; start: number; items: ListItem[] }
  | { kind: "table"; align: Align[]; head: Inline[][]; rows: Inline[][][] }
  | { kind: "rule" };

/** Deeper nesting is taken as text, so that no text can exhaust the stack. */
const mostDepth = 12;

/** Where a link or an image may go: the web, mail, places of this site, and pictures inside the text. */
export function isSafeUrl(url: string): boolean {
  // Browsers ignore control characters and spaces in a scheme: "java\nscript:" runs.
  // deno-lint-ignore no-control-regex
  const bare = url.replace(/[\u0000-\u0020]/g, "");
  if (/^(https?:|mailto:)/i.test(bare)) return true;
  if (/^data:image\/(png|jpeg|gif|webp);/i.test(bare)) return true;
  return !/^[a-z][a-z0-9+.-]*:/i.test(bare) && !bare.startsWith("//");
}

export function parseMarkdown(text: string): Block[] {
  return blocksOf(text.replace(/\r\n?/g, "\n").replaceAll("\t", "    ").split("\n"), 0);
}

const fence = /^ {0,3}(`{3,}|~{3,})\s*(\S*)/;
const heading = /^ {0,3}(#{1,6})(?:\s+(.*?))?\s*#*\s*$/;
const rule = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const quote = /^ {0,3}> ?/;
const bullet = /^( {0,3})([-*+]|(\d{1,9})[.)])( +|$)/;
const divider = /^ {0,3}\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

function blocksOf(lines: string[], depth: number): Block[] {
  const blocks: Block[] = [];
  let at = 0;
  const line = (index: number) => lines[index] ?? "";
  while (at < lines.length) {
    const here = line(at);
    if (here.trim() === "") {
      at += 1;
      continue;
    }
    const opened = fence.exec(here);
    if (opened) {
      const mark = opened[1] ?? "```";
      const body: string[] = [];
      at += 1;
      while (at < lines.length && !isFenceEnd(line(at), mark)) body.push(line(at++));
      at += 1;
      blocks.push({ kind: "code", language: opened[2] ?? "", text: body.join("\n") });
      continue;
    }
    const titled = heading.exec(here);
    if (titled) {
      blocks.push({ kind: "heading", level: titled[1]?.length ?? 1, text: inlineOf(titled[2] ?? "") });
      at += 1;
      continue;
    }
    if (rule.test(here)) {
      blocks.push({ kind: "rule" });
      at += 1;
      continue;
    }
    if (quote.test(here) && depth < mostDepth) {
      const body: string[] = [];
      while (at < lines.length && line(at).trim() !== "" && (quote.test(line(at)) || !startsBlock(line(at)))) {
        body.push(line(at++).replace(quote, ""));
      }
      blocks.push({ kind: "quote", blocks: blocksOf(body, depth + 1) });
      continue;
    }
    if (bullet.test(here) && depth < mostDepth) {
      const [list, next] = listAt(lines, at, depth);
      blocks.push(list);
      at = next;
      continue;
    }
    if (here.includes("|") && divider.test(line(at + 1)) && line(at + 1).includes("-")) {
      const [table, next] = tableAt(lines, at);
      blocks.push(table);
      at = next;
      continue;
    }
    if (here.startsWith("    ")) {
      const body: string[] = [];
      while (at < lines.length && (line(at).startsWith("    ") || line(at).trim() === "")) {
        body.push(line(at++).slice(4));
      }
      blocks.push({ kind: "code", language: "", text: body.join("\n").trimEnd() });
      continue;
    }
    const body = [here];
    at += 1;
    while (at < lines.length && line(at).trim() !== "" && !startsBlock(line(at))) body.push(line(at++));
    blocks.push({ kind: "paragraph", text: inlineOf(body.map((each) => each.replace(/^ +/, "")).join("\n")) });
  }
  return blocks;
}

function isFenceEnd(line: string, mark: string): boolean {
  const text = line.trim();
  return text.length >= mark.length && text === (mark[0] ?? "`").repeat(text.length);
}

function startsBlock(line: string): boolean {
  return fence.test(line) || heading.test(line) || rule.test(line) || quote.test(line) || bullet.test(line);
}

function listAt(lines: string[], start: number, depth: number): [Block, number] {
  const first = bullet.exec(lines[start] ?? "");
  const ordered = first?.[3] !== undefined;
  const items: ListItem[] = [];
  let at = start;
  while (at < lines.length) {
    const mark = bullet.exec(lines[at] ?? "");
    if (!mark || (mark[3] !== undefined) !== ordered || rule.test(lines[at] ?? "")) break;
    const indent = mark[0].length > (mark[1]?.length ?? 0) + 5 ? (mark[1]?.length ?? 0) + 2 : mark[0].length;
    const body = [(lines[at] ?? "").slice(mark[0].length)];
    at += 1;
    while (at < lines.length) {
      const line = lines[at] ?? "";
      if (line.trim() === "") {
        // An empty line ends the list unless more of this item, or another item, follows.
        const next = lines.slice(at + 1).find((each) => each.trim() !== "");
        if (next === undefined || !(next.startsWith(" ".repeat(indent)) || bullet.test(next))) break;
        body.push("");
        at += 1;
      } else if (line.startsWith(" ".repeat(indent))) {
        body.push(line.slice(indent));
        at += 1;
      } else if (!startsBlock(line) && body.at(-1) !== "") {
        body.push(line.trimStart());
        at += 1;
      } else break;
    }
    const task = /^\[([ xX])\]\s+/.exec(body[0] ?? "");
    if (task) body[0] = (body[0] ?? "").slice(task[0].length);
    items.push({ checked: task ? task[1] !== " " : null, blocks: blocksOf(body, depth + 1) });
  }
  return [{ kind: "list", ordered, start: Number(first?.[3] ?? 1), items }, at];
}

function tableAt(lines: string[], start: number): [Block, number] {
  const align = cellsOf(lines[start + 1] ?? "").map((cell): Align =>
    cell.endsWith(":") ? cell.startsWith(":") ? "center" : "right" : cell.startsWith(":") ? "left" : undefined
  );
  const head = cellsOf(lines[start] ?? "").map((cell) => inlineOf(cell));
  const rows: Inline[][][] = [];
  let at = start + 2;
  while (at < lines.length && (lines[at] ?? "").includes("|") && (lines[at] ?? "").trim() !== "") {
    const cells = cellsOf(lines[at] ?? "").map((cell) => inlineOf(cell));
    rows.push(Array.from({ length: head.length }, (_, index) => cells[index] ?? []));
    at += 1;
  }
  return [{ kind: "table", align, head, rows }, at];
}

function cellsOf(line: string): string[] {
  const text = line.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "");
  return text.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

/** Emphasis, code, links and images of one paragraph. */
export function inlineOf(text: string, depth = 0): Inline[] {
  const parts: Inline[] = [];
  let plain = "";
  const flush = () => {
    if (plain !== "") parts.push({ kind: "text", text: plain });
    plain = "";
  };
  let at = 0;
  while (at < text.length) {
    const rest = text.slice(at);
    const escaped = /^\\([!-/:-@[-`{-~])/.exec(rest);
    if (escaped) {
      plain += escaped[1];
      at += 2;
      continue;
    }
    if (rest[0] === "\n") {
      const isHard = plain.endsWith("  ");
      plain = plain.trimEnd();
      flush();
      parts.push(isHard ? { kind: "break" } : { kind: "text", text: " " });
      at += 1;
      continue;
    }
    const found = depth < mostDepth ? special(rest, depth, text[at - 1] ?? " ") : null;
    if (found) {
      flush();
      parts.push(found[0]);
      at += found[1];
      continue;
    }
    plain += rest[0];
    at += 1;
  }
  flush();
  return parts;
}

function special(rest: string, depth: number, before: string): [Inline, number] | null {
  const code = /^(`+)([^`]|[^`][\s\S]*?[^`])\1(?!`)/.exec(rest);
  if (code) return [{ kind: "code", text: (code[2] ?? "").replaceAll("\n", " ").trim() }, code[0].length];
  const image = /^!\[([^\]]*)\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/.exec(rest);
  if (image) {
    const url = image[2] ?? "";
    const alt = image[1] ?? "";
    return [isSafeUrl(url) ? { kind: "image", url, alt } : { kind: "text", text: alt }, image[0].length];
  }
  const link = /^\[((?:[^\[\]]|\[[^\]]*\])*)\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/.exec(rest);
  if (link) {
    const parts = inlineOf(link[1] ?? "", depth + 1);
    const url = link[2] ?? "";
    return isSafeUrl(url)
      ? [{ kind: "link", url, parts }, link[0].length]
      : [{ kind: "text", text: link[1] ?? "" }, link[0].length];
  }
  const bare = /^<?(https?:\/\/[^\s<>()]*[^\s<>().,;:!?'"])>?/.exec(rest);
  if (bare && (rest[0] === "<" || !/\w/.test(before))) {
    const url = bare[1] ?? "";
    return [{ kind: "link", url, parts: [{ kind: "text", text: url }] }, bare[0].length];
  }
  const strong = /^(\*\*|__)(?=\S)([\s\S]*?\S)\1(?!\*)/.exec(rest);
  if (strong && (strong[1] === "**" || !/\w/.test(before))) {
    return [{ kind: "strong", parts: inlineOf(strong[2] ?? "", depth + 1) }, strong[0].length];
  }
  const strike = /^~~(?=\S)([\s\S]*?\S)~~/.exec(rest);
  if (strike) return [{ kind: "strike", parts: inlineOf(strike[1] ?? "", depth + 1) }, strike[0].length];
  const emphasis = /^\*(?=[^\s*])((?:[^*]|\*\*[^*]+\*\*)*[^\s*])\*(?!\*)/.exec(rest) ??
    (/\w/.test(before) ? null : /^_(?=[^\s_])([^_]*[^\s_])_(?!\w)/.exec(rest));
  if (emphasis) return [{ kind: "emphasis", parts: inlineOf(emphasis[1] ?? "", depth + 1) }, emphasis[0].length];
  return null;
}
