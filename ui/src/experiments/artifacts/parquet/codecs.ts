/** Compressions by their number in Parquet's format. */
const names = ["uncompressed", "Snappy", "gzip", "LZO", "Brotli", "LZ4", "Zstandard", "LZ4 raw"];

export async function decompress(codec: number, bytes: Uint8Array, size: number): Promise<Uint8Array> {
  switch (codec) {
    case 0:
      return bytes;
    case 1:
      return snappy(bytes, size);
    case 2: {
      const stream = new Blob([bytes.slice()]).stream().pipeThrough(new DecompressionStream("gzip"));
      return new Uint8Array(await new Response(stream).arrayBuffer());
    }
    default:
      throw new Error(
        `The file is compressed with ${
          names[codec] ?? `method ${codec}`
        }, which browsers cannot read. Download it instead.`,
      );
  }
}

/** Snappy's raw format: literals, and copies of what came before. */
export function snappy(input: Uint8Array, size: number): Uint8Array {
  let at = 0;
  let length = 0;
  for (let shift = 0;; shift += 7) {
    const byte = input[at++] ?? 0;
    length |= (byte & 127) << shift;
    if (byte < 128) break;
  }
  if (length !== size) throw new Error("A page says two different sizes.");
  const output = new Uint8Array(length);
  let to = 0;
  const little = (count: number) => {
    let value = 0;
    for (let index = 0; index < count; index++) value += (input[at++] ?? 0) * 256 ** index;
    return value;
  };
  while (at < input.length) {
    const tag = input[at++] ?? 0;
    if ((tag & 3) === 0) {
      const short = tag >> 2;
      const count = (short < 60 ? short : little(short - 59)) + 1;
      if (at + count > input.length || to + count > length) throw new Error("A compressed page is broken.");
      output.set(input.subarray(at, at + count), to);
      at += count;
      to += count;
      continue;
    }
    const kind = tag & 3;
    const count = kind === 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
    const back = kind === 1 ? ((tag >> 5) << 8) | (input[at++] ?? 0) : little(kind === 2 ? 2 : 4);
    if (back === 0 || back > to || to + count > length) throw new Error("A compressed page is broken.");
    // What is copied may overlap what is written: a run.
    for (let index = 0; index < count; index++) output[to + index] = output[to + index - back] ?? 0;
    to += count;
  }
  return output;
}
