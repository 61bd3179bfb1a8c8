import { listIn, numberIn, type Struct, structIn, textOfThrift, ThriftReader } from "./thrift.ts";

/** A column of a Parquet file, as its footer describes it. */
export interface Column {
  name: string;
  /** Parquet's physical type. */
  type: number;
  /** Of values of fixed length, in bytes. */
  length: number;
  kind: "text" | "bytes" | "date" | "ms" | "us" | "ns" | "decimal" | "plain";
  scale: number;
  isOptional: boolean;
  /** Its values are lists or structs, which a table cannot show. */
  isNested: boolean;
}

export interface Chunk {
  codec: number;
  values: number;
  /** Where its pages are in the file. */
  from: number;
  to: number;
}

export interface Metadata {
  rows: number;
  columns: Column[];
  groups: { rows: number; chunks: Chunk[] }[];
}

/** Reads a footer (Apache Parquet, FileMetaData). */
export function metadataOf(footer: Uint8Array): Metadata {
  const file = new ThriftReader(footer).struct();
  const schema = listIn(file, 2).filter((each): each is Struct => each instanceof Map);
  const columns: Column[] = [];
  let at = 1;
  const walk = (depth: number, path: string[], isRepeated: boolean) => {
    const element = schema[at++];
    if (!element) throw new Error("The schema ends too early.");
    const name = textOfThrift(element.get(4));
    const children = numberIn(element, 5) ?? 0;
    const repetition = numberIn(element, 3) ?? 0;
    const below = isRepeated || repetition === 2;
    if (children > 0) {
      for (let child = 0; child < children; child++) walk(depth + 1, [...path, name], below);
      return;
    }
    columns.push({
      name: [...path, name].join("."),
      type: numberIn(element, 1) ?? 6,
      length: numberIn(element, 2) ?? 0,
      kind: kindOf(element),
      scale: numberIn(element, 7) ?? 0,
      isOptional: repetition === 1,
      isNested: depth > 0 || below,
    });
  };
  while (at < schema.length) walk(0, [], false);
  return {
    rows: numberIn(file, 3) ?? 0,
    columns,
    groups: listIn(file, 4).filter((each): each is Struct => each instanceof Map).map((group) => ({
      rows: numberIn(group, 3) ?? 0,
      chunks: listIn(group, 1).map((each) => chunkOf(each instanceof Map ? structIn(each, 3) : undefined)),
    })),
  };
}

function chunkOf(meta: Struct | undefined): Chunk {
  const first = numberIn(meta, 9) ?? 0;
  const dictionary = numberIn(meta, 11);
  const from = dictionary !== undefined && dictionary > 0 ? Math.min(first, dictionary) : first;
  return { codec: numberIn(meta, 4) ?? 0, values: numberIn(meta, 5) ?? 0, from, to: from + (numberIn(meta, 7) ?? 0) };
}

function kindOf(element: Struct): Column["kind"] {
  const logical = structIn(element, 10);
  if (logical?.has(1) || logical?.has(4) || logical?.has(12)) return "text";
  if (logical?.has(6)) return "date";
  if (logical?.has(5)) return "decimal";
  const unit = structIn(structIn(logical, 8), 2);
  if (unit) return unit.has(1) ? "ms" : unit.has(2) ? "us" : "ns";
  switch (numberIn(element, 6)) {
    case 0:
    case 4:
    case 19:
      return "text";
    case 5:
      return "decimal";
    case 6:
      return "date";
    case 9:
      return "ms";
    case 10:
      return "us";
    default:
      return numberIn(element, 1) === 6 ? "bytes" : "plain";
  }
}
