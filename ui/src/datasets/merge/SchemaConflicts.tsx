import { Button } from "../../kit/Button.tsx";
import { Panel } from "../../kit/Page.tsx";
import { Notice } from "../../kit/States.tsx";
import type { Merge } from "./api.ts";

/** Columns on which the sides differ come before the rows: what a cell is depends on them. */
export function SchemaConflicts(
  { merge, busy, onTake }: { merge: Merge; busy: boolean; onTake: (column: string, side: "ours" | "theirs") => void },
) {
  return (
    <Panel title="Columns in conflict">
      <div className="stack">
        <Notice tone="info">Rows are compared when the columns are decided.</Notice>
        {merge.schemaConflicts.map((each) => (
          <div key={each.column} className="row row-wrap schema-conflict">
            <code className="grow">
              <b>{each.column}</b>{" "}
              <span className="faint">
                {each.kind === "type"
                  ? `was ${each.base ?? "not there"}`
                  : `one side dropped it${
                    each.rows ? `, the other changed ${each.rows.toLocaleString("en")} cells` : ""
                  }`}
              </span>
            </code>
            <Button disabled={busy} onClick={() => onTake(each.column, "ours")}>Ours: {each.ours ?? "dropped"}</Button>
            <Button disabled={busy} onClick={() => onTake(each.column, "theirs")}>
              Theirs: {each.theirs ?? "dropped"}
            </Button>
          </div>
        ))}
      </div>
    </Panel>
  );
}
