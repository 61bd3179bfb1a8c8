export interface LineageEdge {
  source: string;
  target: string;
  relation: string;
}

export interface FoldedNode {
  id: string;
  /** The ref to go to: the newest version of those that are folded. */
  ref: string;
  detail: string;
}

/** How many versions of one thing are shown one by one. */
const shown = 2;

const versionOf = (ref: string) => Number(/@(\d+)(?:\.\d+)?$/.exec(ref)?.[1] ?? NaN);
const nameOf = (ref: string) => ref.replace(/@[^@]*$/, "");

/** Many versions of one thing become one node, but for the one that it is about; files are known by their last name. */
export function fold(
  edges: readonly LineageEdge[],
  center: string,
  most = shown,
): { nodes: FoldedNode[]; edges: LineageEdge[] } {
  const refs = new Set<string>([center, ...edges.flatMap((edge) => [edge.source, edge.target])]);
  const families = new Map<string, string[]>();
  for (const ref of refs) {
    if (ref === center || Number.isNaN(versionOf(ref))) continue;
    families.set(nameOf(ref), [...families.get(nameOf(ref)) ?? [], ref]);
  }
  const places = new Map<string, string>();
  const nodes = new Map<string, FoldedNode>();
  for (const ref of refs) {
    const family = families.get(nameOf(ref)) ?? [];
    if (ref !== center && family.length > most && !Number.isNaN(versionOf(ref))) {
      const sorted = [...family].sort((a, b) => versionOf(a) - versionOf(b));
      const id = `${nameOf(ref)}@…`;
      places.set(ref, id);
      nodes.set(id, {
        id,
        ref: sorted.at(-1)!,
        detail: `${family.length} versions, ${versionOf(sorted[0]!)} to ${versionOf(sorted.at(-1)!)}`,
      });
    } else {
      places.set(ref, ref);
      const selector = /@([^@]+)$/.exec(ref)?.[1];
      nodes.set(ref, {
        id: ref,
        ref,
        detail: `${ref.slice(0, ref.indexOf(":"))}${
          selector && ref.indexOf(":") > 0 && !ref.startsWith("file:") ? ` @${selector}` : ""
        }`,
      });
    }
  }
  const seen = new Map<string, LineageEdge>();
  for (const { source, target, relation } of edges) {
    const edge = { source: places.get(source)!, target: places.get(target)!, relation };
    if (edge.source !== edge.target) seen.set(`${edge.source}\n${edge.target}`, edge);
  }
  return { nodes: [...nodes.values()], edges: [...seen.values()] };
}
