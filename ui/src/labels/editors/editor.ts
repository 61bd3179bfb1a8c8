import { useEffect, useRef } from "react";
import type { Extent, ItemRow, LabelSchema, LabelTask } from "../api.ts";
import type { LabelValue } from "../values.ts";

/** What every editor of labels takes. */
export interface EditorProps {
  schema: LabelSchema;
  task: LabelTask;
  row: ItemRow;
  extent: Extent;
  value: LabelValue | null;
  /** `isFinal`: a single choice says all, so that the answer can go at once. */
  onChange: (value: LabelValue, isFinal?: boolean) => void;
  /** Only to look at: a review, an old answer. */
  readOnly?: boolean;
}

/**
 * Keys that are pressed anywhere, unless somebody types into a field or a dialog is open. True: the key is used up.
 * An editor is asked before its page, whichever of them appeared first: Enter closes an outline before it submits.
 */
export function useKeys(handle: (key: string, event: KeyboardEvent) => boolean, on = true, isPage = false): void {
  const latest = useRef(handle);
  latest.current = handle;
  useEffect(() => {
    if (!on) return;
    const listen = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement | null;
      if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
      if (target?.closest("input:not([type=checkbox]), textarea, select, [contenteditable]")) return;
      // A focused button keeps its own Enter and Space; classes and shapes are chosen with Space, and Enter submits.
      const own = event.key === " " ? "button, a" : "button:not([role=radio], [role=checkbox], .shape-name), a";
      if ((event.key === "Enter" || event.key === " ") && target?.closest(own)) return;
      if (latest.current(event.key, event)) event.preventDefault();
    };
    addEventListener("keydown", listen, !isPage);
    return () => removeEventListener("keydown", listen, !isPage);
  }, [on, isPage]);
}

export function colourOf(schema: LabelSchema, name: string): string {
  return schema.classes?.find((one) => one.name === name)?.colour ?? "var(--cat-8)";
}

/** The class whose hotkey a key is; with a modifier a key means something else. */
export function classByKey(schema: LabelSchema, event: KeyboardEvent): string | undefined {
  if (event.ctrlKey || event.metaKey || event.altKey) return undefined;
  return schema.classes?.find((one) => one.hotkey === event.key)?.name;
}
