import { useEffect, useRef, useState } from "react";
import type { EditorProps } from "./editor.ts";

/** A number or a text that is typed; the field has the focus, so that work needs no mouse. Ctrl-Enter submits a text. */
export function TypedEditor({ schema, row, value, onChange, readOnly }: EditorProps) {
  const field = useRef<HTMLInputElement & HTMLTextAreaElement>(null);
  const [typed, setTyped] = useState(value === null ? "" : String(value));
  useEffect(() => {
    setTyped(value === null ? "" : String(value));
    if (!readOnly) field.current?.focus();
    // A new item has a new value; while one types, what is typed counts.
  }, [row.item]);
  const change = (text: string) => {
    setTyped(text);
    if (schema.kind === "text") onChange(text);
    else onChange(text.trim() === "" ? NaN : Number(text));
  };
  const limits = [
    schema.minimum !== undefined ? `from ${schema.minimum}` : "",
    schema.maximum !== undefined ? `to ${schema.maximum}` : "",
    schema.whole ? "whole" : "",
  ].filter(Boolean).join(", ");
  return (
    <div className="field">
      <label className="field-label" htmlFor="typed-label">{schema.name}{limits && ` (${limits})`}</label>
      {schema.kind === "text"
        ? (
          <textarea
            id="typed-label"
            ref={field}
            className="input textarea"
            rows={5}
            value={typed}
            readOnly={readOnly}
            onChange={(event) => change(event.target.value)}
          />
        )
        : (
          <input
            id="typed-label"
            ref={field}
            className="input typed-number"
            inputMode="decimal"
            value={typed}
            readOnly={readOnly}
            onChange={(event) => change(event.target.value)}
          />
        )}
    </div>
  );
}
