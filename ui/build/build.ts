// Bundles the web application into ui/dist/app.pack, the one file that the server carries (or serves with --ui ui/dist).
//
//   deno run -A ui/build/build.ts           minified, compressed beforehand
//   deno run -A ui/build/build.ts --dev     readable, with source maps, not compressed
//   deno run -A ui/build/build.ts --watch   like --dev, and again at every change
//
// The scripts are split: a page that is imported with `import()` is a file of its own, loaded when it is opened.
// The style is one file of all CSS below src/: theme first, then what pages share, then the pages.

import { createHash } from "node:crypto";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const here = new URL("..", import.meta.url).pathname;
const tools = here + "../.slipway/ui/";
const dist = here + "dist/";
const base = "/ui/assets/";

/** One file of the application as it is served. */
interface Asset {
  /** Its path on the server. */
  path: string;
  type: string;
  body: Uint8Array<ArrayBuffer>;
}

const types: Record<string, string> = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  map: "application/json",
  svg: "image/svg+xml",
  woff2: "font/woff2",
};
const typeOf = (name: string) => types[name.slice(name.lastIndexOf(".") + 1)] ?? "application/octet-stream";

/** Names of files below a folder, sorted. */
function* walk(folder: string): Generator<string> {
  const entries = [...Deno.readDirSync(folder)].sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    if (entry.isDirectory) yield* walk(`${folder}${entry.name}/`);
    else yield folder + entry.name;
  }
}

/** All CSS as one text of imports, so that esbuild finds what each file names. */
function styleEntry(): string {
  const order = ["src/app/theme", "src/app/", "src/kit/", "src/"];
  const rank = (file: string) => order.findIndex((start) => file.startsWith(start));
  const files = [...walk(here + "src/")].filter((file) => file.endsWith(".css")).map((file) => file.slice(here.length));
  files.sort((a, b) => rank(a) - rank(b));
  return files.map((file) => `@import "../${file}";\n`).join("");
}

async function esbuild(work: string, isDev: boolean): Promise<void> {
  Deno.writeTextFileSync(dist + "app.css", styleEntry());
  const run = async (entry: string, more: string[]) => {
    const child = new Deno.Command(tools + "esbuild", {
      cwd: here,
      args: [
        entry,
        "--bundle",
        `--outdir=${work}`,
        "--entry-names=[name]-[hash]",
        "--chunk-names=[name]-[hash]",
        "--asset-names=[name]-[hash]",
        `--public-path=${base}`,
        "--loader:.woff2=file",
        "--loader:.svg=file",
        "--log-level=warning",
        ...(isDev ? ["--sourcemap"] : ["--minify"]),
        ...more,
      ],
    });
    if ((await child.spawn().status).code !== 0) throw new Error("esbuild did not build " + entry);
  };
  await run("src/app/main.tsx", [
    "--format=esm",
    "--splitting",
    "--target=es2022",
    "--jsx=automatic",
    `--metafile=${work}/meta.json`,
    `--define:process.env.NODE_ENV="${isDev ? "development" : "production"}"`,
  ]);
  await run("dist/app.css", ["--target=chrome105,firefox110,safari16"]);
}

/** `main-ABCDEFGH.js` is main.js. */
const plainName = (name: string) => name.replace(/-[A-Z0-9]{8}(\.[a-z0-9.]+)$/, "$1");

async function hashed(name: string, body: Uint8Array<ArrayBuffer>): Promise<Asset> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", body)).toHex().slice(0, 8).toUpperCase();
  const dot = name.lastIndexOf(".");
  return { path: `${base}${name.slice(0, dot)}-${digest}${name.slice(dot)}`, type: typeOf(name), body };
}

/** What main.js imports at once: asked for with it, not when it was read. */
function staticParts(metafile: string): string[] {
  interface Output {
    imports: { path: string; kind: string }[];
  }
  const outputs: Record<string, Output> = JSON.parse(metafile).outputs;
  const main = Object.entries(outputs).find(([path]) => /\/main-[A-Z0-9]{8}\.js$/.test(path));
  const parts = (main?.[1].imports ?? []).filter(({ kind }) => kind === "import-statement");
  return parts.map(({ path }) => path.slice(path.lastIndexOf("/") + 1));
}

