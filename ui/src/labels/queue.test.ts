import { type QueueServer, WorkQueue } from "./queue.ts";
import { ApiError } from "../api/errors.ts";
import type { HeldItem } from "./api.ts";

const item = (number: number): HeldItem => ({
  item: number,
  key: [String(number)],
  extent: null,
  prelabels: [],
  draft: null,
  comment: null,
  leaseEnds: null,
});

/** A server with so many items, of which one at most refuses. */
function server(count: number, refused?: number): QueueServer & { said: [number, unknown][] } {
  let open = Array.from({ length: count }, (_, index) => index + 1);
  const said: [number, unknown][] = [];
  return {
    said,
    next: (want) => Promise.resolve(open.slice(0, want).map(item)),
    row: (number) => Promise.resolve({ item: number, row: { id: number } }),
    submit: (number, value) => {
      if (number === refused) return Promise.reject(new ApiError("conflict", "somebody was faster"));
      open = open.filter((one) => one !== number);
      said.push([number, value]);
      return Promise.resolve();
    },
    skip: (number) => {
      open = open.filter((one) => one !== number);
      return Promise.resolve();
    },
    undo: () => {
      const [number, value] = said.pop() ?? [0, null];
      open = [number, ...open];
      return Promise.resolve({ ...item(number), draft: value as string });
    },
    draft: () => Promise.resolve(),
  };
}

function equal(actual: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${a} is not ${b}`);
}

Deno.test("25 items are labelled each once, and then it is over", async () => {
  const fake = server(25);
  const queue = new WorkQueue(fake);
  await queue.fill();
  while (queue.state().current) await queue.submit("x");
  await queue.fill();
  equal(fake.said.map(([number]) => number), Array.from({ length: 25 }, (_, index) => index + 1));
  equal([queue.state().isOver, queue.state().done], [true, 25]);
});

Deno.test("what is refused comes back with what was said", async () => {
  const queue = new WorkQueue(server(3, 1));
  await queue.fill();
  await queue.submit("seven");
  const state = queue.state();
  equal([state.current?.held.item, state.current?.held.draft, state.error, state.done], [
    1,
    "seven",
    "somebody was faster",
    0,
  ]);
});

Deno.test("undo brings the last one back to the front, skipping passes it over", async () => {
  const queue = new WorkQueue(server(4));
  await queue.fill();
  void queue.submit("a");
  await queue.undo();
  equal([queue.state().current?.held.item, queue.state().current?.held.draft, queue.state().done], [1, "a", 0]);
  await queue.skip("torn");
  equal(queue.state().current?.held.item, 2);
});
