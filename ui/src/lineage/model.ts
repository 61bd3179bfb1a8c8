import type { LineageEdge } from "./api.ts";

/** A thing, or many alike that are drawn as one. */
export interface LineageNode {
  id: string;
  kind: string;
  /** One ref, or all of a group in their order. */
  members: string[];
}

export interface DrawnEdge {
  from: string;
  to: string;
  relations: string[];
  /** Goes through things that are hidden. */
  bridged: boolean;
}

export interface LineageGraph {
  nodes: LineageNode[];
  edges: DrawnEdge[];
}

export const kindOf = (ref: string): string => ref.slice(0, Math.max(0, ref.indexOf(":")));

/** `dataset:sales@3` without its version. */
const baseOf = (ref: string): string => {
  const at = ref.lastIndexOf("@");
  return at > 0 && kindOf(ref) !== "file" ? ref.slice(0, at) : ref;
};

const versionOf = (ref: string): number => Number(ref.slice(ref.lastIndexOf("@") + 1));

export function graphOf(root: string, edges: readonly LineageEdge[]): LineageGraph {
  const ids = new Set([root]);
  const drawn = new Map<string, DrawnEdge>();
  for (const { source, target, relation } of edges) {
    ids.add(source).add(target);
    add(drawn, source, target, [relation], false);
  }
  return {
    nodes: [...ids].map((id) => ({ id, kind: kindOf(id), members: [id] })),
    edges: [...drawn.values()],
  };
}

function add(drawn: Map<string, DrawnEdge>, from: string, to: string, relations: string[], bridged: boolean): void {
  if (from === to) return;
  const key = `${from}\n${to}`;
  const old = drawn.get(key);
  if (old) old.relations = [...new Set([...old.relations, ...relations])];
  else drawn.set(key, { from, to, relations: [...new Set(relations)], bridged });
}

/** Fewer alike stay as they are. */
const least = 3;

/**
 * Draws alike things as one: versions of one thing that only follow each other (a dataset that grew day by day), and then
 * things of one kind that hang on the same neighbours (the files of those days). `keep` stays single: the start, what is
 * chosen, groups that somebody opened.
 */
export function group(graph: LineageGraph, keep: ReadonlySet<string>, opened: ReadonlySet<string>): LineageGraph {
  const versions = merge(graph, (node, neighbours) => {
    if (keep.has(node.id)) return null;
    const base = baseOf(node.id);
    if (base === node.id) return null;
    const isPlain = neighbours.every((other) =>
      baseOf(other) === base || ["file", "source", "object"].includes(kindOf(other))
    );
    return isPlain ? base : null;
  }, opened);
  return merge(versions, (node, neighbours) => {
    if (keep.has(node.id) || node.members.length > 1) return null;
    return neighbours.length === 0 ? null : `${node.kind} of ${[...neighbours].sort().join(" ")}`;
  }, opened);
}

function merge(
  graph: LineageGraph,
  keyOf: (node: LineageNode, neighbours: string[]) => string | null,
  opened: ReadonlySet<string>,
): LineageGraph {
  const around = new Map<string, string[]>();
  const note = (id: string, other: string) => {
    const list = around.get(id);
    if (list) list.push(other);
    else around.set(id, [other]);
  };
  for (const { from, to } of graph.edges) {
    note(from, to);
    note(to, from);
  }
  const groups = new Map<string, LineageNode[]>();
  for (const node of graph.nodes) {
    const key = keyOf(node, around.get(node.id) ?? []);
    if (key === null) continue;
    const id = "group " + key;
    if (opened.has(id)) continue;
    const list = groups.get(id);
    if (list) list.push(node);
    else groups.set(id, [node]);
  }
  const place = new Map<string, string>();
  const merged: LineageNode[] = [];
  for (const [id, nodes] of groups) {
    const [first] = nodes;
    if (!first || nodes.length < least) continue;
    const members = nodes.flatMap((node) => node.members).sort((a, b) =>
      versionOf(a) - versionOf(b) || (a < b ? -1 : 1)
    );
    merged.push({ id, kind: first.kind, members });
    for (const node of nodes) place.set(node.id, id);
  }
  const drawn = new Map<string, DrawnEdge>();
  for (const edge of graph.edges) {
    add(drawn, place.get(edge.from) ?? edge.from, place.get(edge.to) ?? edge.to, edge.relations, edge.bridged);
  }
  return {
    nodes: [...graph.nodes.filter((node) => !place.has(node.id)), ...merged],
    edges: withoutCircles([...drawn.values()]),
  };
}

