import { useMemo, useState } from "react";
import { Select } from "../../kit/Field.tsx";
import type { Column } from "../api.ts";
import { cellText } from "../grid/cells.ts";
import type { RowSource } from "../grid/rowSource.ts";
import { VirtualList } from "../grid/VirtualList.tsx";
import { MarkedText } from "./Overlay.tsx";
import { type Shape, spans } from "./shapes.ts";

const lineHeight = 96;

/** A column of text to read, with the spans that were marked in it. */
export function TextRows(
  { source, columns, shapes, onOpen }: {
    source: RowSource;
    columns: readonly Column[];
    shapes: readonly Shape[];
    onOpen: (row: number) => void;
  },
) {
  const texts = useMemo(
    () =>
      columns.map((column, index) => ({ ...column, index })).filter((column) =>
        column.type === "VARCHAR" && !shapes.some((each) => each.name === column.name) &&
        !/_(by|votes)$/.test(column.name)
      ),
    [columns, shapes],
  );
  const longest = useMemo(() => {
    const length = (index: number) =>
      Array.from({ length: Math.min(20, source.count) }, (_, row) => String(source.row(row)?.[index] ?? "").length)
        .reduce((a, b) => a + b, 0);
    return [...texts].sort((a, b) => length(b.index) - length(a.index))[0]?.name ?? "";
  }, [texts, source]);
  const [chosen, setChosen] = useState("");
  const name = chosen || longest;
  const text = texts.find((each) => each.name === name);
  return (
    <div className="tiles">
      <div className="tiles-tools">
        <Select
          aria-label="Column of text"
          value={name}
          onChange={setChosen}
          options={texts.map((each) => ({ value: each.name, label: each.name }))}
        />
      </div>
      <VirtualList
        count={source.count}
        lineHeight={lineHeight}
        label="Texts"
        onRange={(first, last) => source.want(first, last)}
      >
        {(row) => {
          const values = source.row(row);
          const marked = shapes.flatMap((shape) => spans(values?.[shape.index]));
          return (
            <button type="button" role="listitem" className="text-row" onClick={() => onOpen(row)}>
              <span className="text-number">{source.rowNumber(row)?.toLocaleString("en")}</span>
              <span className="text-body">
                {values && text
                  ? <MarkedText text={cellText(values[text.index] ?? null, "VARCHAR").slice(0, 600)} spans={marked} />
                  : <span className="huge-wait" />}
              </span>
            </button>
          );
        }}
      </VirtualList>
    </div>
  );
}
