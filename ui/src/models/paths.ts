import { pathTo } from "../app/paths.ts";

/** The paths of this feature's pages. */
export const routes = {
  models: "/p/:project/models",
  model: "/p/:project/models/:model",
  version: "/p/:project/models/:model/versions/:version",
  compare: "/p/:project/models/:model/compare",
} as const;

export function modelPath(project: string, model: string): string {
  return pathTo(routes.model, { project, model });
}

export function versionPath(project: string, model: string, version: string | number): string {
  return pathTo(routes.version, { project, model, version: String(version) });
}

export function comparePath(project: string, model: string, left: number, right: number): string {
  return `${pathTo(routes.compare, { project, model })}?left=${left}&right=${right}`;
}