/** Groups can stand before and after the same thing; of such a pair the edge that came first stays. */
function withoutCircles(edges: DrawnEdge[]): DrawnEdge[] {
  const seen = new Set<string>();
  return edges.filter(({ from, to }) => {
    if (seen.has(`${to}\n${from}`)) return false;
    seen.add(`${from}\n${to}`);
    return true;
  });
}

/** Leaves kinds out; what was connected through them stays connected. */
export function without(graph: LineageGraph, hidden: ReadonlySet<string>, keep: string): LineageGraph {
  if (hidden.size === 0) return graph;
  const gone = new Set(graph.nodes.filter((node) => hidden.has(node.kind) && node.id !== keep).map((node) => node.id));
  const next = new Map<string, DrawnEdge[]>();
  for (const edge of graph.edges) {
    const list = next.get(edge.from);
    if (list) list.push(edge);
    else next.set(edge.from, [edge]);
  }
  const drawn = new Map<string, DrawnEdge>();
  for (const { id } of graph.nodes) {
    if (gone.has(id)) continue;
    const seen = new Set<string>();
    const queue = (next.get(id) ?? []).map((edge) => ({ edge, relations: edge.relations, far: false }));
    for (let at = 0; at < queue.length; at++) {
      const item = queue[at];
      if (!item) break;
      const { edge, relations, far } = item;
      if (!gone.has(edge.to)) {
        add(drawn, id, edge.to, far ? [] : relations, far || edge.bridged);
      } else if (!seen.has(edge.to)) {
        seen.add(edge.to);
        for (const further of next.get(edge.to) ?? []) queue.push({ edge: further, relations: [], far: true });
      }
    }
  }
  return { nodes: graph.nodes.filter((node) => !gone.has(node.id)), edges: [...drawn.values()] };
}

/** Everything that a node was made from and that was made from it, itself included. */
export function connected(edges: readonly { from: string; to: string }[], start: string): Set<string> {
  const found = new Set([start]);
  for (const forward of [true, false]) {
    const next = new Map<string, string[]>();
    for (const { from, to } of edges) {
      const [a, b] = forward ? [from, to] : [to, from];
      const list = next.get(a);
      if (list) list.push(b);
      else next.set(a, [b]);
    }
    const queue = [start];
    const seen = new Set(queue);
    for (let at = 0; at < queue.length; at++) {
      for (const other of next.get(queue[at] ?? "") ?? []) {
        if (seen.has(other)) continue;
        seen.add(other);
        found.add(other);
        queue.push(other);
      }
    }
  }
  return found;
}

/** How many steps each ref is from the start, whichever way; for the list. */
export function distances(edges: readonly LineageEdge[], root: string): Map<string, number> {
  const around = new Map<string, string[]>();
  for (const { source, target } of edges) {
    for (const [a, b] of [[source, target], [target, source]] as const) {
      const list = around.get(a);
      if (list) list.push(b);
      else around.set(a, [b]);
    }
  }
  const found = new Map([[root, 0]]);
  const queue = [root];
  for (let at = 0; at < queue.length; at++) {
    const id = queue[at] ?? "";
    for (const other of around.get(id) ?? []) {
      if (found.has(other)) continue;
      found.set(other, (found.get(id) ?? 0) + 1);
      queue.push(other);
    }
  }
  return found;
}

/** A name that fits on a node. */
export function nameOf(node: LineageNode): { title: string; detail: string } {
  const [first = "", last = ""] = [node.members[0], node.members[node.members.length - 1]];
  if (node.members.length > 1) {
    const same = baseOf(first) === baseOf(last) && baseOf(first) !== first;
    return same
      ? {
        title: baseOf(first).slice(node.kind.length + 1),
        detail: `${node.members.length} versions, @${versionOf(first)} … @${versionOf(last)}`,
      }
      : { title: `${node.members.length} ${node.kind}s`, detail: nameOf({ ...node, members: [first] }).title + " …" };
  }
  const bare = first.slice(node.kind.length + 1);
  if (node.kind === "file") {
    const path = bare.split("#")[0] ?? bare;
    return { title: path.slice(path.lastIndexOf("/") + 1), detail: "file" };
  }
  const at = bare.lastIndexOf("@");
  const name = at > 0 ? bare.slice(0, at) : bare;
  const short = /^(m-)?[0-9a-f]{20,}$/.test(name) ? `${name.slice(0, 8)}…${name.slice(-4)}` : name;
  return { title: at > 0 ? `${short}@${bare.slice(at + 1)}` : short, detail: node.kind.replace("-", " ") };
}
