import { equal } from "../../testing.ts";
import { collapse } from "./collapse.ts";
import { fit, neighbour, zoomAt } from "./layout.ts";

Deno.test("folding hides what is reached through the folded node only", () => {
  const ids = ["a", "b", "c", "d", "e", "alone"];
  const edges = [["a", "b"], ["a", "c"], ["b", "d"], ["c", "d"], ["b", "e"]].map(([from = "", to = ""]) => ({
    from,
    to,
  }));
  equal(collapse(ids, edges, new Set(["b"]), ["a"]), {
    shown: new Set(["a", "b", "c", "d", "alone"]),
    hidden: new Map([["b", 1]]),
  });
  equal(collapse(ids, edges, new Set(["d"]), ["d"], "backward").shown, new Set(["d", "e", "alone"]));
});

Deno.test("zooming keeps the point under the pointer", () => {
  const view = { x: 100, y: 50, scale: 1 };
  const next = zoomAt(view, 2, 30, 40);
  equal([next.x + 30 / next.scale, next.y + 40 / next.scale], [130, 90]);
  equal(zoomAt(view, 1000, 0, 0).scale, 2);
});

Deno.test("a small graph is fitted at its own size, in the middle", () => {
  equal(fit({ width: 100, height: 50 }, 500, 250), { x: -200, y: -100, scale: 1 });
  equal(fit({ width: 1000, height: 50 }, 500, 250).scale, 0.5);
});

Deno.test("arrow keys go to the nearest node that way", () => {
  const nodes = new Map([["a", { x: 0, y: 0 }], ["b", { x: 100, y: 10 }], ["c", { x: 100, y: 90 }], ["d", {
    x: 0,
    y: 60,
  }]]);
  equal((["ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp"] as const).map((key) => neighbour(nodes, "a", key)), [
    "b",
    "d",
    null,
    null,
  ]);
});
