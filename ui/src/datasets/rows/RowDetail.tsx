import { IconButton } from "../../kit/Button.tsx";
import { CopyButton } from "../../kit/Values.tsx";
import type { Cell, Column } from "../api.ts";
import { cellText, shortType } from "../grid/cells.ts";
import type { RowSource } from "../grid/rowSource.ts";
import { Overlay } from "./Overlay.tsx";
import { outlines, type Shape } from "./shapes.ts";

/** One row, wholly: long texts, nested values, all columns. */
export function RowDetail(
  { source, row, columns, shapes, onMove, onClose }: {
    source: RowSource;
    row: number;
    columns: readonly Column[];
    /** Labels, drawn over an image. */
    shapes: readonly Shape[];
    onMove: (row: number) => void;
    onClose: () => void;
  },
) {
  const values = source.row(row);
  const file = source.file(row);
  const number = source.rowNumber(row);
  const whole = Object.fromEntries(columns.map((column, index) => [column.name, values?.[index] ?? null]));
  return (
    <aside className="row-detail" aria-label={`Row ${number ?? row}`}>
      <header className="profile-head">
        <h2>Row {number?.toLocaleString("en") ?? "…"}</h2>
        <span className="grow" />
        <CopyButton text={JSON.stringify(whole, null, 2)} label="Copy as JSON" />
        <IconButton icon="chevron-up" label="Row before" small disabled={row === 0} onClick={() => onMove(row - 1)} />
        <IconButton
          icon="chevron-down"
          label="Next row"
          small
          disabled={row + 1 >= source.count}
          onClick={() => onMove(row + 1)}
        />
        <IconButton icon="close" label="Close" small onClick={onClose} />
      </header>
      <div className="profile-list">
        {file?.mediaType?.startsWith("image/") && (
          <div className="row-picture">
            <img className="row-image" src={file.url} alt={`File of row ${number}`} />
            {file.width && file.height && (
              <Overlay
                width={file.width}
                height={file.height}
                shapes={shapes.flatMap((shape) => outlines(values?.[shape.index]))}
                named
              />
            )}
          </div>
        )}
        <dl className="row-values">
          {columns.map((column, index) => (
            <div key={column.name}>
              <dt>
                {column.name} <code className="faint">{shortType(column.type)}</code>
              </dt>
              <dd>
                <Value value={values?.[index]} type={column.type} />
              </dd>
            </div>
          ))}
        </dl>
        {file && <a className="row-file" href={file.url} download>Download the file</a>}
      </div>
    </aside>
  );
}

function Value({ value, type }: { value: Cell | undefined; type: string }) {
  if (value === undefined) return <span className="skeleton" style={{ height: 12, width: 80 }} />;
  if (value === null) return <span className="huge-null">NULL</span>;
  const nested = typeof value === "object" ? value : parsed(value);
  return nested === null
    ? <span className="row-text">{cellText(value, type)}</span>
    : <pre className="row-json">{JSON.stringify(nested, null, 1)}</pre>;
}

/** Nested values come as JSON text. */
function parsed(value: Cell): object | null {
  if (typeof value !== "string" || !/^[[{]/.test(value)) return null;
  try {
    const found: unknown = JSON.parse(value);
    return typeof found === "object" ? found : null;
  } catch {
    return null;
  }
}
