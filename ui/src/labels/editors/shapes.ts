import { useEffect, useRef, useState } from "react";
import { boxesOf, type LabelValue, type Shape } from "../values.ts";
import { classByKey, type EditorProps, useKeys } from "./editor.ts";

export interface ShapesState<S extends Shape> {
  shapes: S[];
  selected: number | null;
  select: (index: number | null) => void;
  /** The class that the next shape gets. */
  active: string;
  setActive: (name: string) => void;
  add: (shape: S) => void;
  replace: (index: number, shape: S) => void;
  /** Like `replace`, for a drag under way: the whole drag is one step of undo. */
  drag: (index: number, shape: S) => void;
  remove: (index: number) => void;
  undo: () => void;
}

/** Shapes that are drawn, chosen, changed and taken back, with the keys that all editors of shapes share. */
export function useShapes<S extends Shape>(props: EditorProps): ShapesState<S> {
  const { schema, value, onChange, readOnly, row } = props;
  const shapes = boxesOf(value) as unknown as S[];
  const [selected, select] = useState<number | null>(null);
  const [active, setActive] = useState(schema.classes?.[0]?.name ?? "");
  const past = useRef<S[][]>([]);
  const dragging = useRef(false);
  useEffect(() => {
    past.current = [];
    select(null);
  }, [row.item]);

  const set = (next: S[], keeps = true) => {
    if (readOnly) return;
    if (keeps) past.current = [...past.current.slice(-99), shapes];
    onChange(next as unknown as LabelValue);
  };
  const state: ShapesState<S> = {
    shapes,
    selected: selected !== null && selected < shapes.length ? selected : null,
    select: (index) => {
      dragging.current = false;
      select(index);
    },
    active,
    setActive,
    add: (shape) => {
      set([...shapes, shape]);
      select(shapes.length);
    },
    replace: (index, shape) => {
      dragging.current = false;
      set(shapes.map((old, at) => at === index ? shape : old));
    },
    drag: (index, shape) => {
      set(shapes.map((old, at) => at === index ? shape : old), !dragging.current);
      dragging.current = true;
    },
    remove: (index) => {
      set(shapes.filter((_, at) => at !== index));
      select(null);
    },
    undo: () => {
      const before = past.current.pop();
      if (before) onChange(before as unknown as LabelValue);
      select(null);
    },
  };
  useKeys((key, event) => {
    const name = classByKey(schema, event);
    const shape = state.selected === null ? undefined : shapes[state.selected];
    if (name !== undefined) {
      setActive(name);
      if (shape && state.selected !== null) state.replace(state.selected, { ...shape, class: name });
      return true;
    }
    if ((event.ctrlKey || event.metaKey) && key === "z") state.undo();
    else if ((key === "Delete" || key === "Backspace") && state.selected !== null) state.remove(state.selected);
    else if (key === "Escape" && state.selected !== null) select(null);
    else if ((key === "]" || key === "[") && shapes.length > 0) {
      const step = key === "]" ? 1 : -1;
      select(((state.selected ?? (step > 0 ? -1 : 0)) + step + shapes.length) % shapes.length);
    } else return false;
    return true;
  }, !readOnly);
  return state;
}
