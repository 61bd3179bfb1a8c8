/** Chosen rows, by key. */
export type Selection = ReadonlySet<string>;

export interface Click {
  key: string;
  index: number;
  shift: boolean;
  /** Ctrl, or ⌘. */
  add: boolean;
}

/**
 * What is chosen after a click: alone it chooses one row, with Ctrl it adds or takes away, with Shift it takes all rows
 * from the last one clicked. `keyOf` is undefined for rows that have not arrived; those are not taken.
 */
export function select(
  old: Selection,
  click: Click,
  anchor: number | null,
  keyOf: (index: number) => string | undefined,
): Selection {
  if (click.shift && anchor !== null) {
    const out = new Set(click.add ? old : []);
    for (let index = Math.min(anchor, click.index); index <= Math.max(anchor, click.index); index++) {
      const key = keyOf(index);
      if (key !== undefined) out.add(key);
    }
    return out;
  }
  if (click.add) return toggle(old, click.key);
  return old.size === 1 && old.has(click.key) ? new Set() : new Set([click.key]);
}

export function toggle(old: Selection, key: string): Selection {
  const out = new Set(old);
  if (!out.delete(key)) out.add(key);
  return out;
}

/** Cells as text for a spreadsheet: tabs and newlines inside cells quoted. */
export function asTabSeparated(rows: readonly (readonly (string | number | boolean | null | undefined)[])[]): string {
  const cell = (value: string | number | boolean | null | undefined) => {
    const text = value === null || value === undefined ? "" : String(value);
    return /[\t\n\r"]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((row) => row.map(cell).join("\t")).join("\n");
}
