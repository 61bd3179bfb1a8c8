import { isPanel, type Panel } from "../charts/panels.ts";

/** A chart in a report: what it shows, and of which runs. They are looked for anew whenever the report is opened. */
export interface ChartBlock {
  panel: Panel;
  /** A filter of the experiment's runs. */
  filter: string;
  order: string;
  limit: number;
}

export type ReportBlock =
  | { kind: "text"; text: string }
  | { kind: "chart"; chart: ChartBlock; source: string }
  | { kind: "wrong"; source: string; why: string };

const fence = /^```chart[ \t]*\n([\s\S]*?)^```[ \t]*$/gm;
export const mostRuns = 100;

/** Cuts a report into text and charts. A chart is a code block of the language "chart" with JSON in it. */
export function reportBlocks(body: string): ReportBlock[] {
  const blocks: ReportBlock[] = [];
  let at = 0;
  const text = (upTo: number) => {
    const part = body.slice(at, upTo);
    if (part.trim() !== "") blocks.push({ kind: "text", text: part });
  };
  for (const match of body.matchAll(fence)) {
    text(match.index);
    at = match.index + match[0].length;
    blocks.push(chartBlock(match[1] ?? ""));
  }
  text(body.length);
  return blocks;
}

function chartBlock(source: string): ReportBlock {
  let parsed: unknown;
  try {
    parsed = JSON.parse(source);
  } catch (error) {
    return { kind: "wrong", source, why: error instanceof Error ? error.message : "It is not JSON." };
  }
  if (!isPanel(parsed)) {
    return {
      kind: "wrong",
      source,
      why: 'It lacks a field. Expected: {"type": "line", "metrics": ["loss"], "filter": "…"}.',
    };
  }
  const { filter, order, limit } = parsed as { filter?: unknown; order?: unknown; limit?: unknown };
  return {
    kind: "chart",
    source,
    chart: {
      panel: parsed,
      filter: typeof filter === "string" ? filter : "",
      order: typeof order === "string" ? order : "",
      limit: typeof limit === "number" && limit >= 1 ? Math.min(mostRuns, Math.floor(limit)) : 10,
    },
  };
}

/** A chart as it stands in a report's text. */
export function chartSource({ panel, filter, order, limit }: ChartBlock): string {
  const fields = { ...panel, ...(filter ? { filter } : {}), ...(order ? { order } : {}), limit };
  return "```chart\n" + JSON.stringify(fields, null, 1).replace(/\n\s*/g, " ") + "\n```";
}
