export { Graph, type GraphEdge, type GraphNode, type GraphProps } from "./Graph.tsx";
export { collapse, type Collapsed } from "./collapse.ts";
