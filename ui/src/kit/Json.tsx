import { useState } from "react";
import type { Json } from "../api/types.ts";
import { Icon } from "./Icon.tsx";
import { CopyButton, RefLink } from "./Values.tsx";
import { parseRef } from "../app/refs.ts";
import { resolverOf } from "../app/registry.ts";

/** Children of one node that are drawn at first; the rest on demand. */
const atOnce = 100;

/** JSON as a tree that opens and closes; refs in it are links. `depth` levels are open at first. */
export function JsonView({ value, depth = 2, copy = true }: { value: Json; depth?: number; copy?: boolean }) {
  return (
    <div className="json">
      {copy && <CopyButton text={JSON.stringify(value, null, 2)} label="Copy as JSON" />}
      <Node value={value} name={null} depth={depth} />
    </div>
  );
}

function Node({ value, name, depth }: { value: Json; name: string | null; depth: number }) {
  const [isOpen, setOpen] = useState(depth > 0);
  const [shown, setShown] = useState(atOnce);
  const label = name === null ? null : <span className="json-name">{name}:</span>;
  if (value === null || typeof value !== "object") {
    return (
      <div className="json-leaf">
        {label}
        <Leaf value={value} />
      </div>
    );
  }
  const entries: [string, Json][] = Array.isArray(value)
    ? value.map((each, index) => [String(index), each])
    : Object.entries(value);
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  if (entries.length === 0) return <div className="json-leaf">{label}{open}{close}</div>;
  return (
    <div>
      <button type="button" className="json-toggle" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <Icon name={isOpen ? "chevron-down" : "chevron-right"} size={11} />
        {label}
        <span className="faint">{isOpen ? open : `${open} ${entries.length} ${close}`}</span>
      </button>
      {isOpen && (
        <div className="json-children">
          {entries.slice(0, shown).map(([key, each]) => <Node key={key} name={key} value={each} depth={depth - 1} />)}
          {entries.length > shown && (
            <button type="button" className="json-more" onClick={() => setShown(shown + 1000)}>
              {entries.length - shown} more
            </button>
          )}
        </div>
      )}
      {isOpen && <div className="json-close faint">{close}</div>}
    </div>
  );
}

function Leaf({ value }: { value: null | boolean | number | string }) {
  if (typeof value === "string") {
    const ref = parseRef(value);
    if (ref && resolverOf(ref.kind)) return <RefLink value={value} />;
    return <span className="json-text">"{value}"</span>;
  }
  if (typeof value === "number") return <span className="json-number">{String(value)}</span>;
  return <span className="json-word">{String(value)}</span>;
}

/** A text as it is, with line numbers if asked for; long lines scroll. */
export function Code({ text, numbers, wrap }: { text: string; numbers?: boolean; wrap?: boolean }) {
  return (
    <div className={wrap ? "code code-wrap" : "code"}>
      <CopyButton text={text} />
      {numbers && (
        <pre className="code-numbers" aria-hidden>{text.split("\n").map((_, index) => index + 1).join("\n")}</pre>
      )}
      <pre className="code-text" tabIndex={0}>{text}</pre>
    </div>
  );
}
