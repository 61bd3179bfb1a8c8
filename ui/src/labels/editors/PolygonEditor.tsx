import { useState } from "react";
import { crossesItself, type Point, type Polygon } from "../values.ts";
import { colourOf, type EditorProps, useKeys } from "./editor.ts";
import { type CanvasPointer, ImageCanvas } from "./ImageCanvas.tsx";
import { useShapes } from "./shapes.ts";
import { ShapePanel } from "./ShapePanel.tsx";

function partsOf(shape: Polygon): Point[][] {
  return shape.parts ?? (shape.points ? [shape.points] : []);
}

function withParts(shape: Polygon, parts: Point[][]): Polygon {
  const { points: _, parts: __, ...rest } = shape;
  const [only] = parts;
  return parts.length === 1 && only ? { ...rest, points: only } : { ...rest, parts };
}

/** Even-odd: whether a point lies inside an outline. */
function contains(points: readonly Point[], [x, y]: Point): boolean {
  let inside = false;
  points.forEach(([ax, ay], index) => {
    const [bx, by] = points[(index + points.length - 1) % points.length] ?? [ax, ay];
    if ((ay > y) !== (by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax) inside = !inside;
  });
  return inside;
}

/** Outlines on an image: a click a corner, Enter or the first corner closes; corners can be pulled, edges split. */
export function PolygonEditor(props: EditorProps) {
  const { schema, extent, row, readOnly } = props;
  const width = extent && "width" in extent ? extent.width : 1;
  const height = extent && "width" in extent ? extent.height : 1;
  const shapes = useShapes<Polygon>(props);
  const [open, setOpen] = useState<Point[]>([]);
  const [pointer, setPointer] = useState<Point | null>(null);
  const [pull, setPull] = useState<{ part: number; corner: number } | null>(null);
  const chosen = shapes.selected === null ? undefined : shapes.shapes[shapes.selected];
  const inside = ([x, y]: Point): Point => {
    const round = (at: number, most: number) => Math.round(Math.min(Math.max(at, 0), most) * 10) / 10;
    return [round(x, width), round(y, height)];
  };
  const isCrossed = open.length > 2 && crossesItself(open);

  const close = () => {
    if (open.length < 3 || isCrossed) return;
    shapes.add({ class: shapes.active, points: open });
    setOpen([]);
  };
  const down = ({ at, scale }: CanvasPointer) => {
    if (readOnly) return;
    const near = (point: Point) => Math.hypot(point[0] - at[0], point[1] - at[1]) < 9 * scale;
    if (open.length > 0) {
      const [first] = open;
      if (first && open.length >= 3 && near(first)) return close();
      return setOpen([...open, inside(at)]);
    }
    if (chosen && shapes.selected !== null) {
      for (const [part, points] of partsOf(chosen).entries()) {
        const corner = points.findIndex(near);
        if (corner >= 0) return setPull({ part, corner });
        // The middle of an edge: a new corner there.
        const edge = points.findIndex((point, index) => {
          const next = points[(index + 1) % points.length] ?? point;
          return near([(point[0] + next[0]) / 2, (point[1] + next[1]) / 2]);
        });
        if (edge >= 0) {
          const split = [...points.slice(0, edge + 1), inside(at), ...points.slice(edge + 1)];
          shapes.replace(shapes.selected, withParts(chosen, partsOf(chosen).map((old, i) => i === part ? split : old)));
          return setPull({ part, corner: edge + 1 });
        }
      }
    }
    const hit = shapes.shapes.findIndex((shape) => partsOf(shape).some((points) => contains(points, at)));
    if (hit >= 0) return shapes.select(hit);
    if (shapes.selected !== null) return shapes.select(null);
    setOpen([inside(at)]);
  };
  const move = ({ at }: CanvasPointer) => {
    setPointer(at);
    if (!pull || !chosen || shapes.selected === null) return;
    const parts = partsOf(chosen).map((points, part) =>
      part === pull.part ? points.map((point, corner) => corner === pull.corner ? inside(at) : point) : points
    );
    shapes.drag(shapes.selected, withParts(chosen, parts));
  };
  useKeys((key) => {
    if (open.length === 0) return false;
    if (key === "Enter") close();
    else if (key === "Escape") setOpen([]);
    else if (key === "Backspace") setOpen(open.slice(0, -1));
    else return false;
    return true;
  }, !readOnly);

  return (
    <div className="shape-editor">
      <ImageCanvas
        src={row.file ?? ""}
        width={width}
        height={height}
        label={`Image ${row.row["path"] ?? row.item} with ${shapes.shapes.length} outlines`}
        cursor={readOnly ? "default" : "crosshair"}
        onDown={down}
        onMove={move}
        onUp={() => {
          if (pull && shapes.selected !== null) shapes.select(shapes.selected);
          setPull(null);
        }}
      >
        {(scale) => (
          <>
            {shapes.shapes.map((shape, index) => {
              const colour = colourOf(schema, shape.class);
              const isChosen = index === shapes.selected;
              return (
                <g key={index} className={isChosen ? "drawn drawn-chosen" : "drawn"}>
                  {partsOf(shape).map((points, part) => (
                    <g key={part}>
                      <polygon
                        points={points.map((point) => point.join()).join(" ")}
                        stroke={colour}
                        fill={colour}
                        strokeWidth={(isChosen ? 3 : 2) * scale}
                      />
                      {isChosen && !readOnly && points.map((point, corner) => {
                        const next = points[(corner + 1) % points.length] ?? point;
                        return (
                          <g key={corner}>
                            <circle
                              className="drawn-handle"
                              cx={point[0]}
                              cy={point[1]}
                              r={4.5 * scale}
                              stroke={colour}
                              strokeWidth={1.5 * scale}
                            />
                            <circle
                              className="drawn-middle"
                              cx={(point[0] + next[0]) / 2}
                              cy={(point[1] + next[1]) / 2}
                              r={3 * scale}
                              fill={colour}
                            />
                          </g>
                        );
                      })}
                    </g>
                  ))}
                </g>
              );
            })}
            {open.length > 0 && (
              <g className={isCrossed ? "drawn-open drawn-wrong" : "drawn-open"}>
                <polyline
                  points={[...open, ...(pointer ? [pointer] : [])].map((point) => point.join()).join(" ")}
                  stroke={isCrossed ? "var(--bad)" : colourOf(schema, shapes.active)}
                  strokeWidth={2 * scale}
                />
                {open.map((point, index) => (
                  <circle
                    key={index}
                    className="drawn-handle"
                    cx={point[0]}
                    cy={point[1]}
                    r={(index === 0 ? 6 : 4) * scale}
                    stroke={colourOf(schema, shapes.active)}
                    strokeWidth={1.5 * scale}
                  />
                ))}
              </g>
            )}
          </>
        )}
      </ImageCanvas>
      <ShapePanel
        schema={schema}
        state={shapes}
        readOnly={readOnly}
        describe={(shape) => `${partsOf(shape).reduce((sum, points) => sum + points.length, 0)} corners`}
        empty={isCrossed
          ? "The outline crosses itself: Backspace takes the last corner back."
          : "Click corner by corner; Enter closes."}
      />
    </div>
  );
}
