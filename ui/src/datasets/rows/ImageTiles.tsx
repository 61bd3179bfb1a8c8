import { type KeyboardEvent, useState } from "react";
import { Icon } from "../../kit/Icon.tsx";
import { Select } from "../../kit/Field.tsx";
import type { Column } from "../api.ts";
import { cellText } from "../grid/cells.ts";
import type { RowSource } from "../grid/rowSource.ts";
import { VirtualList } from "../grid/VirtualList.tsx";
import { Overlay } from "./Overlay.tsx";
import { outlines, type Shape } from "./shapes.ts";

const sizes = { small: 96, medium: 160, large: 260 } as const;
const caption = 26;

/** Files as tiles, images with what was said of them drawn over; only what can be seen is loaded. */
export function ImageTiles(
  { source, columns, shapes, open, onOpen }: {
    source: RowSource;
    columns: readonly Column[];
    shapes: readonly Shape[];
    open: number;
    onOpen: (row: number) => void;
  },
) {
  const [width, setWidth] = useState(800);
  const [size, setSize] = useState<keyof typeof sizes>("medium");
  const [layer, setLayer] = useState(shapes[0]?.name ?? "");
  const side = sizes[size];
  const perLine = Math.max(1, Math.floor((width - 16) / (side + 10)));
  const pathAt = columns.findIndex((column) => column.name === "path");
  const captionAt = columns.findIndex((column) =>
    column.name === (shapes.find((each) => each.name === layer)?.name ?? "label")
  );
  const shape = shapes.find((each) => each.name === layer);
  const move = (event: KeyboardEvent<HTMLElement>, row: number) => {
    const steps: Record<string, number> = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: perLine, ArrowUp: -perLine };
    const step = steps[event.key];
    if (step === undefined) return;
    const next = event.currentTarget.closest(".virtual-list")?.querySelector<HTMLElement>(
      `[data-tile="${row + step}"]`,
    );
    if (!next) return;
    event.preventDefault();
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  };
  const tile = (row: number) => {
    const values = source.row(row);
    const file = source.file(row);
    const path = cellText(values?.[pathAt] ?? "", "VARCHAR");
    const drawn = shape ? outlines(values?.[shape.index]) : [];
    const said = captionAt >= 0 && drawn.length === 0 ? values?.[captionAt] : null;
    return (
      <button
        key={row}
        type="button"
        role="listitem"
        data-tile={row}
        className={row === open ? "tile tile-open" : "tile"}
        style={{ width: side + 8 }}
        title={path}
        onClick={() => onOpen(row)}
        onKeyDown={(event) => move(event, row)}
      >
        <span className="tile-frame" style={{ width: side, height: side }}>
          {file?.mediaType?.startsWith("image/")
            ? (
              <span
                className="tile-image"
                style={file.width && file.height ? { aspectRatio: `${file.width} / ${file.height}` } : {}}
              >
                <img src={file.url} alt="" loading="lazy" decoding="async" />
                {file.width && file.height && <Overlay width={file.width} height={file.height} shapes={drawn} />}
              </span>
            )
            : <Icon name={values ? "file" : "image"} size={28} />}
        </span>
        <span className="tile-name ellipsis">
          {said ? <b>{cellText(said, "VARCHAR").slice(0, 30)}</b> : null}
          {path.split("/").at(-1)}
        </span>
      </button>
    );
  };
  return (
    <div className="tiles">
      <div className="tiles-tools">
        <Select
          aria-label="Size"
          value={size}
          onChange={setSize}
          options={[{ value: "small", label: "Small" }, { value: "medium", label: "Medium" }, {
            value: "large",
            label: "Large",
          }]}
        />
        {shapes.length > 0 && (
          <Select
            aria-label="Labels"
            value={layer}
            onChange={setLayer}
            options={[...shapes.map((each) => ({ value: each.name, label: `Labels: ${each.name}` })), {
              value: "",
              label: "No labels",
            }]}
          />
        )}
      </div>
      <VirtualList
        count={Math.ceil(source.count / perLine)}
        lineHeight={side + caption + 14}
        label="Files"
        onWidth={setWidth}
        onRange={(first, last) => source.want(first * perLine, last * perLine)}
      >
        {(line) => (
          <div className="tiles-line">
            {Array.from(
              { length: Math.max(0, Math.min(perLine, source.count - line * perLine)) },
              (_, index) => tile(line * perLine + index),
            )}
          </div>
        )}
      </VirtualList>
    </div>
  );
}
