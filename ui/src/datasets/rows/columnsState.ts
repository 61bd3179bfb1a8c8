import { useCallback, useMemo, useState } from "react";
import { list, useUrlState } from "../../app/urlState.ts";
import type { Cell, Column } from "../api.ts";
import { widthFor } from "../grid/cells.ts";
import type { GridColumn } from "../grid/HugeGrid.tsx";

export interface ColumnsState {
  /** What the grid shows, the pinned ones first. */
  columns: GridColumn[];
  hidden: readonly string[];
  pinned: readonly string[];
  toggle: (name: string) => void;
  pin: (name: string) => void;
  showAll: () => void;
  hideAll: () => void;
  resize: (name: string, width: number) => void;
}

/** Which columns are shown, pinned and how wide. The choice is in the URL, widths are only of this page. */
export function useColumns(
  all: readonly Column[],
  sample: readonly Cell[][],
  hiddenAtFirst: readonly string[] = [],
): ColumnsState {
  const [hidden, setHidden] = useUrlState("hide", list, hiddenAtFirst as string[]);
  const [pinned, setPinned] = useUrlState("pin", list, [] as string[]);
  const [widths, setWidths] = useState<Record<string, number>>({});
  const hasSample = sample.length > 0;
  const columns = useMemo(() => {
    const shown = all.map((column, index): GridColumn => ({
      ...column,
      index,
      pinned: pinned.includes(column.name),
      width: widths[column.name] ?? widthFor(column, sample.slice(0, 50).map((row) => row[index] ?? null)),
    })).filter((column) => !hidden.includes(column.name));
    return [...shown.filter((column) => column.pinned), ...shown.filter((column) => !column.pinned)];
  }, [all, hidden, pinned, widths, hasSample]);
  const flip = (names: readonly string[], name: string) =>
    names.includes(name) ? names.filter((each) => each !== name) : [...names, name];
  return {
    columns,
    hidden,
    pinned,
    toggle: useCallback((name) => setHidden((old) => flip(old, name)), [setHidden]),
    pin: useCallback((name) => setPinned((old) => flip(old, name)), [setPinned]),
    showAll: useCallback(() => setHidden([]), [setHidden]),
    hideAll: useCallback(() => setHidden(all.slice(1).map((each) => each.name)), [setHidden, all]),
    resize: useCallback((name, width) => setWidths((old) => ({ ...old, [name]: width })), []),
  };
}
