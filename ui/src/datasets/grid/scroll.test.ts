import {
  barFor,
  barHeight,
  type Place,
  reveal,
  scrolled,
  type Space,
  tallest,
  visible,
  visibleColumns,
} from "./scroll.ts";

function equal(have: unknown, want: unknown): void {
  const [a, b] = [JSON.stringify(have), JSON.stringify(want)];
  if (a !== b) throw new Error(`${a} is not ${b}`);
}

const few: Space = { rows: 100, rowHeight: 28, view: 600 };
const many: Space = { rows: 20_000_000, rowHeight: 28, view: 600 };

Deno.test("a short list scrolls as it lies", () => {
  equal(barHeight(few), 2800);
  equal(scrolled(few, { top: 0, bar: 0 }, 1500), { top: 1500, bar: 1500 });
  equal(barFor(few, 1500), 1500);
});

Deno.test("a long list: small steps are pixels, large ones shares", () => {
  equal(barHeight(many), tallest);
  const from: Place = { top: 1_000_000, bar: 14_286 };
  equal(scrolled(many, from, 14_386), { top: 1_000_100, bar: 14_386 });
  const half = (tallest - 600) / 2;
  equal(scrolled(many, from, half).top, (20_000_000 * 28 - 600) / 2);
});

Deno.test("both ends can be reached", () => {
  equal(scrolled(many, { top: 300, bar: 200 }, 0), { top: 0, bar: 0 });
  const end = tallest - 600;
  equal(scrolled(many, { top: 0, bar: end - 10 }, end).top, 20_000_000 * 28 - 600);
});

Deno.test("a row is revealed with the least movement, from afar in the middle", () => {
  equal(reveal(few, { top: 0, bar: 0 }, 3), { top: 0, bar: 0 });
  equal(reveal(few, { top: 0, bar: 0 }, 30).top, 31 * 28 - 600);
  equal(reveal(few, { top: 1000, bar: 1000 }, 3).top, 84);
  equal(reveal(many, { top: 0, bar: 0 }, 10_000_000, true).top, 280_000_000 - 300);
});

Deno.test("what is laid out is what can be seen and a little more", () => {
  equal(visible(few, 0, 2), { first: 0, last: 24 });
  equal(visible(few, 2200, 2), { first: 76, last: 100 });
  equal(visibleColumns([100, 100, 100, 100, 100], 250, 100, 0), { first: 2, last: 4, before: 200 });
  equal(visibleColumns([], 0, 100), { first: 0, last: 0, before: 0 });
});
