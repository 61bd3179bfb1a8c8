import type { Column } from "./metadata.ts";

/** Whole numbers in runs and packed bits, as Parquet writes levels and places in a dictionary. */
export function hybrid(bytes: Uint8Array, width: number, count: number): Uint32Array {
  const out = new Uint32Array(count);
  let at = 0;
  let done = 0;
  while (done < count && at < bytes.length) {
    let head = 0;
    for (let shift = 0;; shift += 7) {
      const byte = bytes[at++] ?? 0;
      head += (byte & 127) * 2 ** shift;
      if (byte < 128) break;
    }
    if (head % 2 === 0) {
      let value = 0;
      for (let index = 0; index < Math.ceil(width / 8); index++) value += (bytes[at++] ?? 0) * 256 ** index;
      const end = Math.min(count, done + head / 2);
      out.fill(value, done, end);
      done = end;
      continue;
    }
    const values = ((head - 1) / 2) * 8;
    let bit = at * 8;
    for (let index = 0; index < values && done < count; index++) {
      let value = 0;
      for (let place = 0; place < width; place++, bit++) {
        value += (((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1) * 2 ** place;
      }
      out[done++] = value;
    }
    at += (values * width) / 8;
  }
  return out;
}

/** Values written one after the other. */
export function plain(bytes: Uint8Array, column: Column, count: number): unknown[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out: unknown[] = [];
  let at = 0;
  for (let index = 0; index < count; index++) {
    switch (column.type) {
      case 0:
        out.push((((bytes[index >> 3] ?? 0) >> (index & 7)) & 1) === 1);
        break;
      case 1:
        out.push(shown(view.getInt32(at, true), column));
        at += 4;
        break;
      case 2:
        out.push(shown(view.getBigInt64(at, true), column));
        at += 8;
        break;
      case 3: {
        // Nanoseconds of a day, then the Julian day: timestamps of old.
        const day = view.getInt32(at + 8, true) - 2_440_588;
        out.push(isoTime(day * 86_400_000 + Number(view.getBigInt64(at, true) / 1_000_000n)));
        at += 12;
        break;
      }
      case 4:
        out.push(Number(view.getFloat32(at, true).toPrecision(7)));
        at += 4;
        break;
      case 5:
        out.push(view.getFloat64(at, true));
        at += 8;
        break;
      default: {
        const length = column.type === 6 ? view.getUint32(at, true) : column.length;
        if (column.type === 6) at += 4;
        out.push(text(bytes.subarray(at, at + length), column));
        at += length;
      }
    }
  }
  return out;
}

function shown(value: number | bigint, column: Column): unknown {
  switch (column.kind) {
    case "date":
      return isoTime(Number(value) * 86_400_000).slice(0, 10);
    case "ms":
      return isoTime(Number(value));
    case "us":
      return isoTime(Number(value) / 1000);
    case "ns":
      return isoTime(Number(value) / 1_000_000);
    case "decimal":
      return decimal(BigInt(value), column.scale);
    default:
      return typeof value === "bigint" && Number.isSafeInteger(Number(value))
        ? Number(value)
        : typeof value === "bigint"
        ? String(value)
        : value;
  }
}

function isoTime(milliseconds: number): string {
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime())
    ? String(milliseconds)
    : date.toISOString().replace("T", " ").replace(/(\.000)?Z$/, "");
}

function decimal(value: bigint, scale: number): string {
  if (scale === 0) return String(value);
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, "0");
  return `${value < 0n ? "-" : ""}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

function text(bytes: Uint8Array, column: Column): string {
  if (column.kind === "decimal") {
    let value = (bytes[0] ?? 0) >= 128 ? -1n : 0n;
    for (const byte of bytes) value = value * 256n + BigInt(byte);
    return decimal(value, column.scale);
  }
  if (column.type === 7 || column.kind === "bytes") {
    return Array.from(bytes.subarray(0, 16), (byte) => byte.toString(16).padStart(2, "0")).join("") +
      (bytes.length > 16 ? "…" : "");
  }
  return new TextDecoder().decode(bytes);
}
