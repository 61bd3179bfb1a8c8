import { deleteExperimentTag, type Experiment, setExperimentTag } from "../api.ts";

/** Text and charts about an experiment. It is kept with the experiment, as one of its tags, and moves along with it. */
export interface Report {
  id: string;
  title: string;
  /** Markdown; charts are blocks of it, see `blocks.ts`. */
  body: string;
  author: string;
  /** When it was last changed. ISO 8601. */
  changed: string;
}

const prefix = "slipway.report.";
/** What the server takes as a tag's value. */
export const mostText = 20_000;

export function reportsOf(experiment: Experiment): Report[] {
  return Object.entries(experiment.tags).flatMap(([key, value]) => {
    const report = key.startsWith(prefix) ? parse(key.slice(prefix.length), value) : null;
    return report ? [report] : [];
  }).sort((a, b) => b.changed.localeCompare(a.changed));
}

function parse(id: string, value: string): Report | null {
  try {
    const { title, body, author, changed } = JSON.parse(value);
    if ([title, body, author, changed].some((each) => typeof each !== "string")) return null;
    return { id, title, body, author, changed };
  } catch {
    return null;
  }
}

export function isTooLong({ title, body, author, changed }: Report): boolean {
  return JSON.stringify({ title, body, author, changed }).length > mostText;
}

export function saveReport(experiment: string, { id, title, body, author, changed }: Report): Promise<void> {
  return setExperimentTag(experiment, prefix + id, JSON.stringify({ title, body, author, changed }));
}

export function deleteReport(experiment: string, id: string): Promise<void> {
  return deleteExperimentTag(experiment, prefix + id);
}

/** A name for an address: letters, digits and dashes of the title, and some that nobody else has. */
export function newReportId(title: string): string {
  const words = title.toLowerCase().normalize("NFKD").replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "").slice(0, 40);
  return `${words || "report"}-${crypto.randomUUID().slice(0, 6)}`;
}
