import type { LayoutEdge } from "./layout.ts";

export interface Collapsed {
  /** Nodes that stay. */
  shown: Set<string>;
  /** How many nodes each folded node hides. */
  hidden: Map<string, number>;
}

/**
 * Folds nodes: what is reached from a root only through a folded node disappears. `edges` point away from the roots; with
 * "backward" they point towards them.
 */
export function collapse(
  ids: readonly string[],
  edges: readonly LayoutEdge[],
  folded: ReadonlySet<string>,
  roots: readonly string[],
  towards: "forward" | "backward" = "forward",
): Collapsed {
  const next = new Map<string, string[]>();
  for (const { from, to } of edges) {
    const [a, b] = towards === "forward" ? [from, to] : [to, from];
    const list = next.get(a);
    if (list) list.push(b);
    else next.set(a, [b]);
  }
  const walk = (starts: readonly string[], stops: ReadonlySet<string>) => {
    const seen = new Set<string>(starts);
    const queue = [...starts];
    for (let at = 0; at < queue.length; at++) {
      const id = queue[at] ?? "";
      if (stops.has(id)) continue;
      for (const each of next.get(id) ?? []) {
        if (seen.has(each)) continue;
        seen.add(each);
        queue.push(each);
      }
    }
    return seen;
  };
  const reached = walk(roots, folded);
  // What no root reaches at all is not hidden by folding.
  const all = walk(roots, new Set());
  const shown = new Set(ids.filter((id) => reached.has(id) || !all.has(id)));
  const hidden = new Map<string, number>();
  for (const id of folded) {
    if (!shown.has(id)) continue;
    let count = 0;
    for (const each of walk([id], new Set())) if (!shown.has(each)) count += 1;
    if (count > 0) hidden.set(id, count);
  }
  return { shown, hidden };
}
