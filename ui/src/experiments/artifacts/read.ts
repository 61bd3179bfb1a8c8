import { get, hrefOf, send } from "../../api/client.ts";
import type { Artifact } from "../api.ts";

/** Who has artifacts. */
export interface Owner {
  kind: "run" | "model";
  id: string;
}

export function artifactUrl(owner: Owner, path: string): string {
  return owner.kind === "run"
    ? hrefOf("/api/v1/runs/{id}/artifacts/{path}", { path: { id: owner.id, path } })
    : hrefOf("/api/v1/logged-models/{id}/artifacts/{path}", { path: { id: owner.id, path } });
}

export async function listArtifacts(owner: Owner, folder: string, signal: AbortSignal): Promise<Artifact[]> {
  const query = { path: folder };
  const answer = owner.kind === "run"
    ? await get("/api/v1/runs/{id}/artifacts", { path: { id: owner.id }, query, signal })
    : await get("/api/v1/logged-models/{id}/artifacts", { path: { id: owner.id }, query, signal });
  return answer.items;
}

/** A file to show: an artifact, or a file of a model's version. */
export interface FileSource {
  /** Tells files apart. */
  key: string;
  path: string;
  url: string;
}

export function sourceOf(owner: Owner, path: string): FileSource {
  return { key: `${owner.kind} ${owner.id} ${path}`, path, url: artifactUrl(owner, path) };
}

/** Bytes of a file, or a range of it. */
export async function bytesOf(
  { url }: FileSource,
  signal: AbortSignal,
  range?: { from: number; to: number },
): Promise<Uint8Array<ArrayBuffer>> {
  const response = await send("GET", url, {
    accept: "*/*",
    signal,
    ...(range ? { headers: { Range: `bytes=${range.from}-${range.to - 1}` } } : {}),
  });
  const bytes = new Uint8Array(await response.arrayBuffer());
  // Who does not know ranges sends all.
  return range && response.status !== 206 ? bytes.subarray(range.from, range.to) : bytes;
}

/** So much of a text is read for showing it. */
export const mostText = 2_000_000;

/** The text of a file, from its beginning. */
export async function textOfSource(source: FileSource, signal: AbortSignal, most = mostText): Promise<string> {
  return new TextDecoder().decode(await bytesOf(source, signal, { from: 0, to: most }));
}

/** The text of an artifact, from its beginning. */
export function textOf(owner: Owner, path: string, signal: AbortSignal, most = mostText): Promise<string> {
  return textOfSource(sourceOf(owner, path), signal, most);
}

/** How an artifact is shown. */
export type PreviewKind = "image" | "table" | "json" | "markdown" | "html" | "notebook" | "parquet" | "text" | "binary";

const kinds: Record<string, PreviewKind> = {
  png: "image",
  jpg: "image",
  jpeg: "image",
  gif: "image",
  webp: "image",
  bmp: "image",
  svg: "image",
  csv: "table",
  tsv: "table",
  json: "json",
  md: "markdown",
  markdown: "markdown",
  html: "html",
  htm: "html",
  ipynb: "notebook",
  parquet: "parquet",
};

const texts =
  /\.(txt|log|ya?ml|py|toml|ini|cfg|conf|sh|r|sql|xml|js|ts|css|java|scala|swift|cpp|c|h|rs|go|jsonl|ndjson|env|lock|properties|dockerfile)$|(^|\/)(MLmodel|Dockerfile|Makefile|README|LICENSE)$/i;

export function previewKind(path: string): PreviewKind {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const extension = /\.([a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase();
  const known = extension ? kinds[extension] : undefined;
  return known ?? (texts.test(path) || !extension ? "text" : "binary");
}

const imageTypes: Record<string, string> = { jpg: "image/jpeg", svg: "image/svg+xml" };

export function imageType(path: string): string {
  const extension = path.slice(path.lastIndexOf(".") + 1).toLowerCase();
  return imageTypes[extension] ?? "image/" + extension;
}

/** Whether something that calls itself text is none: it has bytes that no text has. */
export function isBinary(text: string): boolean {
  const head = text.slice(0, 4000);
  // deno-lint-ignore no-control-regex
  return /[\u0000-\u0008\u000e-\u001a\ufffd]/.test(head);
}

/** How long a file is, in bytes. */
export async function sizeOf({ url }: FileSource, signal: AbortSignal): Promise<number> {
  // One byte of it: the answer says how many there are.
  const response = await send("GET", url, { accept: "*/*", signal, headers: { Range: "bytes=0-0" } });
  const total = /\/(\d+)$/.exec(response.headers.get("content-range") ?? "")?.[1];
  const bytes = await response.arrayBuffer();
  return total === undefined ? bytes.byteLength : Number(total);
}
