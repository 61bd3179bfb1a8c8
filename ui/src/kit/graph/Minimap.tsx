import type { PointerEvent } from "react";
import type { LaidOut, LayoutNode, ViewBox } from "./layout.ts";

const width = 180;
const height = 120;

/** All of a graph in small, with what is seen now; press or drag to go there. */
export function Minimap(
  { graph, nodes, view, size, highlight, onMove }: {
    graph: LaidOut;
    nodes: readonly LayoutNode[];
    view: ViewBox;
    size: { width: number; height: number };
    highlight: ReadonlySet<string> | null;
    /** To the point of the graph that shall be in the middle. */
    onMove: (x: number, y: number) => void;
  },
) {
  const scale = Math.min(width / Math.max(1, graph.width), height / Math.max(1, graph.height));
  const go = (event: PointerEvent<SVGSVGElement>) => {
    if (event.buttons !== 1) return;
    const rect = event.currentTarget.getBoundingClientRect();
    onMove((event.clientX - rect.left) / scale, (event.clientY - rect.top) / scale);
  };
  return (
    <svg
      className="graph-minimap"
      width={graph.width * scale}
      height={graph.height * scale}
      aria-hidden
      onPointerDown={go}
      onPointerMove={go}
    >
      {nodes.map((node) => {
        const point = graph.nodes.get(node.id);
        return point && (
          <rect
            key={node.id}
            x={(point.x - node.width / 2) * scale}
            y={(point.y - node.height / 2) * scale}
            width={Math.max(2, node.width * scale)}
            height={Math.max(2, node.height * scale)}
            className={highlight?.has(node.id) ? "graph-minimap-near" : undefined}
          />
        );
      })}
      <rect
        className="graph-minimap-view"
        x={view.x * scale}
        y={view.y * scale}
        width={size.width / view.scale * scale}
        height={size.height / view.scale * scale}
      />
    </svg>
  );
}
