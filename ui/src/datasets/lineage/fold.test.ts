import { fold } from "./fold.ts";

Deno.test("many versions of one thing are one node, the one it is about stays", () => {
  const edges = [1, 2, 3].map((version) => ({
    source: `dataset:a@${version}`,
    target: `dataset:a@${version + 1}`,
    relation: "parent",
  }));
  const { nodes, edges: folded } = fold([...edges, {
    source: "file:/x.csv",
    target: "dataset:a@1",
    relation: "import",
  }], "dataset:a@4");
  const found = JSON.stringify([
    nodes.map((node) => [node.id, node.ref]),
    folded.map((edge) => [edge.source, edge.target]),
  ]);
  const wanted = JSON.stringify([
    [["dataset:a@4", "dataset:a@4"], ["dataset:a@…", "dataset:a@3"], ["file:/x.csv", "file:/x.csv"]],
    [["dataset:a@…", "dataset:a@4"], ["file:/x.csv", "dataset:a@…"]],
  ]);
  if (found !== wanted) throw new Error(found);
});
