import type { Json } from "../api/types.ts";
import { parseRef } from "../app/refs.ts";

export interface FormField {
  name: string;
  label?: string;
  type: "text" | "integer" | "number" | "boolean" | "ref" | "json" | "time";
  required?: boolean;
  help?: string;
  placeholder?: string;
  initial?: FormValue;
  /** One of these. */
  options?: readonly string[];
  multiline?: boolean;
  minimum?: number;
  maximum?: number;
}

export type FormValue = Json;

/** What stands in the fields at first. */
export function initialValues(fields: readonly FormField[]): Record<string, string> {
  return Object.fromEntries(fields.map((field) => {
    const { initial } = field;
    if (initial === undefined || initial === null) {
      return [
        field.name,
        field.type === "boolean" ? "false" : field.options && field.required ? field.options[0] ?? "" : "",
      ];
    }
    return [
      field.name,
      typeof initial === "string" && field.type !== "json"
        ? initial
        : typeof initial === "object" || field.type === "json"
        ? JSON.stringify(initial, null, 2)
        : String(initial),
    ];
  }));
}

/** The texts as values of their types, or what is wrong with them. */
export function readValues(
  fields: readonly FormField[],
  texts: Readonly<Record<string, string>>,
): { values: Record<string, FormValue>; problems: Record<string, string> } {
  const values: Record<string, FormValue> = {};
  const problems: Record<string, string> = {};
  for (const field of fields) {
    const text = texts[field.name] ?? "";
    if (text.trim() === "") {
      if (field.required) problems[field.name] = "Needed.";
      continue;
    }
    const read = readValue(field, text);
    if ("problem" in read) problems[field.name] = read.problem;
    else values[field.name] = read.value;
  }
  return { values, problems };
}

function readValue(field: FormField, text: string): { value: FormValue } | { problem: string } {
  switch (field.type) {
    case "integer":
    case "number": {
      const value = Number(text.trim().replace("−", "-"));
      if (!Number.isFinite(value)) return { problem: "Not a number." };
      if (field.type === "integer" && !Number.isSafeInteger(value)) return { problem: "Not a whole number." };
      if (field.minimum !== undefined && value < field.minimum) return { problem: `At least ${field.minimum}.` };
      if (field.maximum !== undefined && value > field.maximum) return { problem: `At most ${field.maximum}.` };
      return { value };
    }
    case "boolean":
      return { value: text === "true" };
    case "json":
      try {
        return { value: JSON.parse(text) as Json };
      } catch (error) {
        return { problem: error instanceof Error ? error.message : "Not JSON." };
      }
    case "ref":
      return parseRef(text) ? { value: text.trim() } : { problem: "A ref is a kind and a name: dataset:sales@3." };
    case "time":
      return Number.isNaN(Date.parse(text))
        ? { problem: "A time is written 2026-11-24T18:00:00Z." }
        : { value: text.trim() };
    case "text":
      return { value: text };
  }
}
