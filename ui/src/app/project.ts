import { useQuery } from "../api/hooks.ts";
import type { Principal, Project } from "../api/types.ts";
import { useLocation } from "./router.tsx";

/** The project of a path: "/p/restock/datasets" is in restock. */
export function projectOf(path: string): string | null {
  const name = /^\/p\/([^/]+)/.exec(path)?.[1];
  return name === undefined ? null : decodeURIComponent(name);
}

/** The project that the reader is in, or null outside of projects. */
export function useProject(): string | null {
  return projectOf(useLocation().path);
}

export function useProjects(): Project[] {
  return useQuery("/api/v1/projects", { query: { limit: 200 } }, { live: ["project."], fresh: 60_000 }).data?.items ??
    [];
}

/** Who is signed in. */
export function usePrincipal(): Principal | undefined {
  return useQuery("/api/v1/whoami", {}, { fresh: 300_000 }).data;
}

/**
 * Whether the reader has a permission (`"models.approve"`, the table is in docs/access.md) in a project, or in general.
 * Only for leaving out what would be refused anyway: the server decides.
 */
export function useMay(permission: string, project: string | null = useProject()): boolean {
  const { data, error } = useQuery("/api/v1/session", {}, { fresh: 300_000, live: ["member."] });
  // If nobody can say, what the reader tries will tell.
  if (!data) return error !== undefined;
  const { general, projects } = data.permissions;
  return ((project === null ? undefined : projects[project]) ?? general).includes(permission);
}