async function collect(isDev: boolean): Promise<Asset[]> {
  const work = Deno.makeTempDirSync({ dir: dist });
  try {
    await esbuild(work, isDev);
    const preload = staticParts(Deno.readTextFileSync(`${work}/meta.json`));
    Deno.removeSync(`${work}/meta.json`);
    const assets: Asset[] = [...Deno.readDirSync(work)].map(({ name }) => ({
      path: base + name,
      type: typeOf(name),
      body: Deno.readFileSync(`${work}/${name}`),
    }));
    assets.push(await hashed("icon.svg", Deno.readFileSync(here + "icon.svg")));
    const links = new Map(assets.map(({ path }) => [plainName(path.slice(base.length)), path]));
    const template = Deno.readTextFileSync(here + "index.html").replace(
      /( *)<script/,
      (script, indent) =>
        preload.map((name) => `${indent}<link rel="modulepreload" href="${base}${name}">\n`).join("") + script,
    );
    const page = template.replaceAll(/\{\{(.*?)\}\}/g, (_, name: string) => {
      const path = links.get(name);
      if (!path) throw new Error(`index.html names ${name}, which the build did not make`);
      return path;
    });
    assets.push({ path: "/ui/", type: types.html!, body: new TextEncoder().encode(page) });
    for (const { path, body } of assets) {
      // esbuild itself refuses what Node has.
      if (path.endsWith(".js") && !isDev && /\bDeno\./.test(new TextDecoder().decode(body))) {
        throw new Error(`${path} needs Deno, which no browser has`);
      }
    }
    return assets;
  } finally {
    Deno.removeSync(work, { recursive: true });
  }
}

/**
 * The pack: `slipway ui 1\n`, the length of the index in eight hexadecimal digits, `\n`, the index as JSON, and the
 * bodies one after the other. An index entry names where its bodies are, counted from the end of the index; a
 * compressed body is there only if it is smaller.
 */
function pack(assets: Asset[], isDev: boolean): Uint8Array<ArrayBuffer> {
  const bodies: Uint8Array[] = [];
  let at = 0;
  const put = (body: Uint8Array) => {
    bodies.push(body);
    at += body.length;
    return [at - body.length, body.length];
  };
  const index = assets.toSorted((a, b) => (a.path < b.path ? -1 : 1)).map(({ path, type, body }) => {
    const digest = createHash("sha256").update(body).digest("hex").slice(0, 32);
    const entry: Record<string, unknown> = { path, type, digest, identity: put(body) };
    if (!isDev && !path.endsWith(".woff2")) {
      const br = brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
      const gzip = gzipSync(body, { level: 9 });
      if (br.length < body.length) entry.br = put(br);
      if (gzip.length < body.length) entry.gzip = put(gzip);
    }
    return entry;
  });
  const json = new TextEncoder().encode(JSON.stringify(index));
  const head = new TextEncoder().encode(`slipway ui 1\n${json.length.toString(16).padStart(8, "0")}\n`);
  const out = new Uint8Array(head.length + json.length + at);
  let end = 0;
  for (const part of [head, json, ...bodies]) {
    out.set(part, end);
    end += part.length;
  }
  return out;
}

function report(assets: Asset[]): void {
  const kilobytes = (bytes: number) => (bytes / 1000).toFixed(1).padStart(8) + " kB";
  let total = 0;
  for (const { path, body } of assets) {
    const size = path.endsWith(".woff2") ? body.length : brotliCompressSync(body).length;
    total += size;
    console.log(`${kilobytes(size)}  ${path.slice("/ui/".length) || "index.html"}`);
  }
  console.log(`${kilobytes(total)}  in all, compressed`);
}

async function build(isDev: boolean): Promise<void> {
  Deno.mkdirSync(dist, { recursive: true });
  const assets = await collect(isDev);
  // Under its name only when it is whole: a server may be reading it.
  Deno.writeFileSync(dist + "app.pack.new", pack(assets, isDev));
  Deno.renameSync(dist + "app.pack.new", dist + "app.pack");
  if (!isDev) report(assets);
}

async function watch(): Promise<void> {
  const changes = Deno.watchFs([here + "src", here + "index.html", here + "icon.svg"]);
  const again = async () => {
    const started = performance.now();
    try {
      await build(true);
      console.log(`built in ${Math.round(performance.now() - started)} ms`);
    } catch (error) {
      console.error(error instanceof Error ? error.message : error);
    }
  };
  await again();
  let timer: ReturnType<typeof setTimeout> | undefined;
  for await (const _ of changes) {
    clearTimeout(timer);
    timer = setTimeout(again, 50);
  }
}

if (Deno.args.includes("--watch")) await watch();
else await build(Deno.args.includes("--dev"));
