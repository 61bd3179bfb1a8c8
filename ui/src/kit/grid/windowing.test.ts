import { horizontalWindow, mostHeight, pagesOf, scrollToRow, verticalWindow } from "./windowing.ts";
import { equal } from "../../testing.ts";

Deno.test("a short list is drawn from its scroll position", () => {
  equal(verticalWindow(1000, 32, 3200, 640, 2), { height: 32_000, rows: { from: 98, to: 122 }, offset: 98 * 32 });
});

Deno.test("the last row of ten million is reached at the end of the scroll bar", () => {
  const count = 10_000_000;
  const view = 640;
  const end = verticalWindow(count, 32, mostHeight - view, view, 0);
  equal(end.height, mostHeight);
  equal(end.rows, { from: count - 20, to: count });
  // The last row ends where the view ends.
  equal(end.offset + 20 * 32, mostHeight);
});

Deno.test("scrolling to a row shows it and moves no more than needed", () => {
  for (const count of [100, 100_000, 10_000_000]) {
    for (const row of [0, 57, Math.floor(count / 2), count - 1]) {
      const top = scrollToRow(row, count, 32, 0, 640);
      const { rows } = verticalWindow(count, 32, top, 640, 0);
      equal({ count, row, isSeen: rows.from <= row && row < rows.to }, { count, row, isSeen: true });
    }
  }
  equal(scrollToRow(5, 1000, 32, 100, 640), 100);
});

Deno.test("columns that are seen, with neighbours", () => {
  const placed = Array.from({ length: 50 }, (_, index) => ({ left: index * 100, width: 100 }));
  equal(horizontalWindow(placed, 1000, 300, 1), { from: 9, to: 14 });
  equal(horizontalWindow(placed, 0, 300, 2), { from: 0, to: 5 });
  equal(horizontalWindow([], 0, 300), { from: 0, to: 0 });
});

Deno.test("pages of rows", () => {
  equal(pagesOf({ from: 180, to: 420 }, 200), [0, 1, 2]);
  equal(pagesOf({ from: 200, to: 400 }, 200), [1]);
});
