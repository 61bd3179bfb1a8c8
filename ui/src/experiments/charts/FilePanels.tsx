import { useMemo, useState } from "react";
import { useFetch } from "../../api/hooks.ts";
import { ConfusionMatrix } from "../../kit/chart/index.ts";
import { Empty, Failed, Loaded, Skeleton } from "../../kit/States.tsx";
import type { Run } from "../api.ts";
import { ImageView } from "../artifacts/Preview.tsx";
import { listArtifacts, sourceOf, textOf } from "../artifacts/read.ts";
import {
  confusionOf,
  confusionOfTable,
  type DataTable,
  parseCsv,
  type StepImage,
  stepImage,
  tableOfJson,
} from "../artifacts/tables.ts";
import { TableView } from "../artifacts/TableView.tsx";
import type { PanelContext } from "./PanelView.tsx";

/** Charts of files show so many runs beside each other. */
const most = 6;

interface PanelProps {
  runs: readonly Run[];
  context: PanelContext;
}

/** A file of each run; null where a run lacks it. */
function useFiles(runs: readonly Run[], path: string) {
  const shown = runs.slice(0, most);
  return useFetch(
    path === "" ? null : `file ${path} of ${shown.map((run) => run.id).join(" ")}`,
    (signal) =>
      Promise.all(shown.map(async (run) => {
        const owner = { kind: "run" as const, id: run.id };
        const beside = await listArtifacts(
          owner,
          path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "",
          signal,
        );
        if (!beside.some((item) => item.path === path)) return null;
        return { run, text: await textOf(owner, path, signal, 20_000_000) };
      })),
    { fresh: 30_000 },
  );
}

export function ConfusionPanel(
  { path, actual, predicted, runs }: PanelProps & { path: string; actual?: string; predicted?: string },
) {
  const files = useFiles(runs, path);
  const found = useMemo(() =>
    (files.data ?? []).flatMap((file) => {
      if (!file) return [];
      const confusion = readConfusion(file.text, path, actual, predicted);
      return confusion ? [{ run: file.run, confusion }] : [];
    }), [files.data, path, actual, predicted]);
  return (
    <Loaded query={files} compact skeleton={<Skeleton height={240} />}>
      {() =>
        found.length === 0
          ? (
            <Empty compact icon="table" title="No such matrix">
              None of the first {most} runs has <code>{path}</code>{" "}
              with a square of counts, or with columns of truths and predictions.
            </Empty>
          )
          : (
            <div className="file-panels">
              {found.map(({ run, confusion }) => (
                <figure key={run.id} className="file-panel">
                  <figcaption className="small">
                    <strong>{run.name}</strong>
                  </figcaption>
                  <ConfusionMatrix
                    label={`Confusion matrix of ${run.name}`}
                    classes={confusion.classes}
                    counts={confusion.counts}
                  />
                </figure>
              ))}
            </div>
          )}
    </Loaded>
  );
}

function readConfusion(text: string, path: string, actual?: string, predicted?: string) {
  if (/\.[ct]sv$/.test(path)) return confusionOfTable(parseCsv(text), actual || undefined, predicted || undefined);
  try {
    return confusionOf(JSON.parse(text), actual || undefined, predicted || undefined);
  } catch {
    return null;
  }
}

/** Logged tables of runs, one below the other, with the run as a column when there are several. */
export function TablePanel({ path, runs }: PanelProps & { path: string }) {
  const files = useFiles(runs, path);
  const table = useMemo(() => {
    const parts = (files.data ?? []).flatMap((file) => {
      const part = file ? readTable(file.text, path) : null;
      return file && part ? [{ name: file.run.name, part }] : [];
    });
    return joinTables(parts);
  }, [files.data, path]);
  if (path === "") {
    return <Empty compact icon="table" title="Which table?">Change the chart and name an artifact.</Empty>;
  }
  return (
    <Loaded query={files} compact skeleton={<Skeleton height={240} />}>
      {() =>
        table ? <TableView table={table} height={360} /> : (
          <Empty compact icon="table" title="No such table">
            No run shown here has a table at <code>{path}</code>.
          </Empty>
        )}
    </Loaded>
  );
}

