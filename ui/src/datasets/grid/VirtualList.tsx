import { type ReactNode, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import { barHeight, type Place, scrolled, type Space, visible } from "./scroll.ts";

/** Lines of one height and any number; only what can be seen is laid out. */
export function VirtualList(
  { count, lineHeight, label, role = "list", onRange, onWidth, children, className }: {
    count: number;
    lineHeight: number;
    label: string;
    role?: string;
    /** The lines that can be seen. */
    onRange?: (first: number, last: number) => void;
    onWidth?: (width: number) => void;
    /** Draws a line; it is put in its place. */
    children: (line: number) => ReactNode;
    className?: string;
  },
) {
  const scroller = useRef<HTMLDivElement>(null);
  const [view, setView] = useState(400);
  const [place, setPlace] = useState<Place>({ top: 0, bar: 0 });
  const space: Space = { rows: count, rowHeight: lineHeight, view };
  const latest = useRef({ space, place, onWidth });
  latest.current = { space, place, onWidth };
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const measure = () => {
      setView(element.clientHeight);
      latest.current.onWidth?.(element.clientWidth);
    };
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, []);
  const onScroll = useCallback(() => {
    const element = scroller.current;
    if (!element) return;
    const next = scrolled(latest.current.space, latest.current.place, element.scrollTop);
    latest.current.place = next;
    setPlace(next);
  }, []);
  const shown = visible(space, place.top, 3);
  useEffect(() => {
    const exact = visible(space, place.top, 0);
    onRange?.(exact.first, exact.last);
  }, [shown.first, shown.last, count, lineHeight]);
  const lines: ReactNode[] = [];
  for (let line = shown.first; line < shown.last; line++) {
    lines.push(
      <div
        key={line}
        className="virtual-line"
        style={{ transform: `translateY(${line * lineHeight - place.top + place.bar}px)`, height: lineHeight }}
      >
        {children(line)}
      </div>,
    );
  }
  return (
    <div
      ref={scroller}
      className={`virtual-list ${className ?? ""}`}
      role={role}
      aria-label={label}
      tabIndex={0}
      onScroll={onScroll}
    >
      <div className="virtual-body" style={{ height: barHeight(space) }} role="presentation">{lines}</div>
    </div>
  );
}
