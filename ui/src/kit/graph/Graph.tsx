import {
  type KeyboardEvent,
  type PointerEvent,
  type ReactNode,
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { IconButton } from "../Button.tsx";
import { Skeleton } from "../States.tsx";
import { type Direction, edgePath, fit, type LaidOut, layOut, neighbour, type ViewBox, zoomAt } from "./layout.ts";
import { Minimap } from "./Minimap.tsx";

export interface GraphNode {
  id: string;
  /** In px; the content is drawn into exactly this. */
  width: number;
  height: number;
  /** For screen readers and the tooltip. */
  label: string;
}

export interface GraphEdge {
  from: string;
  to: string;
  label?: string;
  tone?: "neutral" | "good" | "warn" | "bad" | "info" | "faint";
  dashed?: boolean;
}

export interface GraphProps<N extends GraphNode> {
  /** For screen readers: "Lineage of model:restock@5". */
  label: string;
  nodes: readonly N[];
  edges: readonly GraphEdge[];
  direction?: Direction;
  renderNode: (node: N, state: { selected: boolean; dimmed: boolean }) => ReactNode;
  selected?: string | null;
  onSelect?: (id: string | null) => void;
  /** Enter or a double click on a node. */
  onOpen?: (node: N) => void;
  /** These stand out, all others fade; null or absent: none fades. */
  highlight?: ReadonlySet<string> | null;
  /** Seen first when the graph is larger than its window; else all is fitted. */
  focus?: string | null;
  minimap?: boolean;
}

/**
 * A directed graph in layers. Drag to pan, wheel to pan, Ctrl and wheel (or a pinch) to zoom; arrow keys go to the next
 * node that way, Enter opens it, + − 0 zoom and fit. 500 nodes stay fluent: moving only changes one transform.
 */
export function Graph<N extends GraphNode>(props: GraphProps<N>) {
  const { nodes, edges, direction = "LR", selected = null, highlight = null } = props;
  const box = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  const [graph, setGraph] = useState<LaidOut | null>(null);
  const [view, setView] = useState<ViewBox>({ x: 0, y: 0, scale: 1 });
  const touched = useRef(false);
  const drag = useRef<{ x: number; y: number; view: ViewBox } | null>(null);

  // The same nodes and edges are laid out once, however often the page draws them anew.
  const key = useMemo(
    () =>
      nodes.map((node) => `${node.id} ${node.width} ${node.height}`).join("\n") + "\n\n" +
      edges.map((edge) => `${edge.from} ${edge.to}`).join("\n") + direction,
    [nodes, edges, direction],
  );
  useEffect(() => {
    let isCurrent = true;
    void layOut(nodes, edges, direction).then((done) => {
      if (isCurrent) setGraph(done);
    });
    return () => {
      isCurrent = false;
    };
  }, [key]);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const measure = () => setSize({ width: element.clientWidth, height: element.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const centre = useCallback((id: string, scale: number) => {
    const point = graph?.nodes.get(id);
    if (point) setView({ x: point.x - size.width / 2 / scale, y: point.y - size.height / 2 / scale, scale });
  }, [graph, size.width, size.height]);

  const fitAll = useCallback(() => {
    if (!graph || size.width === 0) return;
    const all = fit(graph, size.width, size.height);
    const start = selected ?? props.focus ?? nodes[0]?.id;
    // Too small to read: rather a part of it at a size that can be read.
    if (all.scale < 0.5 && start && graph.nodes.has(start) && !touched.current) centre(start, 0.8);
    else setView(all);
  }, [graph, size.width, size.height, props.focus, selected]);

  // The first time and when the window changes, unless somebody has moved it already.
  useEffect(() => {
    if (!touched.current) fitAll();
  }, [fitAll]);

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    // React's own wheel listeners are passive and cannot keep the page from scrolling.
    const wheel = (event: WheelEvent) => {
      event.preventDefault();
      touched.current = true;
      const rect = element.getBoundingClientRect();
      setView((old) =>
        event.ctrlKey || event.metaKey
          ? zoomAt(old, Math.exp(-event.deltaY / 200), event.clientX - rect.left, event.clientY - rect.top)
          : { ...old, x: old.x + event.deltaX / old.scale, y: old.y + event.deltaY / old.scale }
      );
    };
    element.addEventListener("wheel", wheel, { passive: false });
    return () => element.removeEventListener("wheel", wheel);
  }, []);

  const zoom = (factor: number) => {
    touched.current = true;
    setView((old) => zoomAt(old, factor, size.width / 2, size.height / 2));
  };

  const reveal = (id: string) => {
    const point = graph?.nodes.get(id);
    if (!point) return;
    const x = (point.x - view.x) * view.scale;
    const y = (point.y - view.y) * view.scale;
    if (x < 80 || y < 40 || x > size.width - 80 || y > size.height - 40) centre(id, view.scale);
  };

  const press = (event: KeyboardEvent) => {
    if (event.target instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
    if (!graph) return;
    if (event.key === "+" || event.key === "=") zoom(1.25);
    else if (event.key === "-") zoom(0.8);
    else if (event.key === "0") {
      touched.current = true;
      setView(fit(graph, size.width, size.height));
    } else if (event.key === "Enter" && event.target === box.current) {
      const node = nodes.find(({ id }) => id === selected);
      if (node) props.onOpen?.(node);
    } else if (event.key.startsWith("Arrow")) {
      const here = selected ?? null;
      const to = here === null
        ? nodes[0]?.id ?? null
        : neighbour(graph.nodes, here, event.key as "ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown");
      if (to === null) return event.preventDefault();
      props.onSelect?.(to);
      reveal(to);
    } else return;
    event.preventDefault();
  };

  const down = (event: PointerEvent) => {
    if (event.button !== 0 || (event.target instanceof Element && event.target.closest("a, button, input"))) return;
    drag.current = { x: event.clientX, y: event.clientY, view };
  };
  const move = (event: PointerEvent<HTMLDivElement>) => {
    const from = drag.current;
    if (!from) return;
    const dx = event.clientX - from.x;
    const dy = event.clientY - from.y;
    if (!touchedBy(dx, dy) && !event.currentTarget.hasPointerCapture(event.pointerId)) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    touched.current = true;
    setView({ ...from.view, x: from.view.x - dx / view.scale, y: from.view.y - dy / view.scale });
  };
  const up = (event: PointerEvent) => {
    const from = drag.current;
    drag.current = null;
    if (!from || touchedBy(event.clientX - from.x, event.clientY - from.y)) return;
    const id = event.target instanceof Element
      ? event.target.closest<HTMLElement>("[data-node]")?.dataset["node"]
      : undefined;
    props.onSelect?.(id ?? null);
  };

  const activeId = selected === null ? undefined : `graph-node-${selected.replace(/[^\w-]/g, "_")}`;
  return (
    <div className="graph">
      <div
        ref={box}
        className={view.scale < 0.4 ? "graph-view graph-far" : "graph-view"}
        role="listbox"
        aria-label={props.label}
        aria-activedescendant={activeId}
        tabIndex={0}
        onKeyDown={press}
        onPointerDown={down}
        onPointerMove={move}
        onPointerUp={up}
        onPointerCancel={() => drag.current = null}
      >
        {graph
          ? (
            <div
              className="graph-world"
              role="presentation"
              style={{
                width: graph.width,
                height: graph.height,
                transform: `scale(${view.scale}) translate(${-view.x}px, ${-view.y}px)`,
              }}
            >
              <Edges graph={graph} edges={edges} direction={direction} highlight={highlight} selected={selected} />
              {nodes.map((node) => {
                const point = graph.nodes.get(node.id);
                if (!point) return null;
                const isSelected = node.id === selected;
                const isDimmed = highlight !== null && !highlight.has(node.id);
                return (
                  <div
                    key={node.id}
                    id={`graph-node-${node.id.replace(/[^\w-]/g, "_")}`}
                    data-node={node.id}
                    role="option"
                    aria-selected={isSelected}
                    aria-label={node.label}
                    title={node.label}
                    className={`graph-node${isSelected ? " graph-selected" : ""}${isDimmed ? " graph-dimmed" : ""}`}
                    style={{
                      width: node.width,
                      height: node.height,
                      transform: `translate(${point.x - node.width / 2}px, ${point.y - node.height / 2}px)`,
                    }}
                    onDoubleClick={() => props.onOpen?.(node)}
                  >
                    {props.renderNode(node, { selected: isSelected, dimmed: isDimmed })}
                  </div>
                );
              })}
            </div>
          )
          : (
            <div className="graph-wait">
              <Skeleton rows={4} />
            </div>
          )}
      </div>
      <div className="graph-tools">
        <IconButton icon="plus" label="Zoom in (+)" small onClick={() => zoom(1.25)} />
        <IconButton icon="minus" label="Zoom out (−)" small onClick={() => zoom(0.8)} />
        <IconButton
          icon="fit"
          label="Fit all (0)"
          small
          onClick={() => {
            touched.current = true;
            if (graph) setView(fit(graph, size.width, size.height));
          }}
        />
        <span className="graph-scale">{Math.round(view.scale * 100)} %</span>
      </div>
      {graph && (props.minimap ?? nodes.length > 24) && (
        <Minimap
          graph={graph}
          nodes={nodes}
          view={view}
          size={size}
          highlight={highlight}
          onMove={(x, y) => {
            touched.current = true;
            setView((old) => ({ ...old, x: x - size.width / 2 / old.scale, y: y - size.height / 2 / old.scale }));
          }}
        />
      )}
    </div>
  );
}

/** A press that moved so far is a drag and no click. */
function touchedBy(dx: number, dy: number): boolean {
  return Math.abs(dx) + Math.abs(dy) > 4;
}

function Edges(
  { graph, edges, direction, highlight, selected }: {
    graph: LaidOut;
    edges: readonly GraphEdge[];
    direction: Direction;
    highlight: ReadonlySet<string> | null;
    selected: string | null;
  },
) {
  return (
    <svg className="graph-edges" width={graph.width} height={graph.height} aria-hidden>
      <defs>
        <marker
          id="graph-arrow"
          viewBox="0 0 8 8"
          refX="7"
          refY="4"
          markerWidth="7"
          markerHeight="7"
          orient="auto-start-reverse"
        >
          <path d="M0 0.8 7 4 0 7.2Z" fill="context-stroke" />
        </marker>
      </defs>
      {edges.map((edge, index) => {
        const points = graph.edges[index] ?? [];
        if (points.length === 0) return null;
        const isDimmed = highlight !== null && !(highlight.has(edge.from) && highlight.has(edge.to));
        const isNear = selected !== null && (edge.from === selected || edge.to === selected);
        const middle = points[Math.floor(points.length / 2)];
        return (
          <g
            key={index}
            className={`graph-edge graph-edge-${edge.tone ?? "neutral"}${isDimmed ? " graph-dimmed" : ""}${
              isNear ? " graph-near" : ""
            }`}
          >
            <path
              d={edgePath(points, direction)}
              strokeDasharray={edge.dashed ? "5 4" : undefined}
              markerEnd="url(#graph-arrow)"
            />
            {edge.label && middle && <text x={middle.x} y={middle.y - 5} textAnchor="middle">{edge.label}</text>}
          </g>
        );
      })}
    </svg>
  );
}
