import { pathTo } from "../app/paths.ts";

export const labellingPath = (project: string) => pathTo("/p/:project/labelling", { project });
export const taskPath = (project: string, task: string) => pathTo("/p/:project/labelling/:task", { project, task });
export const workPath = (project: string, task: string) =>
  pathTo("/p/:project/labelling/:task/work", { project, task });
export const itemPath = (project: string, task: string, item: number) =>
  pathTo("/p/:project/labelling/:task/items/:item", { project, task, item: String(item) });
