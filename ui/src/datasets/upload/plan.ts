/** What kind of upload some files are, by their names. */
export type Plan =
  | { kind: "rows"; type: string; gzip: boolean }
  | { kind: "archive"; format: "zip" | "tar" | "tar.gz" }
  | { kind: "files" };

const rowTypes: Record<string, string> = {
  csv: "text/csv",
  parquet: "application/vnd.apache.parquet",
  json: "application/x-ndjson",
  jsonl: "application/x-ndjson",
  ndjson: "application/x-ndjson",
};

export function planOf(name: string): Plan {
  const lower = name.toLowerCase();
  if (/\.(tar\.gz|tgz)$/.test(lower)) return { kind: "archive", format: "tar.gz" };
  if (lower.endsWith(".zip")) return { kind: "archive", format: "zip" };
  if (lower.endsWith(".tar")) return { kind: "archive", format: "tar" };
  const bare = lower.replace(/\.gz$/, "");
  const type = rowTypes[bare.slice(bare.lastIndexOf(".") + 1)];
  return type ? { kind: "rows", type, gzip: bare !== lower } : { kind: "files" };
}

/** Rows if all files are of rows, one archive, or files as they are. */
export function planAll(names: readonly string[]): Plan["kind"] {
  const plans = names.map(planOf);
  if (plans.length > 0 && plans.every((plan) => plan.kind === "rows")) return "rows";
  return plans.length === 1 && plans[0]?.kind === "archive" ? "archive" : "files";
}

/** A dataset's name out of a file's: "Sales 2024.csv" is sales-2024. */
export function nameFor(file: string): string {
  const bare = (file.split("/").at(-1) ?? file).replace(/(\.(csv|parquet|jsonl?|ndjson|zip|tar|tgz|gz))+$/i, "");
  return bare.toLowerCase().normalize("NFKD").replace(/[^a-z0-9._-]+/g, "-").replace(/^[-._]+|[-._]+$/g, "").slice(
    0,
    80,
  );
}

/** The header of a file in a tar (ustar, POSIX.1-1988): 512 bytes. */
export function tarHeader(path: string, size: number): Uint8Array<ArrayBuffer> {
  const bytes = new TextEncoder().encode(path);
  let [prefix, name] = [new Uint8Array(0), bytes];
  if (bytes.length > 100) {
    // The path is cut at a slash: at most 155 bytes before it, 100 after.
    const cut = bytes.findIndex((byte, index) => byte === 47 && index <= 155 && bytes.length - index - 1 <= 100);
    if (cut < 1) throw new Error(`The path ${path} is too long: at most 255 bytes, and 100 for a name.`);
    [prefix, name] = [bytes.slice(0, cut), bytes.slice(cut + 1)];
  }
  const header = new Uint8Array(512);
  const put = (text: string | Uint8Array, at: number) =>
    header.set(typeof text === "string" ? new TextEncoder().encode(text) : text, at);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, "0") + "\0";
  put(name, 0);
  put(octal(0o644, 7), 100);
  put(octal(0, 7), 108);
  put(octal(0, 7), 116);
  if (size < 8 ** 11) put(octal(size, 11), 124);
  else throw new Error(`${path} is over 8 GiB; use slipway data add.`);
  put(octal(0, 11), 136);
  put("        ", 148);
  put("0", 156);
  put("ustar\0" + "00", 257);
  put(prefix, 345);
  put(header.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, "0") + "\0 ", 148);
  return header;
}

/** Files as one tar; their bytes are read only while it is sent. */
export function tarOf(files: readonly { path: string; file: Blob }[]): Blob {
  const parts: BlobPart[] = [];
  for (const { path, file } of files) {
    parts.push(tarHeader(path, file.size), file, new Uint8Array((512 - file.size % 512) % 512));
  }
  parts.push(new Uint8Array(1024));
  return new Blob(parts);
}
