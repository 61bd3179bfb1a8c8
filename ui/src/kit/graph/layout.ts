/** A node as the layout needs it; sizes in px. */
export interface LayoutNode {
  id: string;
  width: number;
  height: number;
}

export interface LayoutEdge {
  from: string;
  to: string;
}

export interface Point {
  x: number;
  y: number;
}

export interface LaidOut {
  width: number;
  height: number;
  /** Centres. */
  nodes: Map<string, Point>;
  /** Bends of each edge, in the order given, from node border to node border. */
  edges: Point[][];
}

export type Direction = "LR" | "TB";

/**
 * Layers (Sugiyama) by dagre, which is loaded when the first graph is drawn. Edges that name unknown nodes are left out
 * and have no bends.
 */
export async function layOut(
  nodes: readonly LayoutNode[],
  edges: readonly LayoutEdge[],
  direction: Direction,
): Promise<LaidOut> {
  const { default: dagre } = await import("./dagre.ts");
  const graph = new dagre.graphlib.Graph({ multigraph: true });
  // Beyond a few hundred nodes the exact placement within a layer costs seconds and is not seen.
  const isLarge = nodes.length > 250;
  graph.setGraph({
    rankdir: direction,
    nodesep: direction === "LR" ? 18 : 36,
    ranksep: direction === "LR" ? 64 : 48,
    edgesep: 10,
    marginx: 16,
    marginy: 16,
    ranker: isLarge ? "longest-path" : "network-simplex",
  });
  for (const { id, width, height } of nodes) graph.setNode(id, { width, height });
  const known = new Set(nodes.map(({ id }) => id));
  for (const [index, { from, to }] of edges.entries()) {
    if (known.has(from) && known.has(to)) graph.setEdge(from, to, {}, String(index));
  }
  dagre.layout(graph);
  const size = graph.graph();
  return {
    width: size.width ?? 0,
    height: size.height ?? 0,
    nodes: new Map(nodes.map(({ id }) => {
      const { x, y } = graph.node(id);
      return [id, { x, y }];
    })),
    edges: edges.map(({ from, to }, index) =>
      known.has(from) && known.has(to)
        ? anchored(graph.edge(from, to, String(index)).points, graph.node(from), graph.node(to), direction)
        : []
    ),
  };
}

type Box = Point & { width: number; height: number };

/** Edges leave and enter in the middle of a side; dagre lets them end anywhere on the border. */
function anchored(points: Point[], from: Box, to: Box, direction: Direction): Point[] {
  const inner = points.slice(1, -1);
  const isForward = direction === "LR" ? to.x > from.x : to.y > from.y;
  if (!isForward) return points;
  return direction === "LR"
    ? [{ x: from.x + from.width / 2, y: from.y }, ...inner, { x: to.x - to.width / 2, y: to.y }]
    : [{ x: from.x, y: from.y + from.height / 2 }, ...inner, { x: to.x, y: to.y - to.height / 2 }];
}

/** A smooth path through the bends of an edge. */
export function edgePath(points: readonly Point[], direction: Direction): string {
  const first = points[0];
  if (!first) return "";
  let path = `M${first.x.toFixed(1)} ${first.y.toFixed(1)}`;
  for (let index = 1; index < points.length; index++) {
    const from = points[index - 1] ?? first;
    const to = points[index] ?? first;
    const [ax, ay, bx, by] = direction === "LR"
      ? [(from.x + to.x) / 2, from.y, (from.x + to.x) / 2, to.y]
      : [from.x, (from.y + to.y) / 2, to.x, (from.y + to.y) / 2];
    path += `C${ax.toFixed(1)} ${ay.toFixed(1)} ${bx.toFixed(1)} ${by.toFixed(1)} ${to.x.toFixed(1)} ${
      to.y.toFixed(1)
    }`;
  }
  return path;
}

export interface ViewBox {
  /** The graph's point at the window's left top. */
  x: number;
  y: number;
  scale: number;
}

export const leastScale = 0.08;
export const mostScale = 2;

/** Shows all of a graph, but no larger than it is. */
export function fit(graph: { width: number; height: number }, width: number, height: number): ViewBox {
  const scale = Math.max(leastScale, Math.min(1, width / Math.max(1, graph.width), height / Math.max(1, graph.height)));
  return {
    x: graph.width / 2 - width / scale / 2,
    y: graph.height / 2 - height / scale / 2,
    scale,
  };
}

/** Zooms so that the point under the pointer stays there. */
export function zoomAt(view: ViewBox, factor: number, px: number, py: number): ViewBox {
  const scale = Math.max(leastScale, Math.min(mostScale, view.scale * factor));
  return {
    x: view.x + px / view.scale - px / scale,
    y: view.y + py / view.scale - py / scale,
    scale,
  };
}

/** The node that lies next in a direction of the screen: near, and rather ahead than aside. */
export function neighbour(
  nodes: ReadonlyMap<string, Point>,
  from: string,
  key: "ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown",
): string | null {
  const start = nodes.get(from);
  if (!start) return null;
  let best: string | null = null;
  let least = Infinity;
  for (const [id, point] of nodes) {
    const dx = point.x - start.x;
    const dy = point.y - start.y;
    const [ahead, aside] = key === "ArrowLeft"
      ? [-dx, dy]
      : key === "ArrowRight"
      ? [dx, dy]
      : key === "ArrowUp"
      ? [-dy, dx]
      : [dy, dx];
    if (id === from || ahead <= 1) continue;
    const cost = ahead + 2.5 * Math.abs(aside);
    if (cost < least) {
      least = cost;
      best = id;
    }
  }
  return best;
}
