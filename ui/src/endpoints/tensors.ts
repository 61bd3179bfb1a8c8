import type { Json } from "../api/types.ts";
import type { InferAnswer, LoggedTensor, Prediction, TensorSpec } from "./api.ts";

/** A column of a prediction's rows: an input, or one value of a matrix. */
export interface ValueColumn {
  id: string;
  label: string;
  kind: "input" | "output";
  at: (row: number) => Json | undefined;
}

/** Inputs and outputs of a prediction as columns over its rows. */
export function columnsOf(prediction: Pick<Prediction, "inputs" | "outputs">): ValueColumn[] {
  return [
    ...Object.entries(prediction.inputs).flatMap(([name, tensor]) => columns("input", name, tensor)),
    ...Object.entries(prediction.outputs).flatMap(([name, tensor]) => columns("output", name, tensor)),
  ];
}

function columns(kind: ValueColumn["kind"], name: string, tensor: LoggedTensor): ValueColumn[] {
  if (Array.isArray(tensor)) return [{ id: `${kind} ${name}`, label: name, kind, at: (row) => tensor[row] }];
  const width = tensor.shape.slice(1).reduce((product, size) => product * size, 1);
  return Array.from({ length: width }, (_, column) => ({
    id: `${kind} ${name} ${column}`,
    label: tensor.columns?.[column] ?? (width === 1 ? name : `${name}[${column}]`),
    kind,
    at: (row: number) => tensor.data[row * width + column],
  }));
}

/** A field of the form that a model is asked with: one value of one row. */
export interface FormField {
  input: string;
  /** The place in a row of the input. */
  column: number;
  label: string;
  datatype: string;
}

const isText = (datatype: string) => datatype === "BYTES";
const isWhole = (datatype: string) => /^U?INT/.test(datatype);

/** A field for each value of a row; null where an input's width is not fixed, so that only JSON can say it. */
export function fieldsOf(inputs: readonly TensorSpec[], names: Record<string, readonly string[]>): FormField[] | null {
  const fields: FormField[] = [];
  for (const { name, datatype, shape } of inputs) {
    const inner = shape.slice(1);
    if (inner.some((size) => size < 1)) return null;
    const width = inner.reduce((product, size) => product * size, 1);
    for (let column = 0; column < width; column++) {
      fields.push({
        input: name,
        column,
        label: names[name]?.[column] ?? (width === 1 ? name : `${name}[${column}]`),
        datatype,
      });
    }
  }
  return fields;
}

/** What is wrong with a field's text; null: nothing. Empty is a missing value where the type has one. */
export function fieldProblem(datatype: string, text: string): string | null {
  if (isText(datatype)) return null;
  if (text.trim() === "") return /^(FP|BF)/.test(datatype) ? null : "needs a value";
  if (datatype === "BOOL") return /^(true|false|0|1)$/i.test(text.trim()) ? null : "is true or false";
  if (!Number.isFinite(Number(text)) && !/^nan$/i.test(text.trim())) return "is not a number";
  return isWhole(datatype) && !Number.isInteger(Number(text)) ? "is not a whole number" : null;
}

function valueOf(datatype: string, text: string): Json {
  if (isText(datatype)) return text;
  if (datatype === "BOOL") return /^(true|1)$/i.test(text.trim());
  return text.trim() === "" || /^nan$/i.test(text.trim()) ? null : Number(text);
}

/** A request of the Open Inference Protocol for rows of texts, one text a field. */
export function requestOf(
  inputs: readonly TensorSpec[],
  fields: readonly FormField[],
  rows: readonly string[][],
): Json {
  return {
    inputs: inputs.map((spec) => {
      const own = fields.map((field, index) => ({ field, index })).filter(({ field }) => field.input === spec.name);
      return {
        name: spec.name,
        datatype: spec.datatype,
        shape: spec.shape.map((size, axis) => axis === 0 ? rows.length : size),
        data: rows.flatMap((row) => own.map(({ index }) => valueOf(spec.datatype, row[index] ?? ""))),
      };
    }),
    ...(inputs.length === 1 && fields.length > 1 && !fields[0]?.label.includes("[")
      ? { parameters: { columns: fields.map((field) => field.label) } }
      : {}),
  };
}

/** An answer as columns over its rows. */
export function answerColumns(answer: InferAnswer): { columns: ValueColumn[]; rows: number } {
  const rows = answer.outputs[0]?.shape[0] ?? 0;
  const outputs = Object.fromEntries(
    answer.outputs.map(({ name, shape, data }) => [name, { shape, data } satisfies LoggedTensor]),
  );
  return { columns: columnsOf({ inputs: {}, outputs }), rows };
}

/** Rows of comma- or tab-separated text; a first line that names the fields decides their order. */
export function pasted(text: string, fields: readonly FormField[]): string[][] {
  const lines = text.trim().split(/\r?\n/).map((line) =>
    line.split(line.includes("\t") ? "\t" : ",").map((cell) => cell.trim())
  );
  const head = lines[0] ?? [];
  const isHead = head.some((cell) => fields.some((field) => field.label === cell));
  if (!isHead) return lines.map((cells) => fields.map((_, index) => cells[index] ?? ""));
  const places = fields.map((field) => head.indexOf(field.label));
  return lines.slice(1).map((cells) => places.map((place) => place < 0 ? "" : cells[place] ?? ""));
}
