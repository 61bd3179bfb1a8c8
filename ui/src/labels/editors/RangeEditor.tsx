import { type PointerEvent, useRef, useState } from "react";
import { Empty } from "../../kit/States.tsx";
import { seriesOf, type Span } from "../values.ts";
import { colourOf, type EditorProps, useKeys } from "./editor.ts";
import { useShapes } from "./shapes.ts";
import { ShapePanel } from "./ShapePanel.tsx";

const view = { width: 1000, height: 300, bottom: 22 };

/** Parts of a series: drag from where it begins to where it ends; arrows move a chosen one, with Alt its end. */
export function RangeEditor(props: EditorProps) {
  const { schema, task, row, readOnly } = props;
  const cells = task.content ? [row.row[task.content]] : Object.values(row.row);
  const series = cells.map(seriesOf).find((found) => found !== null && found !== undefined) ?? null;
  const shapes = useShapes<Span>(props);
  const svg = useRef<SVGSVGElement>(null);
  const [drag, setDrag] = useState<{ from: number; to: number } | null>(null);
  const [edge, setEdge] = useState<{ index: number; end: "start" | "end" } | null>(null);
  const last = Math.max((series?.length ?? 1) - 1, 1);
  useKeys((key, event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[key];
    const span = shapes.selected === null ? undefined : shapes.shapes[shapes.selected];
    if (!step || !span || shapes.selected === null) return false;
    const by = event.shiftKey ? step * 10 : step;
    const clamp = (at: number) => Math.min(Math.max(at, 0), last);
    const moved = event.altKey
      ? { ...span, end: Math.max(clamp(span.end + by), span.start) }
      : { ...span, start: clamp(span.start + by), end: clamp(span.end + by) };
    if (moved.end > moved.start) shapes.replace(shapes.selected, moved);
    return true;
  }, !readOnly);
  if (!series) {
    return (
      <Empty icon="chart" title="There is no series in this row" compact>
        A column with a list of numbers is needed; the task says which with its content column.
      </Empty>
    );
  }

  const known = series.filter((value): value is number => value !== null);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const x = (at: number) => at / last * view.width;
  const y = (value: number) => 8 + (high - value) / (high - low || 1) * (view.height - view.bottom - 16);
  let isDown = false;
  const path = series.map((value, index) => {
    if (value === null) {
      isDown = false;
      return "";
    }
    const step = `${isDown ? "L" : "M"}${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
    isDown = true;
    return step;
  }).join("");
  const place = (event: PointerEvent): number => {
    const box = svg.current?.getBoundingClientRect();
    if (!box) return 0;
    return Math.round(Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1) * last);
  };
  const down = (event: PointerEvent<SVGSVGElement>) => {
    if (readOnly || event.button !== 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    const at = place(event);
    const near = last * 8 / (svg.current?.getBoundingClientRect().width ?? view.width);
    const span = shapes.selected === null ? undefined : shapes.shapes[shapes.selected];
    if (span && shapes.selected !== null) {
      if (Math.abs(span.start - at) <= near) return setEdge({ index: shapes.selected, end: "start" });
      if (Math.abs(span.end - at) <= near) return setEdge({ index: shapes.selected, end: "end" });
    }
    const hit = shapes.shapes.findIndex((one) => at >= one.start && at <= one.end);
    if (hit >= 0 && hit !== shapes.selected) return shapes.select(hit);
    shapes.select(null);
    setDrag({ from: at, to: at });
  };
  const move = (event: PointerEvent<SVGSVGElement>) => {
    const at = place(event);
    if (drag) setDrag({ ...drag, to: at });
    const span = edge ? shapes.shapes[edge.index] : undefined;
    if (edge && span) {
      const pulled = { ...span, [edge.end]: at };
      if (pulled.start < pulled.end) shapes.drag(edge.index, pulled);
    }
  };
  const up = () => {
    if (drag && drag.from !== drag.to) {
      shapes.add({ class: shapes.active, start: Math.min(drag.from, drag.to), end: Math.max(drag.from, drag.to) });
    }
    setDrag(null);
    setEdge(null);
  };
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => Math.round(part * last));
  return (
    <div className="shape-editor">
      <svg
        ref={svg}
        className="range-plot"
        viewBox={`0 0 ${view.width} ${view.height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Series of ${series.length} values with ${shapes.shapes.length} ranges`}
        onPointerDown={down}
        onPointerMove={move}
        onPointerUp={up}
      >
        {shapes.shapes.map((span, index) => {
          const colour = colourOf(schema, span.class);
          return (
            <rect
              key={index}
              className={index === shapes.selected ? "range range-chosen" : "range"}
              x={x(span.start)}
              width={Math.max(x(span.end) - x(span.start), 1)}
              y={0}
              height={view.height - view.bottom}
              fill={colour}
              stroke={colour}
              vectorEffect="non-scaling-stroke"
            />
          );
        })}
        {drag && (
          <rect
            className="range range-new"
            x={x(Math.min(drag.from, drag.to))}
            width={x(Math.abs(drag.to - drag.from))}
            y={0}
            height={view.height - view.bottom}
            fill={colourOf(schema, shapes.active)}
          />
        )}
        <path className="range-line" d={path} vectorEffect="non-scaling-stroke" />
      </svg>
      <div className="range-axis" aria-hidden>{ticks.map((tick) => <span key={tick}>{tick}</span>)}</div>
      <ShapePanel
        schema={schema}
        state={shapes}
        readOnly={readOnly}
        describe={(span) => `${span.start} to ${span.end}`}
        empty="Drag over the series to mark a part."
      />
    </div>
  );
}
