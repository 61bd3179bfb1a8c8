import { useMemo, useState } from "react";
import { Popover } from "../Menu.tsx";
import { Button } from "../Button.tsx";
import { Checkbox, Input } from "../Field.tsx";
import { type Column, type ColumnLayout, isShown, toggleShown } from "./columns.ts";

/** Which columns a grid shows: found by name, ticked one by one or by group. */
export function ColumnChooser<R>(
  { columns, layout, onLayout, small }: {
    columns: readonly Column<R>[];
    layout: ColumnLayout;
    onLayout: (layout: ColumnLayout) => void;
    small?: boolean;
  },
) {
  const [text, setText] = useState("");
  const groups = useMemo(() => {
    const wanted = text.trim().toLowerCase();
    const out = new Map<string, Column<R>[]>();
    for (const column of columns) {
      if (wanted && !nameOf(column).toLowerCase().includes(wanted)) continue;
      const group = column.group ?? "";
      out.set(group, [...out.get(group) ?? [], column]);
    }
    return [...out];
  }, [columns, text]);
  return (
    <Popover label="Columns" text="Columns" icon="columns" align="end" small={small}>
      {() => (
        <div className="chooser">
          {columns.length > 8 && (
            <Input value={text} onChange={setText} placeholder="Find a column" aria-label="Find a column" autoFocus />
          )}
          <div className="chooser-list">
            {groups.map(([group, members]) => {
              const on = members.filter((column) => isShown(column, layout)).length;
              return (
                <fieldset key={group} className="chooser-group">
                  {group && (
                    <legend>
                      <Checkbox
                        checked={on === members.length}
                        indeterminate={on > 0 && on < members.length}
                        onChange={(show) =>
                          onLayout(members.reduce(
                            (next, column) => isShown(column, next) === show ? next : toggleShown(next, column),
                            layout,
                          ))}
                      >
                        {group} <span className="faint">{on}/{members.length}</span>
                      </Checkbox>
                    </legend>
                  )}
                  {members.slice(0, 400).map((column) => (
                    <Checkbox
                      key={column.id}
                      checked={isShown(column, layout)}
                      disabled={column.fixed}
                      onChange={() => onLayout(toggleShown(layout, column))}
                    >
                      {nameOf(column)}
                    </Checkbox>
                  ))}
                </fieldset>
              );
            })}
          </div>
          <Button small kind="quiet" icon="refresh" onClick={() => onLayout({})}>As at first</Button>
        </div>
      )}
    </Popover>
  );
}

function nameOf<R>(column: Column<R>): string {
  return column.name ?? (typeof column.header === "string" ? column.header : column.id);
}
