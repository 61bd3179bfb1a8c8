export interface Piece {
  text: string;
  kind: "plain" | "word" | "text" | "number" | "comment" | "name";
}

export type Language = "sql" | "yaml" | "filter";

const sqlWords =
  "select|from|where|group|by|order|having|limit|offset|join|left|right|full|inner|cross|using|on|as|and|or|not|in|is|null|like|ilike|between|case|when|then|else|end|distinct|with|union|all|except|intersect|qualify|over|partition|filter|desc|asc|cast|exists|true|false|interval|date|timestamp|pivot|unpivot";

const grammars: Record<Language, RegExp> = {
  sql: new RegExp(
    String
      .raw`(?<comment>--[^\n]*)|(?<text>'(?:[^']|'')*'?)|(?<name>"[^"\n]*"?)|(?<number>\b\d+(?:\.\d+)?(?:e[+-]?\d+)?\b)|(?<word>\b(?:${sqlWords})\b)`,
    "gi",
  ),
  filter: new RegExp(
    String
      .raw`(?<text>'(?:[^']|'')*'?)|(?<name>"[^"\n]*"?)|(?<number>\b\d+(?:\.\d+)?\b)|(?<word>\b(?:and|or|not|in|is|null|like|ilike|true|false)\b)`,
    "gi",
  ),
  yaml:
    /(?<comment>(?<=^|\s)#[^\n]*)|(?<name>(?<=^|[\s{,-])[\w.$-]+(?=:(?:\s|$)))|(?<text>'[^'\n]*'?|"[^"\n]*"?)|(?<number>(?<=[\s:[,])-?\d+(?:\.\d+)?(?=[\s,}\]]|$))|(?<word>\b(?:true|false|null)\b)/gim,
};

/** Text cut into what is coloured alike; together the pieces are the text. */
export function highlight(text: string, language: Language): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  for (const match of text.matchAll(grammars[language])) {
    if (match.index > at) pieces.push({ text: text.slice(at, match.index), kind: "plain" });
    const kind = Object.entries(match.groups ?? {}).find(([, value]) => value !== undefined)?.[0] ?? "plain";
    pieces.push({ text: match[0], kind: kind as Piece["kind"] });
    at = match.index + match[0].length;
  }
  if (at < text.length) pieces.push({ text: text.slice(at), kind: "plain" });
  return pieces;
}
