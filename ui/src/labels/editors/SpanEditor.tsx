import type React from "react";
import { useRef } from "react";
import { codePoints, pieces, type Span, trimmed } from "../values.ts";
import { colourOf, type EditorProps, useKeys } from "./editor.ts";
import { useShapes } from "./shapes.ts";
import { ShapePanel } from "./ShapePanel.tsx";

/** Parts of a text: select words with the mouse, or with Shift and the arrows; the class in use is put on them. */
export function SpanEditor(props: EditorProps) {
  const { schema, task, row, readOnly } = props;
  const text = String(row.row[task.content ?? "text"] ?? "");
  const shapes = useShapes<Span>(props);
  const area = useRef<HTMLDivElement>(null);

  /** The selection inside of the text, in code points. */
  const selection = (): { start: number; end: number } | null => {
    const selected = getSelection();
    if (!selected || selected.isCollapsed || selected.rangeCount === 0 || !area.current) return null;
    const range = selected.getRangeAt(0);
    if (!area.current.contains(range.startContainer) || !area.current.contains(range.endContainer)) return null;
    const before = document.createRange();
    before.selectNodeContents(area.current);
    before.setEnd(range.startContainer, range.startOffset);
    const start = codePoints(before.toString(), before.toString().length);
    return trimmed(text, start, start + codePoints(range.toString(), range.toString().length));
  };
  const mark = (name: string): boolean => {
    const found = selection();
    if (!found || readOnly) return false;
    getSelection()?.removeAllRanges();
    shapes.add({ class: name, ...found });
    return true;
  };
  useKeys((_, event) => {
    const name = (schema.classes ?? []).find((one) => one.hotkey === event.key)?.name;
    return name !== undefined && selection() !== null && mark(name);
  }, !readOnly);

  const parts = pieces(text, shapes.shapes);
  const points = [...text];
  return (
    <div className="shape-editor">
      <div className="span-text" ref={area} tabIndex={0} aria-label="Text" onMouseUp={() => mark(shapes.active)}>
        {parts.map((piece) => {
          // The shortest span on top: it is the one that a click means.
          const top = [...piece.spans].sort((a, b) => length(shapes.shapes[a]) - length(shapes.shapes[b]))[0];
          if (top === undefined) return piece.text;
          const colour = colourOf(schema, shapes.shapes[top]?.class ?? "");
          return (
            <mark
              key={piece.start}
              className={piece.spans.includes(shapes.selected ?? -1) ? "span-mark span-chosen" : "span-mark"}
              style={{ "--span": colour, borderBottomWidth: 1 + 2 * piece.spans.length } as React.CSSProperties}
              title={piece.spans.map((at) => shapes.shapes[at]?.class).join(", ")}
              onClick={() => getSelection()?.isCollapsed && shapes.select(top)}
            >
              {piece.text}
            </mark>
          );
        })}
      </div>
      <ShapePanel
        schema={schema}
        state={shapes}
        readOnly={readOnly}
        describe={(span) => `“${points.slice(span.start, span.end).join("")}”`}
        empty="Select words to mark them."
      />
    </div>
  );
}

function length(span: Span | undefined): number {
  return span ? span.end - span.start : 0;
}
