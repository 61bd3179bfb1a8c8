export interface Cell {
  kind: "markdown" | "code" | "raw";
  source: string;
  /** Its number in the order of running. */
  count: number | null;
  outputs: Output[];
}

export type Output = { kind: "text" | "error"; text: string } | { kind: "image"; url: string };

/** Reads a notebook of nbformat 4; null if it is none. Output that is HTML or a script is shown by its text form. */
export function parseNotebook(text: string): Cell[] | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isRecord(parsed) || !Array.isArray(parsed["cells"])) return null;
  return parsed["cells"].filter(isRecord).map((cell) => {
    const kind = cell["cell_type"] === "markdown" ? "markdown" : cell["cell_type"] === "code" ? "code" : "raw";
    const count = cell["execution_count"];
    return {
      kind,
      source: joined(cell["source"]),
      count: typeof count === "number" ? count : null,
      outputs: Array.isArray(cell["outputs"]) ? cell["outputs"].filter(isRecord).flatMap(output) : [],
    };
  });
}

function output(value: Record<string, unknown>): Output[] {
  if (value["output_type"] === "stream") return [{ kind: "text", text: plain(joined(value["text"])) }];
  if (value["output_type"] === "error") {
    const trace = joined(value["traceback"], "\n") || `${value["ename"]}: ${value["evalue"]}`;
    return [{ kind: "error", text: plain(trace) }];
  }
  const data = value["data"];
  if (!isRecord(data)) return [];
  for (const type of ["image/png", "image/jpeg", "image/gif"]) {
    if (data[type]) return [{ kind: "image", url: `data:${type};base64,${joined(data[type]).replace(/\s/g, "")}` }];
  }
  if (data["image/svg+xml"]) {
    return [{
      kind: "image",
      url: "data:image/svg+xml;charset=utf-8," + encodeURIComponent(joined(data["image/svg+xml"])),
    }];
  }
  const text = data["text/plain"] ?? data["text/markdown"] ?? data["application/json"];
  return text === undefined ? [] : [{
    kind: "text",
    text: plain(typeof text === "object" && !Array.isArray(text) ? JSON.stringify(text, null, 2) : joined(text)),
  }];
}

function joined(value: unknown, between = ""): string {
  return Array.isArray(value) ? value.map(String).join(between) : typeof value === "string" ? value : "";
}

/** Without the terminal's colours. */
function plain(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/\u001b\[[0-9;]*m/g, "");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
