/** Rows of an artifact, as a grid shows them. */
export interface DataTable {
  columns: string[];
  rows: unknown[][];
  /** There is more in the file than was read. */
  isCut: boolean;
}

/** So many rows of a file are kept; a grid shows them all, but a browser must hold them. */
export const mostRows = 200_000;

/** RFC 4180, with the separator that the first line has most of. The first line has the names. */
export function parseCsv(text: string, isCut = false): DataTable {
  const firstLine = text.slice(0, text.indexOf("\n") < 0 ? text.length : text.indexOf("\n"));
  const separator = [",", "\t", ";"].reduce((best, each) =>
    firstLine.split(each).length > firstLine.split(best).length ? each : best
  );
  const rows: string[][] = [];
  let row: string[] = [];
  let at = 0;
  while (at < text.length && rows.length <= mostRows) {
    let cell: string;
    if (text[at] === '"') {
      let end = at + 1;
      for (;;) {
        end = text.indexOf('"', end);
        if (end < 0) end = text.length;
        if (text[end + 1] !== '"') break;
        end += 2;
      }
      cell = text.slice(at + 1, end).replaceAll('""', '"');
      at = end + 1;
    } else {
      let end = at;
      while (end < text.length && text[end] !== separator && text[end] !== "\n") end++;
      cell = text.slice(at, end).replace(/\r$/, "");
      at = end;
    }
    row.push(cell);
    while (text[at] === "\r") at++;
    if (text[at] === separator) {
      at += 1;
      if (at === text.length) row.push("");
      continue;
    }
    at += 1;
    rows.push(row);
    row = [];
  }
  if (row.length > 0) rows.push(row);
  const [columns = [], ...data] = rows.filter((each) => each.length > 1 || each[0] !== "");
  // What was cut ends in the middle of a row.
  if (isCut) data.pop();
  return { columns: uniqueNames(columns), rows: data.slice(0, mostRows), isCut: isCut || data.length > mostRows };
}

/** Names that a grid can tell apart. */
function uniqueNames(names: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return names.map((name) => {
    const times = (seen.get(name) ?? 0) + 1;
    seen.set(name, times);
    return times === 1 ? name : `${name} (${times})`;
  });
}

/** A table in JSON: pandas' "split" (what mlflow.log_table writes), a list of records, or columns. Null: it is none. */
export function tableOfJson(value: unknown): DataTable | null {
  if (Array.isArray(value)) {
    if (value.length === 0 || !value.every(isRecord)) return null;
    const columns = [...new Set(value.slice(0, 1000).flatMap(Object.keys))];
    return {
      columns,
      rows: value.slice(0, mostRows).map((row) => columns.map((name) => row[name])),
      isCut: value.length > mostRows,
    };
  }
  if (!isRecord(value)) return null;
  const { columns, data } = value;
  if (Array.isArray(columns) && Array.isArray(data) && data.every(Array.isArray)) {
    return { columns: uniqueNames(columns.map(String)), rows: data.slice(0, mostRows), isCut: data.length > mostRows };
  }
  return null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What was taken for what: by truth, then by prediction. */
export interface Confusion {
  classes: string[];
  counts: number[][];
}

const truthNames = /^(actual|true|truth|target|label|y_true|y)$/i;
const saidNames = /^(predicted|prediction|predictions|pred|y_pred|output|outputs)$/i;

/** Reads `{"labels": […], "matrix": [[…]]}`, a bare square of numbers, or a table of truths and predictions. */
export function confusionOf(value: unknown, actual?: string, predicted?: string): Confusion | null {
  const matrix = isRecord(value) ? value["matrix"] ?? value["confusion_matrix"] : value;
  if (isSquare(matrix)) {
    const named = isRecord(value) ? value["labels"] ?? value["classes"] : null;
    const classes = Array.isArray(named) && named.length === matrix.length
      ? named.map(String)
      : matrix.map((_, index) => String(index));
    return { classes, counts: matrix };
  }
  const table = tableOfJson(value);
  return table ? confusionOfTable(table, actual, predicted) : null;
}

/** So many classes can be told apart on a screen. */
const mostClasses = 100;

export function confusionOfTable(table: DataTable, actual?: string, predicted?: string): Confusion | null {
  const find = (name: string | undefined, pattern: RegExp) =>
    name ? table.columns.indexOf(name) : table.columns.findIndex((each) => pattern.test(each));
  const truth = find(actual, truthNames);
  const said = find(predicted, saidNames);
  if (truth < 0 || said < 0) return null;
  const collator = new Intl.Collator("en", { numeric: true });
  const classes = [...new Set(table.rows.flatMap((row) => [String(row[truth]), String(row[said])]))].sort(
    collator.compare,
  );
  if (classes.length > mostClasses) return null;
  const place = new Map(classes.map((name, index) => [name, index]));
  const counts = classes.map(() => classes.map(() => 0));
  for (const row of table.rows) {
    const line = counts[place.get(String(row[truth])) ?? 0];
    const column = place.get(String(row[said])) ?? 0;
    if (line) line[column] = (line[column] ?? 0) + 1;
  }
  return { classes, counts };
}

function isSquare(value: unknown): value is number[][] {
  return Array.isArray(value) && value.length > 1 &&
    value.every((row) =>
      Array.isArray(row) && row.length === value.length && row.every((cell) => typeof cell === "number")
    );
}

/** An image that `mlflow.log_image(image, key=…, step=…)` stored. */
export interface StepImage {
  key: string;
  step: number;
  timestamp: number;
  path: string;
}

/** Reads the names that MLflow's client gives to images; the small copies that it makes beside them are left out. */
export function stepImage(path: string): StepImage | null {
  const match = /(?:^|\/)([^/]+?)([+%])step\2(\d+)\2timestamp\2(\d+)\2[0-9a-f-]+(\2compressed)?\.\w+$/.exec(path);
  if (!match || match[5]) return null;
  // A slash in a key is written as #.
  return { key: (match[1] ?? "").replaceAll("#", "/"), step: Number(match[3]), timestamp: Number(match[4]), path };
}
