import type { LineageEdge } from "./api.ts";
import { connected, distances, graphOf, group, nameOf, without } from "./model.ts";

function equal(actual: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${a}\nis not\n${b}`);
}

const edge = (source: string, target: string, relation = "derive"): LineageEdge => ({ source, target, relation });
/** A dataset that grew by a file a day for 200 days; a model from its newest version. */
const days: LineageEdge[] = [
  edge("dataset:sales@200", "model:m@1", "trained-on"),
  edge("run:r", "model:m@1", "made-by"),
  edge("dataset:sales@200", "run:r", "input"),
];
for (let day = 1; day <= 200; day++) {
  if (day > 1) days.push(edge(`dataset:sales@${day - 1}`, `dataset:sales@${day}`, "append"));
  days.push(edge(`file:/data/day-${day}.csv`, `dataset:sales@${day}`, "append"));
}
const whole = graphOf("model:m@1", days);
const none = new Set<string>();

Deno.test("a chain of versions and its files become two nodes", () => {
  equal(whole.nodes.length, 402);
  const drawn = group(whole, new Set(["model:m@1"]), none);
  equal(drawn.nodes.map((node) => [node.kind, node.members.length]), [
    ["model", 1],
    ["dataset", 1],
    ["run", 1],
    ["file", 1],
    ["dataset", 199],
    ["file", 199],
  ]);
  const names = drawn.nodes.map(nameOf);
  equal(names[4], { title: "sales", detail: "199 versions, @1 … @199" });
  equal(names[5]?.title, "199 files");
});

Deno.test("a group that was opened stays open", () => {
  const drawn = group(whole, new Set(["model:m@1"]), new Set(["group dataset:sales"]));
  equal(drawn.nodes.length, 402);
});

Deno.test("hidden kinds leave a bridge", () => {
  const drawn = without(
    graphOf("model:m@1", [edge("dataset:a@1", "run:r", "input"), edge("run:r", "model:m@1", "made-by")]),
    new Set(["run"]),
    "model:m@1",
  );
  equal(drawn.nodes.map((node) => node.id), ["model:m@1", "dataset:a@1"]);
  equal(drawn.edges, [{ from: "dataset:a@1", to: "model:m@1", relations: [], bridged: true }]);
});

Deno.test("what hangs together, and how far", () => {
  const edges = [edge("a:1", "b:1"), edge("b:1", "c:1"), edge("a:1", "d:1")];
  equal([...connected(graphOf("b:1", edges).edges, "b:1")].sort(), ["a:1", "b:1", "c:1"]);
  equal([...distances(edges, "c:1")], [["c:1", 0], ["b:1", 1], ["a:1", 2], ["d:1", 3]]);
});

Deno.test("names on nodes", () => {
  const name = (ref: string) => nameOf({ id: ref, kind: ref.split(":")[0] ?? "", members: [ref] });
  equal(name("file:/a/b/products.parquet#sha256:0921"), { title: "products.parquet", detail: "file" });
  equal(name("pipeline-run:01a20d48b17b64c33763103ac2d38686"), { title: "01a20d48…8686", detail: "pipeline run" });
  equal(name("model:restock@5"), { title: "restock@5", detail: "model" });
});
