import { pathTo } from "../app/paths.ts";

export type DatasetTab =
  | "rows"
  | "files"
  | "history"
  | "diff"
  | "merges"
  | "quality"
  | "slices"
  | "lineage"
  | "card"
  | "settings";

export function datasetPath(
  project: string,
  name: string,
  more: { v?: number | string | null; tab?: DatasetTab; [name: string]: string | number | null | undefined } = {},
): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(more)) {
    if (value !== null && value !== undefined && value !== "") query.set(key, String(value));
  }
  const text = query.toString();
  return pathTo("/p/:project/datasets/:name", { project, name }) + (text ? "?" + text : "");
}

export function slicePath(project: string, name: string): string {
  return pathTo("/p/:project/slices/:name", { project, name });
}

export function sourcePath(project: string, name: string): string {
  return pathTo("/p/:project/sources/:name", { project, name });
}

export function mergePath(project: string, dataset: string, id: string): string {
  return pathTo("/p/:project/datasets/:name/merges/:id", { project, name: dataset, id });
}

export function comparePath(project: string, left: string, right: string): string {
  return `${pathTo("/p/:project/compare-data", { project })}?${new URLSearchParams({ left, right })}`;
}
