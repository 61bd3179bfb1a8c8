/** The part of dagre that the layout uses. */
interface Size {
  width: number;
  height: number;
}

declare class Graph {
  constructor(options: { multigraph?: boolean });
  setGraph(options: Record<string, string | number>): void;
  graph(): Partial<Size>;
  setNode(id: string, size: Size): void;
  node(id: string): Size & { x: number; y: number };
  setEdge(from: string, to: string, label: object, name: string): void;
  edge(from: string, to: string, name: string): { points: { x: number; y: number }[] };
}

declare const dagre: { graphlib: { Graph: typeof Graph }; layout(graph: Graph): void };
export default dagre;
