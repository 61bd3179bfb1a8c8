import type { DataTable } from "../tables.ts";
import { decompress } from "./codecs.ts";
import { type Chunk, type Column, type Metadata, metadataOf } from "./metadata.ts";
import { numberIn, structIn, ThriftReader } from "./thrift.ts";
import { hybrid, plain } from "./values.ts";

/** Gives bytes of the file; a negative `from` counts from its end. */
export type ReadRange = (from: number, to: number) => Promise<Uint8Array>;

/** So many rows are read for showing them. */
export const mostRows = 20_000;
/** Larger pieces are not fetched for a preview, in bytes. */
const mostBytes = 64_000_000;

/** The first rows of a Parquet file with flat columns. Only the footer and what is shown are read. */
export async function readParquet(size: number, read: ReadRange): Promise<DataTable & { total: number }> {
  const metadata = await footerOf(size, read);
  const columns = metadata.columns.filter((column) => !column.isNested);
  const places = columns.map((column) => metadata.columns.indexOf(column));
  const rows: unknown[][] = [];
  for (const group of metadata.groups) {
    if (rows.length >= mostRows) break;
    const chunks = places.map((at) => group.chunks[at]);
    const bytes = chunks.reduce((sum, chunk) => sum + (chunk ? chunk.to - chunk.from : 0), 0);
    if (bytes > mostBytes) {
      if (rows.length > 0) break;
      throw new Error(`Its first part alone has ${Math.round(bytes / 1e6)} MB. Download it to look inside.`);
    }
    const wanted = Math.min(group.rows, mostRows - rows.length);
    const values = await Promise.all(columns.map(async (column, index) => {
      const chunk = chunks[index];
      return chunk ? await chunkValues(await read(chunk.from, chunk.to), chunk, column, wanted) : [];
    }));
    for (let at = 0; at < wanted; at++) rows.push(values.map((column) => column[at] ?? null));
  }
  return {
    columns: columns.map((column) => column.name),
    rows,
    isCut: rows.length < metadata.rows,
    total: metadata.rows,
  };
}

async function footerOf(size: number, read: ReadRange): Promise<Metadata> {
  const tail = await read(Math.max(0, size - 8), size);
  const magic = new TextDecoder().decode(tail.subarray(4));
  if (tail.length < 8 || magic !== "PAR1") throw new Error("This is no Parquet file, or an encrypted one.");
  const length = new DataView(tail.buffer, tail.byteOffset, 4).getUint32(0, true);
  if (length + 8 > size) throw new Error("The footer is longer than the file.");
  return metadataOf(await read(size - 8 - length, size - 8));
}

async function chunkValues(bytes: Uint8Array, chunk: Chunk, column: Column, wanted: number): Promise<unknown[]> {
  let dictionary: unknown[] = [];
  const out: unknown[] = [];
  let at = 0;
  while (at < bytes.length && out.length < wanted) {
    const reader = new ThriftReader(bytes, at);
    const head = reader.struct();
    const packed = numberIn(head, 3) ?? 0;
    const size = numberIn(head, 2) ?? 0;
    const body = bytes.subarray(reader.at, reader.at + packed);
    at = reader.at + packed;
    const kind = numberIn(head, 1);
    if (kind === 2) {
      const page = await decompress(chunk.codec, body, size);
      dictionary = plain(page, column, numberIn(structIn(head, 7), 1) ?? 0);
    } else if (kind === 0) {
      const page = await decompress(chunk.codec, body, size);
      const data = structIn(head, 5);
      const count = numberIn(data, 1) ?? 0;
      let start = 0;
      let levels: Uint32Array | null = null;
      if (column.isOptional) {
        const length = new DataView(page.buffer, page.byteOffset, 4).getUint32(0, true);
        levels = hybrid(page.subarray(4, 4 + length), 1, count);
        start = 4 + length;
      }
      add(out, page.subarray(start), numberIn(data, 2) ?? 0, count, levels, column, dictionary);
    } else if (kind === 3) {
      const data = structIn(head, 8);
      const count = numberIn(data, 1) ?? 0;
      const levelBytes = (numberIn(data, 5) ?? 0) + (numberIn(data, 6) ?? 0);
      const levels = column.isOptional ? hybrid(body.subarray(numberIn(data, 6) ?? 0, levelBytes), 1, count) : null;
      const isPacked = data?.get(7) !== false;
      const rest = body.subarray(levelBytes);
      const page = isPacked ? await decompress(chunk.codec, rest, size - levelBytes) : rest;
      add(out, page, numberIn(data, 4) ?? 0, count, levels, column, dictionary);
    }
  }
  return out;
}

/** Puts a page's values behind those before; what is missing becomes null. */
function add(
  out: unknown[],
  page: Uint8Array,
  encoding: number,
  count: number,
  levels: Uint32Array | null,
  column: Column,
  dictionary: readonly unknown[],
): void {
  const present = levels ? levels.reduce((sum, level) => sum + level, 0) : count;
  const values = decoded(page, encoding, present, column, dictionary);
  let at = 0;
  for (let index = 0; index < count; index++) out.push(levels && levels[index] === 0 ? null : values[at++] ?? null);
}

function decoded(
  page: Uint8Array,
  encoding: number,
  count: number,
  column: Column,
  dictionary: readonly unknown[],
): unknown[] {
  switch (encoding) {
    case 0:
      return plain(page, column, count);
    case 2:
    case 8:
      return Array.from(hybrid(page.subarray(1), page[0] ?? 0, count), (place) => dictionary[place] ?? null);
    case 3:
      return Array.from(hybrid(page.subarray(4), 1, count), (bit) => bit === 1);
    default:
      throw new Error(
        `The column ${column.name} is written in a way (encoding ${encoding}) that this preview cannot read. Download the file.`,
      );
  }
}
