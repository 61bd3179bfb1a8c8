import type { RowsPage } from "../api.ts";
import { type Ask, PagedRows } from "./rowSource.ts";

function equal(have: unknown, want: unknown): void {
  const [a, b] = [JSON.stringify(have), JSON.stringify(want)];
  if (a !== b) throw new Error(`${a} is not ${b}`);
}

/** A server with rows 0 … total − 1 that tells the total only when it was asked for a place. */
function server(total: number) {
  const asked: Ask[] = [];
  const ask = (question: Ask): Promise<RowsPage> => {
    asked.push(question);
    const from = question.at ?? 0;
    const numbers = Array.from({ length: Math.max(0, Math.min(question.limit, total - from)) }, (_, i) => from + i);
    return Promise.resolve({
      columns: [{ name: "n", type: "BIGINT" }],
      rows: numbers.map((n) => [n]),
      rowNumbers: numbers,
      truncated: from + question.limit < total,
      ...(question.at === undefined ? {} : { position: from, total }),
    });
  };
  return { ask, asked };
}

const until = async (holds: () => boolean) => {
  for (const end = Date.now() + 2000; !holds();) {
    if (Date.now() > end) throw new Error("it never came to be");
    await new Promise((done) => setTimeout(done, 5));
  }
};

Deno.test("the first rows come without an index, then the count", async () => {
  const { ask, asked } = server(10_000_000);
  const rows = new PagedRows(ask);
  await until(() => rows.counted);
  equal([rows.count, rows.row(199), asked], [10_000_000, [199], [{ limit: 200 }, { at: 0, limit: 1 }]]);
  rows.close();
});

Deno.test("any place is one request away, and places that are passed by are not asked for", async () => {
  const { ask, asked } = server(10_000_000);
  const rows = new PagedRows(ask);
  await until(() => rows.counted);
  for (let place = 0; place < 9_000_000; place += 1_000_000) rows.want(place, place + 30);
  rows.want(9_000_050, 9_000_080);
  await until(() => rows.row(9_000_199 + 1) !== undefined && rows.row(9_000_000 - 1) !== undefined);
  equal(asked.slice(2).map((each) => each.at), [9_000_000, 9_000_200, 8_999_800]);
  equal([rows.row(9_000_050), rows.rowNumber(9_000_060), rows.row(5)], [[9_000_050], 9_000_060, [5]]);
  rows.close();
});

Deno.test("a failure is told, and asking again goes on", async () => {
  const { ask } = server(1000);
  let broken = true;
  const rows = new PagedRows((question) => broken ? Promise.reject(new Error("no")) : ask(question));
  await until(() => rows.error !== undefined);
  equal([rows.error?.message, rows.loading], ["no", false]);
  broken = false;
  rows.retry();
  await until(() => rows.counted);
  equal([rows.error ?? null, rows.count], [null, 1000]);
  rows.close();
});
