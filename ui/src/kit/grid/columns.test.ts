import { equal } from "../../testing.ts";
import {
  arrange,
  type Column,
  type ColumnLayout,
  moveColumn,
  togglePinned,
  toggleShown,
  visibleColumns,
} from "./columns.ts";
import { layoutCodec, sortCodec } from "./urlCodecs.ts";

const columns: Column<object>[] = [
  { id: "name", header: "Name", pinned: true, fixed: true, width: 200 },
  { id: "a", header: "A", width: 100 },
  { id: "b", header: "B", width: 100, grow: true },
  { id: "c", header: "C", width: 100, hidden: true },
];
const shown = (layout: ColumnLayout) => visibleColumns(columns, layout).map(({ id }) => id);
const column = (id: string) => columns.find((each) => each.id === id) ?? columns[0]!;

Deno.test("columns are shown, hidden, pinned and moved", () => {
  equal(shown({}), ["name", "a", "b"]);
  equal(shown(toggleShown({}, column("c"))), ["name", "a", "b", "c"]);
  equal(shown(toggleShown({}, column("a"))), ["name", "b"]);
  equal(shown(toggleShown(toggleShown({}, column("a")), column("a"))), ["name", "a", "b"]);
  equal(shown({ hidden: ["name"] }), ["name", "a", "b"]);
  equal(shown(togglePinned({}, column("b"))), ["name", "b", "a"]);
  equal(shown(togglePinned({}, column("name"))), ["name", "a", "b"]);
  equal(shown(moveColumn(columns, {}, "b", "a")), ["name", "b", "a"]);
  equal(shown(moveColumn(columns, {}, "a", null)), ["name", "b", "a"]);
});

Deno.test("a column that the order does not know stands after its neighbour", () => {
  equal(shown({ order: ["b", "a"], shown: ["c"] }), ["name", "b", "c", "a"]);
});

Deno.test("room that is left goes to growing columns", () => {
  const { scrolled, pinnedWidth, width } = arrange(columns, {}, 700);
  equal({ pinnedWidth, width, widths: scrolled.map((each) => each.width) }, {
    pinnedWidth: 200,
    width: 500,
    widths: [100, 400],
  });
  equal(arrange(columns, { widths: { b: 120 } }, 700).width, 220);
});

Deno.test("layout and sort survive the URL", () => {
  const layout: ColumnLayout = { order: ["a,b", "c;d"], hidden: ["x:y"], widths: { "m=1": 120 } };
  equal(layoutCodec.read(layoutCodec.write(layout) ?? ""), layout);
  equal(layoutCodec.write({}), null);
  equal(sortCodec.read("-started"), { column: "started", descending: true });
  equal(sortCodec.write({ column: "metrics.a", descending: false }), "metrics.a");
});
