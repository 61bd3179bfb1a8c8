import { equal } from "../testing.ts";
import { type FormField, initialValues, readValues } from "./formValues.ts";

Deno.test("texts become values of their fields' types, or a problem", () => {
  const fields: FormField[] = [
    { name: "n", type: "integer", required: true, minimum: 1 },
    { name: "x", type: "number" },
    { name: "on", type: "boolean", initial: true },
    { name: "ref", type: "ref" },
    { name: "data", type: "json", initial: { a: 1 } },
    { name: "kind", type: "text", options: ["a", "b"], required: true },
    { name: "at", type: "time" },
  ];
  equal(initialValues(fields), { n: "", x: "", on: "true", ref: "", data: '{\n  "a": 1\n}', kind: "a", at: "" });
  equal(readValues(fields, { ...initialValues(fields), n: "3", x: "1.5e2", ref: "dataset:x@1" }), {
    values: { n: 3, x: 150, on: true, ref: "dataset:x@1", data: { a: 1 }, kind: "a" },
    problems: {},
  });
  equal(
    Object.keys(
      readValues(fields, { n: "1.5", x: "abc", ref: "x", data: "{", kind: "", at: "soon", on: "false" }).problems,
    ),
    [
      "n",
      "x",
      "ref",
      "data",
      "kind",
      "at",
    ],
  );
});
