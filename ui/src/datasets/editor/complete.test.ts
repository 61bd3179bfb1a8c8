import { completeFilter, completeSQL, literal, quoted } from "./complete.ts";

function equal(have: unknown, want: unknown): void {
  const [a, b] = [JSON.stringify(have), JSON.stringify(want)];
  if (a !== b) throw new Error(`${a} is not ${b}`);
}

const columns = [{ name: "price", type: "DOUBLE" }, { name: "store", type: "VARCHAR" }, {
  name: "in stock",
  type: "BOOLEAN",
}];
const filter = completeFilter({ columns, values: (name) => name === "store" ? ["North", "O'Hare"] : [] });
/** `|` is the caret; what is suggested there, and what it takes the place of. */
const at = (complete: typeof filter, text: string) => {
  const caret = text.indexOf("|");
  const whole = text.replace("|", "");
  const found = complete(whole, caret);
  return found ? [whole.slice(found.from, caret), ...found.items.map((item) => item.text)] : null;
};

Deno.test("filters are completed by what may come next", () => {
  equal(at(filter, "|"), ["", "price", "store", '"in stock"', "NOT"]);
  equal(at(filter, "st|"), ["st", "store", '"in stock"']);
  equal(at(filter, "store |"), ["", "=", "!=", "LIKE", "ILIKE", "IN (", "IS NULL", "IS NOT NULL"]);
  equal(at(filter, "store = |"), ["", "'North'", "'O''Hare'"]);
  equal(at(filter, "store = 'o|"), ["'o", "'O''Hare'", "'North'"]);
  equal(at(filter, "store IN ('North', |"), ["", "'North'", "'O''Hare'"]);
  equal(at(filter, "store IN ('North') |"), ["", "AND", "OR"]);
  equal(at(filter, "price > 2 A|"), ["A", "AND"]);
  equal(at(filter, "price > 2 AND |"), ["", "price", "store", '"in stock"', "NOT"]);
  equal(at(filter, '"in stock" = |'), ["", "true", "false"]);
  equal(at(filter, "price IS |"), ["", "NULL", "NOT NULL"]);
  equal(at(filter, "price IS NULL |"), ["", "AND", "OR"]);
});

Deno.test("SQL is completed by tables, columns and words", () => {
  const sql = completeSQL(new Map([["data", columns], ["daily-sales", [{ name: "units", type: "DOUBLE" }]]]));
  equal(at(sql, "SELECT * FROM |"), ["", "data", '"daily-sales"']);
  equal(at(sql, "SELECT pr| FROM data"), ["pr", "price"]);
  equal(at(sql, "SELECT d.| FROM data d"), ["", "price", "store", '"in stock"']);
  equal(at(sql, 'SELECT x.u| FROM "daily-sales" AS x'), ["u", "units"]);
  equal(at(sql, "SELECT * FROM data WHERE store = 'pr|"), null);
  equal(at(sql, "SEL|"), ["SEL", "SELECT"]);
});

Deno.test("names and values are quoted where they must be", () => {
  equal(["price", "in stock", "Not", 'a"b'].map(quoted), ["price", '"in stock"', '"Not"', '"a""b"']);
  equal(literal("O'Hare"), "'O''Hare'");
});
