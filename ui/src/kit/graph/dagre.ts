// Types of dagre's that we know; a module of its own, so that it loads with the first graph.
// @ts-types="./dagreTypes.d.ts"
import dagre from "dagre";

export default dagre;
