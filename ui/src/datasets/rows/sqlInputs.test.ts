import { inputsOf } from "./sqlInputs.ts";

Deno.test("tables are what the text names outside of texts and comments", () => {
  const sql = `SELECT * FROM data JOIN "daily-sales" USING (day) -- products\n WHERE x = 'stores'`;
  const found = JSON.stringify(inputsOf(sql, "dataset:a@1", ["daily-sales", "products", "stores"]));
  const wanted = JSON.stringify({ data: "dataset:a@1", "daily-sales": "dataset:daily-sales" });
  if (found !== wanted) throw new Error(found);
});
