import type { Run } from "../api.ts";
import { byName, isOwnTag, isSystemMetric, measured } from "../fields.ts";

/** One thing that runs have or have not, with what each has of it. */
export interface Line {
  key: string;
  /** By run, in their order; undefined: it lacks it. */
  values: (string | number | undefined)[];
  /** Whether the runs have different values of it, or some have none. */
  differs: boolean;
}

export interface Group {
  id: "metrics" | "params" | "code" | "datasets" | "tags" | "system";
  title: string;
  lines: Line[];
}

const codeTags = ["mlflow.source.name", "mlflow.source.git.commit", "mlflow.source.git.branch", "mlflow.user"];

/** What is compared of runs, in the order in which one asks. In each group what differs comes first. */
export function compareRuns(runs: readonly Run[]): Group[] {
  const keys = (of: (run: Run) => Record<string, unknown>, keep: (key: string) => boolean = () => true) =>
    byName(new Set(runs.flatMap((run) => Object.keys(of(run))).filter(keep)));
  const metrics = (keep: (key: string) => boolean) =>
    lines(keys((run) => run.metrics, keep), (key) => runs.map((run) => measured(run.metrics[key])));
  const tag = (key: string) => runs.map((run) => run.tags[key]);
  const groups: Group[] = [
    {
      id: "params",
      title: "Parameters",
      lines: lines(keys((run) => run.params), (key) => runs.map((run) => run.params[key])),
    },
    { id: "metrics", title: "Metrics", lines: metrics((key) => !isSystemMetric(key)) },
    { id: "datasets", title: "Datasets", lines: datasets(runs) },
    {
      id: "code",
      title: "Code",
      lines: lines(codeTags, tag).filter((line) => line.values.some((value) => value !== undefined)),
    },
    { id: "tags", title: "Tags", lines: lines(keys((run) => run.tags, (key) => !isOwnTag(key)), tag) },
    { id: "system", title: "System metrics", lines: metrics(isSystemMetric) },
  ];
  return groups.filter((group) => group.lines.length > 0);
}

function lines(keys: readonly string[], valuesOf: (key: string) => Line["values"]): Line[] {
  const all = keys.map((key) => {
    const values = valuesOf(key);
    return { key, values, differs: values.some((value) => !isSame(value, values[0])) };
  });
  return [...all.filter((line) => line.differs), ...all.filter((line) => !line.differs)];
}

function isSame(a: string | number | undefined, b: string | number | undefined): boolean {
  return Object.is(a, b);
}

/** Datasets by what they were for, so that the training data of one run stands beside that of the others. */
function datasets(runs: readonly Run[]): Line[] {
  const contexts = byName(
    new Set(
      runs.flatMap((run) => (run.datasets ?? []).map((dataset) => dataset.tags["mlflow.data.context"] ?? "used")),
    ),
  );
  return lines(
    contexts,
    (context) =>
      runs.map((run) =>
        (run.datasets ?? []).filter((dataset) => (dataset.tags["mlflow.data.context"] ?? "used") === context)
          .map((dataset) => dataset.ref ?? `${dataset.name} (${dataset.digest})`).join(", ") || undefined
      ),
  );
}

/** Which way a metric is better, as far as its name says; null if it does not. */
export function betterOf(metric: string): "lower" | "higher" | null {
  const name = metric.toLowerCase();
  if (/(loss|error|rmse|mse|mae|mape|perplexity|seconds|latency|_ms|waste|difference|brier|wer|cer|unmet)/.test(name)) {
    return "lower";
  }
  if (/(accuracy|acc$|auc|f1|precision|recall|r2|score|bleu|rouge|map$|iou|dice|throughput)/.test(name)) {
    return "higher";
  }
  return null;
}

/** The least and the greatest of a line's numbers, to mark the ends; null if they are all the same or there is one. */
export function ends(line: Line): { low: number; high: number } | null {
  const numbers = line.values.filter((value): value is number => typeof value === "number" && Number.isFinite(value));
  if (numbers.length < 2) return null;
  const low = Math.min(...numbers);
  const high = Math.max(...numbers);
  return low === high ? null : { low, high };
}
