import { type ReactNode, useState } from "react";
import { Badge } from "../../kit/Badge.tsx";
import { Button } from "../../kit/Button.tsx";
import { Input } from "../../kit/Field.tsx";
import { Time } from "../../kit/Values.tsx";
import type { Cell } from "../api.ts";
import { cellText } from "../grid/cells.ts";
import type { Conflict, ConflictSide, Decision, Take } from "./api.ts";

export interface ConflictRowProps {
  conflict: Conflict;
  decision: Decision | null;
  index: number;
  /** The keyboard is here. */
  isAt: boolean;
  readOnly: boolean;
  onFocus: () => void;
  onTake: (side: Take) => void;
  onValue: (value: Cell) => void;
  onOpen: () => void;
}

/** One conflict: what it was, what each side made of it, and what was decided. */
export function ConflictRow(
  { conflict, decision, index, isAt, readOnly, onFocus, onTake, onValue, onOpen }: ConflictRowProps,
) {
  const [writes, setWrites] = useState<string | null>(null);
  const { column, kind, base, ours, theirs } = conflict;
  const key = Object.entries(conflict.key);
  const side = (name: Take, content: ReactNode, detail: ReactNode) => (
    <button
      type="button"
      className={`conflict-side conflict-${name}${decision?.take === name ? " conflict-taken" : ""}`}
      aria-pressed={decision?.take === name}
      disabled={readOnly}
      tabIndex={isAt ? 0 : -1}
      onClick={() => {
        onFocus();
        onTake(name);
      }}
    >
      <span className="conflict-what">{name}</span>
      <span className="conflict-value">{content}</span>
      <span className="conflict-who ellipsis">{detail}</span>
    </button>
  );
  return (
    <div
      role="listitem"
      aria-current={isAt || undefined}
      data-conflict={index}
      className={`conflict${isAt ? " conflict-at" : ""}${decision ? " conflict-decided" : ""}`}
      onClick={onFocus}
    >
      <div className="conflict-key">
        <span className="mono ellipsis" title={key.map(([name, value]) => `${name} ${String(value)}`).join(", ")}>
          {key.map(([name, value]) => (
            <span key={name}>
              <span className="faint">{name}</span> {cellText(value, "VARCHAR")}
            </span>
          ))}
        </span>
        <b className="ellipsis">{column ?? "the whole row"} {kind === "label" && <Badge>label</Badge>}</b>
      </div>
      {side("base", <Value value={base} row={kind === "row"} />, "before both")}
      {side(
        "ours",
        <Value value={ours.value} row={kind === "row"} deleted={ours.deleted} against={base} />,
        <Who side={ours} />,
      )}
      {side(
        "theirs",
        <Value value={theirs.value} row={kind === "row"} deleted={theirs.deleted} against={base} />,
        <Who side={theirs} />,
      )}
      <div className="conflict-end">
        {writes !== null
          ? (
            <form
              className="row"
              onSubmit={(event) => {
                event.preventDefault();
                onValue(valueOf(writes));
                setWrites(null);
              }}
            >
              <Input
                value={writes}
                onChange={setWrites}
                autoFocus
                aria-label="Another value"
                onKeyDown={(event) => event.key === "Escape" && setWrites(null)}
              />
              <Button submit small kind="primary">Set</Button>
            </form>
          )
          : (
            <>
              {decision
                ? (
                  <span className="conflict-decision">
                    {decision.take === "value"
                      ? <b className="mono">{cellText(decision.value ?? null, "VARCHAR")}</b>
                      : <b>{decision.take}</b>}{" "}
                    <span className="faint">{decision.how === "hand" ? "by hand" : `by rule ${decision.how}`}</span>
                  </span>
                )
                : <Badge tone="warn">open</Badge>}
              {!readOnly && (
                <span className="row">
                  {column !== null && (
                    <button
                      type="button"
                      className="conflict-other report-line"
                      tabIndex={isAt ? 0 : -1}
                      onClick={() =>
                        setWrites(cellText(kind === "label" ? null : ours.value, "VARCHAR").replace(/^NULL$/, ""))}
                    >
                      other…
                    </button>
                  )}
                  {decision?.how === "hand" && (
                    <button type="button" className="report-line" tabIndex={isAt ? 0 : -1} onClick={onOpen}>
                      open again
                    </button>
                  )}
                </span>
              )}
            </>
          )}
      </div>
    </div>
  );
}

/** Numbers, true, false and null are meant so; all else is text. */
function valueOf(text: string): Cell {
  if (text === "") return null;
  try {
    return JSON.parse(text) as Cell;
  } catch {
    return text;
  }
}

function Who({ side }: { side: ConflictSide }) {
  return (
    <>
      {side.annotator ?? side.author}, v{side.version} <Time at={side.at} />
    </>
  );
}

function Value(
  { value, row, deleted, against }: { value: Cell; row: boolean; deleted?: boolean | undefined; against?: Cell },
) {
  if (row && (deleted || value === null)) return <span className="tone-bad">row deleted</span>;
  if (value !== null && typeof value === "object" && !Array.isArray(value)) {
    const before = against !== null && typeof against === "object" && !Array.isArray(against) ? against : null;
    const fields = Object.entries(value).filter(([name, each]) =>
      !before || JSON.stringify(before[name]) !== JSON.stringify(each)
    );
    return (
      <span>
        {fields.slice(0, 4).map(([name, each]) => (
          <span key={name}>
            <span className="faint">{name}</span> {cellText(each, "VARCHAR")}
          </span>
        ))}
        {fields.length === 0 && <span className="faint">unchanged</span>}
      </span>
    );
  }
  return value === null ? <span className="huge-null">NULL</span> : <>{cellText(value, "VARCHAR")}</>;
}
