import { fieldOf, isSystemMetric, type Keys, metricField } from "../fields.ts";

/** What one chart shows. Charts are kept in addresses and reports, so they are plain data; fields are ids of `fields.ts`. */
export type Panel =
  | { type: "line"; metrics: string[] }
  | { type: "bar"; field: string }
  | { type: "scatter"; x: string; y: string; color?: string }
  | { type: "parallel"; fields: string[]; color: string }
  | { type: "contour"; x: string; y: string; z: string }
  | { type: "confusion"; path: string; actual?: string; predicted?: string }
  | { type: "images"; key: string }
  | { type: "table"; path: string };

export type PanelType = Panel["type"];

export const panelNames: Record<PanelType, string> = {
  line: "Line",
  bar: "Bars",
  scatter: "Scatter",
  parallel: "Parallel coordinates",
  contour: "Contour",
  confusion: "Confusion matrix",
  images: "Images by step",
  table: "Tables",
};

export function panelTitle(panel: Panel): string {
  const name = (field: string) => fieldOf(field).key;
  switch (panel.type) {
    case "line":
      return panel.metrics.join(", ");
    case "bar":
      return name(panel.field);
    case "scatter":
      return `${name(panel.y)} over ${name(panel.x)}`;
    case "parallel":
      return `${panel.fields.map(name).join(", ")} → ${name(panel.color)}`;
    case "contour":
      return `${name(panel.z)} by ${name(panel.x)} and ${name(panel.y)}`;
    case "confusion":
    case "table":
      return panel.path;
    case "images":
      return panel.key;
  }
}

const texts: Record<PanelType, readonly string[]> = {
  line: [],
  bar: ["field"],
  scatter: ["x", "y"],
  parallel: ["color"],
  contour: ["x", "y", "z"],
  confusion: ["path"],
  images: ["key"],
  table: ["path"],
};

/** Whether something that was read from an address or a report is a panel. */
export function isPanel(value: unknown): value is Panel {
  if (typeof value !== "object" || value === null) return false;
  const fields = value as Record<string, unknown>;
  const type = fields["type"];
  if (typeof type !== "string" || !(type in texts)) return false;
  const isList = (each: unknown) =>
    Array.isArray(each) && each.length > 0 && each.every((item) => typeof item === "string");
  if (type === "line" && !isList(fields["metrics"])) return false;
  if (type === "parallel" && !isList(fields["fields"])) return false;
  return texts[type as PanelType].every((name) => typeof fields[name] === "string" && fields[name] !== "");
}

export function isPanelList(value: unknown): value is Panel[] {
  return Array.isArray(value) && value.every(isPanel);
}

/** A group of charts under a heading. */
export interface Section {
  name: string;
  panels: Panel[];
}

/** One line chart for each metric, by the folder in its name: `val/loss` is under "val"; the machine's come last. */
export function metricSections(keys: Keys, search = ""): Section[] {
  const wanted = search.trim().toLowerCase();
  const sections = new Map<string, Panel[]>();
  for (const metric of keys.metrics) {
    if (wanted && !metric.toLowerCase().includes(wanted)) continue;
    const slash = metric.lastIndexOf("/");
    const name = slash > 0 ? metric.slice(0, slash) : "";
    const panels = sections.get(name) ?? [];
    panels.push({ type: "line", metrics: [metric] });
    sections.set(name, panels);
  }
  const isSystem = (name: string) => name === "system" || isSystemMetric(name + "/");
  return [...sections].map(([name, panels]) => ({ name, panels }))
    .sort((a, b) => Number(isSystem(a.name)) - Number(isSystem(b.name)) || a.name.localeCompare(b.name));
}

/** A first proposal for a new chart of a type, from the fields that there are. */
export function proposed(type: PanelType, keys: Keys, numericParams: readonly string[]): Panel {
  const metrics = keys.metrics.filter((key) => !isSystemMetric(key));
  const metric = metricField(metrics[0] ?? keys.metrics[0] ?? "loss").id;
  const params = numericParams.map((key) => `params.${key}`);
  const first = params[0] ?? "start_time";
  const second = params[1] ?? params[0] ?? "duration";
  switch (type) {
    case "line":
      return { type, metrics: metrics.slice(0, 1) };
    case "bar":
      return { type, field: metric };
    case "scatter":
      return { type, x: first, y: metric };
    case "parallel":
      return { type, fields: [...params.slice(0, 4), metric], color: metric };
    case "contour":
      return { type, x: first, y: second, z: metric };
    case "confusion":
      return { type, path: "confusion_matrix.json" };
    case "images":
      return { type, key: "" };
    case "table":
      return { type, path: "" };
  }
}