function readTable(text: string, path: string): DataTable | null {
  if (/\.[ct]sv$/.test(path)) return parseCsv(text);
  try {
    return tableOfJson(JSON.parse(text));
  } catch {
    return null;
  }
}

function joinTables(parts: readonly { name: string; part: DataTable }[]): DataTable | null {
  const first = parts[0];
  if (!first) return null;
  if (parts.length === 1) return first.part;
  const columns = [...new Set(parts.flatMap(({ part }) => part.columns))];
  return {
    columns: ["run", ...columns],
    rows: parts.flatMap(({ name, part }) => {
      const places = columns.map((column) => part.columns.indexOf(column));
      return part.rows.map((row) => [name, ...places.map((at) => at < 0 ? null : row[at])]);
    }),
    isCut: parts.some(({ part }) => part.isCut),
  };
}

/** Images that runs logged with a step: one row for each run, a slider through the steps. */
export function ImagesPanel({ imageKey, runs }: PanelProps & { imageKey: string }) {
  const shown = runs.filter((run) => run.tags["mlflow.loggedImages"] !== undefined).slice(0, most);
  const query = useFetch(
    `images of ${shown.map((run) => run.id).join(" ")}`,
    (signal) =>
      Promise.all(shown.map(async (run) => ({
        run,
        images: (await listArtifacts({ kind: "run", id: run.id }, "images", signal))
          .map((item) => stepImage(item.path)).filter((image) => image !== null),
      }))),
    { fresh: 10_000 },
  );
  if (shown.length === 0) return <Empty compact icon="image" title="No run shown here logged images" />;
  if (query.error && !query.data) return <Failed compact error={query.error} retry={query.refresh} />;
  if (!query.data) return <Skeleton height={200} />;
  const keys = [...new Set(query.data.flatMap(({ images }) => images.map((image) => image.key)))].sort();
  const key = keys.includes(imageKey) ? imageKey : keys[0];
  if (key === undefined) return <Empty compact icon="image" title="No images by step" />;
  return <ImageRows key={key} parts={query.data} imageKey={key} />;
}

function ImageRows({ parts, imageKey }: { parts: { run: Run; images: StepImage[] }[]; imageKey: string }) {
  const steps = useMemo(
    () =>
      [
        ...new Set(
          parts.flatMap(({ images }) => images.filter((image) => image.key === imageKey).map((image) => image.step)),
        ),
      ]
        .sort((a, b) => a - b),
    [parts, imageKey],
  );
  const [at, setAt] = useState(steps.length - 1);
  const step = steps[Math.min(at, steps.length - 1)] ?? 0;
  return (
    <div className="stack">
      <label className="row small">
        <span className="muted">Step</span>
        <input
          type="range"
          className="grow"
          min={0}
          max={Math.max(0, steps.length - 1)}
          value={at}
          aria-valuetext={`step ${step}`}
          onChange={(event) => setAt(Number(event.target.value))}
        />
        <span className="tabular">{step}</span>
      </label>
      <div className="image-rows">
        {parts.map(({ run, images }) => {
          // A run that logged nothing at this step shows what it had before.
          const image = images.filter((each) => each.key === imageKey && each.step <= step)
            .sort((a, b) => b.step - a.step || b.timestamp - a.timestamp)[0];
          return (
            <figure key={run.id} className="image-cell">
              {image
                ? (
                  <ImageView
                    source={sourceOf({ kind: "run", id: run.id }, image.path)}
                    alt={`${imageKey} of ${run.name} at step ${image.step}`}
                  />
                )
                : <Empty compact icon="image" title="None so far" />}
              <figcaption className="small ellipsis">
                {run.name}
                {image && image.step !== step && <span className="faint">(step {image.step})</span>}
              </figcaption>
            </figure>
          );
        })}
      </div>
    </div>
  );
}
