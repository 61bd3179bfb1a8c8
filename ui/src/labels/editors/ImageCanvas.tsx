import { type PointerEvent, type ReactNode, useCallback, useEffect, useRef, useState } from "react";
import { IconButton } from "../../kit/Button.tsx";
import type { Point } from "../values.ts";

export interface CanvasPointer {
  /** Where, in the image's pixels; may lie outside of it. */
  at: Point;
  /** Pixels of the image that one pixel of the screen is, for handles of constant size. */
  scale: number;
  event: PointerEvent<SVGSVGElement>;
}

export interface ImageCanvasProps {
  src: string;
  width: number;
  height: number;
  /** For screen readers. */
  label: string;
  onDown?: (pointer: CanvasPointer) => void;
  onMove?: (pointer: CanvasPointer) => void;
  onUp?: (pointer: CanvasPointer) => void;
  onDoubleClick?: () => void;
  /** Drawn over the image, in its pixels. */
  children: (scale: number) => ReactNode;
  cursor?: string;
}

interface View {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** An image to draw on: the wheel zooms about the pointer, Space or the middle button moves, double arrows fit. */
export function ImageCanvas(
  { src, width, height, label, onDown, onMove, onUp, onDoubleClick, children, cursor = "crosshair" }: ImageCanvasProps,
) {
  const svg = useRef<SVGSVGElement>(null);
  const whole = { x: 0, y: 0, width, height };
  const [view, setView] = useState<View>(whole);
  const [scale, setScale] = useState(1);
  const [isMoving, setMoving] = useState(false);
  const [holdsSpace, setSpace] = useState(false);
  const last = useRef<[number, number] | null>(null);
  useEffect(() => setView({ x: 0, y: 0, width, height }), [src, width, height]);

  const measure = useCallback(() => {
    const matrix = svg.current?.getScreenCTM();
    if (matrix && matrix.a > 0) setScale(1 / matrix.a);
  }, []);
  useEffect(measure, [view, measure]);
  useEffect(() => {
    if (!svg.current) return;
    const watcher = new ResizeObserver(measure);
    watcher.observe(svg.current);
    return () => watcher.disconnect();
  }, [measure]);

  const place = (event: { clientX: number; clientY: number }): Point => {
    const matrix = svg.current?.getScreenCTM();
    if (!matrix) return [0, 0];
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
    return [at.x, at.y];
  };
  const zoom = useCallback((factor: number, at?: Point) => {
    setView((old) => {
      const next = Math.min(Math.max(old.width * factor, width / 40), width * 1.5);
      const ratio = next / old.width;
      const [x, y] = at ?? [old.x + old.width / 2, old.y + old.height / 2];
      return { x: x - (x - old.x) * ratio, y: y - (y - old.y) * ratio, width: next, height: old.height * ratio };
    });
  }, [width]);
  useEffect(() => {
    const element = svg.current;
    if (!element) return;
    // React's wheel listeners are passive: the page would scroll.
    const wheel = (event: WheelEvent) => {
      event.preventDefault();
      zoom(Math.exp(event.deltaY * 0.0015), place(event));
    };
    element.addEventListener("wheel", wheel, { passive: false });
    const space = (event: KeyboardEvent) => {
      if (event.code !== "Space" || (event.target as HTMLElement).closest("input, textarea, select, button, a")) return;
      setSpace(event.type === "keydown");
      event.preventDefault();
    };
    addEventListener("keydown", space);
    addEventListener("keyup", space);
    return () => {
      element.removeEventListener("wheel", wheel);
      removeEventListener("keydown", space);
      removeEventListener("keyup", space);
    };
  }, [zoom]);

  const pointer = (event: PointerEvent<SVGSVGElement>): CanvasPointer => ({ at: place(event), scale, event });
  return (
    <div className="image-canvas">
      <svg
        ref={svg}
        role="img"
        aria-label={label}
        viewBox={`${view.x} ${view.y} ${view.width} ${view.height}`}
        preserveAspectRatio="xMidYMid meet"
        style={{ cursor: isMoving ? "grabbing" : holdsSpace ? "grab" : cursor }}
        onDoubleClick={onDoubleClick}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          if (event.button === 1 || holdsSpace) {
            last.current = [event.clientX, event.clientY];
            setMoving(true);
          } else if (event.button === 0) onDown?.(pointer(event));
        }}
        onPointerMove={(event) => {
          if (!last.current) return onMove?.(pointer(event));
          const [dx, dy] = [event.clientX - last.current[0], event.clientY - last.current[1]];
          last.current = [event.clientX, event.clientY];
          setView((old) => ({ ...old, x: old.x - dx * scale, y: old.y - dy * scale }));
        }}
        onPointerUp={(event) => {
          if (!last.current) return onUp?.(pointer(event));
          last.current = null;
          setMoving(false);
        }}
      >
        <rect className="image-canvas-paper" x={0} y={0} width={width} height={height} />
        <image
          href={src}
          x={0}
          y={0}
          width={width}
          height={height}
          preserveAspectRatio="none"
          style={{ imageRendering: scale < 0.4 ? "pixelated" : "auto" }}
        />
        {children(scale)}
      </svg>
      <div className="image-canvas-tools">
        <IconButton icon="plus" label="Zoom in" small kind="plain" onClick={() => zoom(1 / 1.4)} />
        <IconButton icon="minus" label="Zoom out" small kind="plain" onClick={() => zoom(1.4)} />
        <IconButton icon="fit" label="Fit the image" small kind="plain" onClick={() => setView(whole)} />
      </div>
    </div>
  );
}
