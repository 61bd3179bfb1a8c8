import { KeyValues } from "../../kit/Values.tsx";
import type { ItemRow, LabelTask } from "../api.ts";

/** Columns of a files dataset that say nothing to an annotator. */
const technical = new Set(["digest", "media_type", "size_bytes"]);

/** The row that a label is about: its picture, its longest text in large, the rest as a list. */
export function RowView({ row, task }: { row: ItemRow; task: LabelTask }) {
  const cells = Object.entries(row.row).filter(([name]) => !row.file || !technical.has(name));
  const main = row.file ? undefined : longText(cells, task.content);
  const type = String(row.row["media_type"] ?? "");
  return (
    <div className="row-view">
      {row.file && (type.startsWith("image/") || type === "")
        ? <img className="row-picture" src={row.file} alt={String(row.row["path"] ?? `Item ${row.item}`)} />
        : row.file
        ? <a href={row.file} download>{String(row.row["path"] ?? "The file")}</a>
        : null}
      {main && <blockquote className="row-text">{main[1]}</blockquote>}
      <KeyValues
        items={cells.filter(([name]) => name !== main?.[0]).map(([name, value]) => [name, shown(value)])}
        columns={1}
      />
    </div>
  );
}

function longText(cells: [string, unknown][], content: string | null): [string, string] | undefined {
  const texts = cells.filter((cell): cell is [string, string] => typeof cell[1] === "string");
  return texts.find(([name]) => name === content) ?? texts.find(([, value]) => value.length > 40);
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return "–";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
