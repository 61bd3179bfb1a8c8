import { lazy, type ReactNode, Suspense, useEffect, useMemo, useState } from "react";
import { useFetch } from "../../api/hooks.ts";
import { Segmented } from "../../kit/Tabs.tsx";
import { Icon } from "../../kit/Icon.tsx";
import { Markdown } from "../../kit/Markdown.tsx";
import { ConfusionMatrix } from "../../kit/chart/index.ts";
import { Empty, Loaded, Notice, Skeleton } from "../../kit/States.tsx";
import {
  bytesOf,
  type FileSource,
  imageType,
  isBinary,
  mostText,
  type Owner,
  previewKind,
  sourceOf,
  textOfSource,
} from "./read.ts";
import { confusionOf, parseCsv, stepImage, tableOfJson } from "./tables.ts";
import { TableView } from "./TableView.tsx";

const HtmlFrame = lazy(() => import("./HtmlFrame.tsx"));
const NotebookView = lazy(() => import("./NotebookView.tsx"));
const ParquetView = lazy(() => import("./ParquetView.tsx"));

/** What is in a file, as far as a browser can show it, and the file itself to download. */
export function Preview({ owner, path }: { owner: Owner; path: string }) {
  return <PreviewOf source={sourceOf(owner, path)} />;
}

export function PreviewOf({ source }: { source: FileSource }) {
  const { path, url } = source;
  const name = path.slice(path.lastIndexOf("/") + 1);
  return (
    <section className="preview" aria-label={`Preview of ${path}`}>
      <header className="preview-head">
        <strong className="ellipsis" title={path}>{stepImage(path)?.key ?? name}</strong>
        <a className="button button-quiet button-small" href={url} download={name}>
          <Icon name="download" size={14} />
          <span className="button-text">Download</span>
        </a>
      </header>
      <div className="preview-body">
        <Suspense fallback={<Skeleton rows={4} />}>
          <PreviewBody key={source.key} source={source} />
        </Suspense>
      </div>
    </section>
  );
}

function PreviewBody({ source }: { source: FileSource }) {
  switch (previewKind(source.path)) {
    case "image":
      return <ImageView source={source} />;
    case "parquet":
      return <ParquetView source={source} />;
    case "binary":
      return (
        <Empty compact icon="file" title="No preview">
          Files of this kind cannot be shown here. Download it to look inside.
        </Empty>
      );
    default:
      return <TextualView source={source} />;
  }
}

export function ImageView({ source, alt }: { source: FileSource; alt?: string }) {
  const { path } = source;
  const query = useFetch(`image ${source.key}`, async (signal) => {
    const bytes = await bytesOf(source, signal);
    return new Blob([bytes], { type: imageType(path) });
  }, { fresh: 300_000 });
  // Artifacts are sent as attachments that no browser shows, so the page makes the picture of the bytes.
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    if (!query.data) return;
    const made = URL.createObjectURL(query.data);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [query.data]);
  return (
    <Loaded query={query} compact skeleton={<Skeleton height={160} />}>
      {() => url ? <img className="preview-image" src={url} alt={alt ?? path} /> : null}
    </Loaded>
  );
}

function TextualView({ source }: { source: FileSource }) {
  const query = useFetch(`text ${source.key}`, (signal) => textOfSource(source, signal), {
    fresh: 10_000,
  });
  return (
    <Loaded query={query} compact>
      {(text) => {
        const isCut = text.length >= mostText;
        return (
          <>
            {isCut && <Notice>The first {mostText / 1_000_000} MB are shown. Download the file for all of it.</Notice>}
            <TextKind path={source.path} text={text} isCut={isCut} />
          </>
        );
      }}
    </Loaded>
  );
}

function TextKind({ path, text, isCut }: { path: string; text: string; isCut: boolean }) {
  switch (previewKind(path)) {
    case "table":
      return <CsvView text={text} isCut={isCut} />;
    case "json":
      return isCut ? <PlainText text={text} /> : <JsonFileView text={text} />;
    case "markdown":
      return (
        <TwoViews source={text}>
          <div className="preview-markdown">
            <Markdown text={text} />
          </div>
        </TwoViews>
      );
    case "html":
      return (
        <TwoViews source={text}>
          <HtmlFrame html={text} title={path} />
        </TwoViews>
      );
    case "notebook":
      return isCut ? <PlainText text={text} /> : <NotebookView text={text} />;
    default:
      return isBinary(text)
        ? <Empty compact icon="file" title="No preview">The file has bytes that no text has. Download it.</Empty>
        : <PlainText text={text} />;
  }
}

function PlainText({ text }: { text: string }) {
  return (
    <pre
      className="file-text"
      tabIndex={0}
    >{text === "" ? <span className="faint">The file is empty.</span> : text}</pre>
  );
}

/** How something looks, or its text. */
function TwoViews({ source, children }: { source: string; children: ReactNode }) {
  const [view, setView] = useState<"shown" | "text">("shown");
  return (
    <div className="stack">
      <div>
        <Segmented
          label="View"
          value={view}
          onChange={setView}
          options={[{ id: "shown", label: "Preview" }, { id: "text", label: "Text" }]}
        />
      </div>
      {view === "shown" ? children : <PlainText text={source} />}
    </div>
  );
}

function CsvView({ text, isCut }: { text: string; isCut: boolean }) {
  const table = useMemo(() => parseCsv(text, isCut), [text, isCut]);
  return <TableView table={table} />;
}

function JsonFileView({ text }: { text: string }) {
  const parsed = useMemo(() => {
    try {
      return { value: JSON.parse(text) as unknown };
    } catch {
      return null;
    }
  }, [text]);
  if (!parsed) return <PlainText text={text} />;
  const confusion = isMatrix(parsed.value) ? confusionOf(parsed.value) : null;
  const pretty = () => <PlainText text={JSON.stringify(parsed.value, null, 2)} />;
  if (confusion) {
    return (
      <TwoViews source={JSON.stringify(parsed.value, null, 2)}>
        <ConfusionMatrix label="Confusion matrix" classes={confusion.classes} counts={confusion.counts} />
      </TwoViews>
    );
  }
  const table = tableOfJson(parsed.value);
  return table
    ? (
      <TwoViews source={JSON.stringify(parsed.value, null, 2)}>
        <TableView table={table} />
      </TwoViews>
    )
    : pretty();
}

/** A table of truths and predictions is shown as what it is; only a written matrix as a picture. */
function isMatrix(value: unknown): boolean {
  return Array.isArray(value) ||
    (typeof value === "object" && value !== null && ("matrix" in value || "confusion_matrix" in value));
}
