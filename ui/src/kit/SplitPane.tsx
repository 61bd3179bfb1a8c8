import { type KeyboardEvent, type PointerEvent, type ReactNode, useRef, useState } from "react";

export interface SplitPaneProps {
  first: ReactNode;
  second: ReactNode;
  /** Side by side, or one over the other. On a phone always one over the other. */
  direction?: "row" | "column";
  /** Share of the first part, 0.1 to 0.9. */
  initial?: number;
  /** The size is remembered under this name in this browser. */
  name?: string;
  label?: string;
}

/** Two parts with a border that can be dragged, or moved with the arrow keys. */
export function SplitPane(
  { first, second, direction = "row", initial = 0.6, name, label = "Size of the parts" }: SplitPaneProps,
) {
  const [share, setShare] = useState(() => (name && stored(name)) || initial);
  const box = useRef<HTMLDivElement>(null);
  const change = (next: number) => {
    const value = Math.max(0.1, Math.min(0.9, next));
    setShare(value);
    if (name) remember(name, value);
  };
  const drag = (event: PointerEvent) => {
    const rect = box.current?.getBoundingClientRect();
    if (!rect || event.buttons !== 1) return;
    change(direction === "row" ? (event.clientX - rect.left) / rect.width : (event.clientY - rect.top) / rect.height);
  };
  const press = (event: KeyboardEvent) => {
    const step = /Right|Down/.test(event.key) ? 0.03 : /Left|Up/.test(event.key) ? -0.03 : 0;
    if (!event.key.startsWith("Arrow") || step === 0) return;
    event.preventDefault();
    change(share + step);
  };
  return (
    <div ref={box} className={`split split-${direction}`}>
      <div className="split-part" style={{ flexGrow: share }}>{first}</div>
      <div
        className="split-border"
        role="separator"
        tabIndex={0}
        aria-label={label}
        aria-orientation={direction === "row" ? "vertical" : "horizontal"}
        aria-valuenow={Math.round(share * 100)}
        aria-valuemin={10}
        aria-valuemax={90}
        onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
        onPointerMove={drag}
        onKeyDown={press}
        onDoubleClick={() => change(initial)}
      />
      <div className="split-part" style={{ flexGrow: 1 - share }}>{second}</div>
    </div>
  );
}

function stored(name: string): number | null {
  try {
    const value = Number(localStorage.getItem("slipway.split." + name));
    return value >= 0.1 && value <= 0.9 ? value : null;
  } catch {
    return null;
  }
}

function remember(name: string, value: number): void {
  try {
    localStorage.setItem("slipway.split." + name, value.toFixed(3));
  } catch {
    // Only a convenience.
  }
}
