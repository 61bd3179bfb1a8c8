import { pathTo } from "../app/paths.ts";

/** The paths of this feature's pages. */
export const routes = {
  experiments: "/p/:project/experiments",
  experiment: "/p/:project/experiments/:experiment",
  report: "/p/:project/experiments/:experiment/reports/:report",
  compare: "/p/:project/compare/runs",
  run: "/p/:project/runs/:run",
  loggedModel: "/p/:project/logged-models/:model",
} as const;

export function runPath(project: string, run: string): string {
  return pathTo(routes.run, { project, run });
}

export function experimentPath(project: string, experiment: string): string {
  return pathTo(routes.experiment, { project, experiment });
}

export function comparePath(project: string, runs: readonly string[]): string {
  return `${pathTo(routes.compare, { project })}?runs=${runs.join(",")}`;
}

export function reportPath(project: string, experiment: string, report: string): string {
  return pathTo(routes.report, { project, experiment, report });
}
