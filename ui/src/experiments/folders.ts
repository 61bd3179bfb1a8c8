import type { Experiment } from "./api.ts";
import { byName } from "./fields.ts";

/** A row of the list: a folder, which is a part of names before a slash, or an experiment. */
export type ListRow =
  | { kind: "folder"; name: string; path: string; count: number }
  | { kind: "experiment"; name: string; experiment: Experiment };

/** What is in a folder: folders first. A search looks through all folders and shows whole names. */
export function rowsIn(experiments: readonly Experiment[], folder: string, search: string): ListRow[] {
  const wanted = search.trim().toLowerCase();
  if (wanted) {
    return experiments.filter((each) => each.name.toLowerCase().includes(wanted))
      .map((experiment) => ({ kind: "experiment", name: experiment.name, experiment }));
  }
  const prefix = folder === "" ? "" : folder + "/";
  const folders = new Map<string, number>();
  const here: ListRow[] = [];
  for (const experiment of experiments) {
    if (!experiment.name.startsWith(prefix)) continue;
    const rest = experiment.name.slice(prefix.length);
    const slash = rest.indexOf("/");
    if (slash > 0) folders.set(rest.slice(0, slash), (folders.get(rest.slice(0, slash)) ?? 0) + 1);
    else here.push({ kind: "experiment", name: rest || experiment.name, experiment });
  }
  return [
    ...byName(folders.keys()).map((name): ListRow => ({
      kind: "folder",
      name,
      path: prefix + name,
      count: folders.get(name) ?? 0,
    })),
    ...here,
  ];
}
