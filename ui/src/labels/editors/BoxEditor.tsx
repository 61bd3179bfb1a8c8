import { useRef, useState } from "react";
import { type Box, boxBetween, movedBox, type Point } from "../values.ts";
import { colourOf, type EditorProps, useKeys } from "./editor.ts";
import { type CanvasPointer, ImageCanvas } from "./ImageCanvas.tsx";
import { useShapes } from "./shapes.ts";
import { ShapePanel } from "./ShapePanel.tsx";

/** A drag under way: drawing from a corner, moving, or pulling an edge or corner (-1, 0, 1 in each direction). */
type Drag =
  | { kind: "draw"; from: Point; to: Point }
  | { kind: "move"; index: number; box: Box; from: Point }
  | { kind: "pull"; index: number; box: Box; side: Point };

const handles: Point[] = [[-1, -1], [0, -1], [1, -1], [1, 0], [1, 1], [0, 1], [-1, 1], [-1, 0]];

/** Rectangles on an image: draw by dragging, move and pull; arrows move a chosen one by a pixel, with Alt its size. */
export function BoxEditor(props: EditorProps) {
  const { schema, extent, row, readOnly } = props;
  const width = extent && "width" in extent ? extent.width : 1;
  const height = extent && "width" in extent ? extent.height : 1;
  const shapes = useShapes<Box>(props);
  const [drag, setDrag] = useState<Drag | null>(null);
  const [pointer, setPointer] = useState<Point | null>(null);
  const started = useRef(false);

  const handleAt = (
    box: Box,
    [x, y]: Point,
  ): Point => [box.x + box.width * (x + 1) / 2, box.y + box.height * (y + 1) / 2];
  const down = ({ at, scale }: CanvasPointer) => {
    if (readOnly) return;
    started.current = false;
    const near = 9 * scale;
    const chosen = shapes.selected === null ? undefined : shapes.shapes[shapes.selected];
    if (chosen && shapes.selected !== null) {
      const side = handles.find((handle) => {
        const [x, y] = handleAt(chosen, handle);
        return Math.abs(x - at[0]) < near && Math.abs(y - at[1]) < near;
      });
      if (side) return setDrag({ kind: "pull", index: shapes.selected, box: chosen, side });
    }
    // The smallest box under the pointer: one inside another can be reached.
    const hit = shapes.shapes.map((box, index) => ({ box, index }))
      .filter(({ box }) =>
        at[0] >= box.x && at[0] <= box.x + box.width && at[1] >= box.y && at[1] <= box.y + box.height
      )
      .sort((a, b) => a.box.width * a.box.height - b.box.width * b.box.height)[0];
    if (hit) {
      shapes.select(hit.index);
      setDrag({ kind: "move", ...hit, from: at });
    } else {
      shapes.select(null);
      setDrag({ kind: "draw", from: at, to: at });
    }
  };
  const move = ({ at }: CanvasPointer) => {
    setPointer(at);
    if (!drag) return;
    started.current = true;
    if (drag.kind === "draw") setDrag({ ...drag, to: at });
    else if (drag.kind === "move") {
      shapes.drag(drag.index, movedBox(drag.box, at[0] - drag.from[0], at[1] - drag.from[1], width, height));
    } else {
      const { box, side: [x, y] } = drag;
      const a: Point = [x < 0 ? at[0] : box.x, y < 0 ? at[1] : box.y];
      const b: Point = [x > 0 ? at[0] : box.x + box.width, y > 0 ? at[1] : box.y + box.height];
      const pulled = boxBetween(a, b, width, height);
      if (pulled.width > 0 && pulled.height > 0) shapes.drag(drag.index, { ...box, ...pulled });
    }
  };
  const up = ({ at, scale }: CanvasPointer) => {
    if (drag?.kind === "draw") {
      const box = boxBetween(drag.from, at, width, height);
      // A click beside everything is not a box of no size.
      if (box.width > 3 * scale && box.height > 3 * scale && box.width >= 1 && box.height >= 1) {
        shapes.add({ class: shapes.active, ...box });
      }
    } else if (drag && shapes.selected !== null) shapes.select(shapes.selected);
    setDrag(null);
  };
  useKeys((key, event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
    const box = shapes.selected === null ? undefined : shapes.shapes[shapes.selected];
    if (!step || !box || shapes.selected === null) return false;
    const [dx, dy] = step.map((one) => one * (event.shiftKey ? 10 : 1)) as Point;
    if (event.altKey) {
      const sized = boxBetween([box.x, box.y], [box.x + box.width + dx, box.y + box.height + dy], width, height);
      if (sized.width > 0 && sized.height > 0) shapes.replace(shapes.selected, { ...box, ...sized });
    } else shapes.replace(shapes.selected, movedBox(box, dx, dy, width, height));
    return true;
  }, !readOnly);

  const drawn = drag?.kind === "draw" ? boxBetween(drag.from, drag.to, width, height) : null;
  return (
    <div className="shape-editor">
      <ImageCanvas
        src={row.file ?? ""}
        width={width}
        height={height}
        label={`Image ${row.row["path"] ?? row.item} with ${shapes.shapes.length} boxes`}
        cursor={readOnly ? "default" : "crosshair"}
        onDown={down}
        onMove={move}
        onUp={up}
      >
        {(scale) => (
          <>
            {!readOnly && pointer && !drag && (
              <path
                className="image-canvas-cross"
                d={`M${pointer[0]} 0V${height}M0 ${pointer[1]}H${width}`}
                strokeWidth={scale}
              />
            )}
            {shapes.shapes.map((box, index) => {
              const colour = colourOf(schema, box.class);
              const isChosen = index === shapes.selected;
              return (
                <g key={index} className={isChosen ? "drawn drawn-chosen" : "drawn"}>
                  <rect
                    x={box.x}
                    y={box.y}
                    width={box.width}
                    height={box.height}
                    stroke={colour}
                    fill={colour}
                    strokeWidth={(isChosen ? 3 : 2) * scale}
                  />
                  <text x={box.x + 3 * scale} y={box.y - 4 * scale} fontSize={12 * scale} fill={colour}>
                    {box.class}
                  </text>
                  {isChosen && !readOnly && handles.map((handle) => {
                    const [x, y] = handleAt(box, handle);
                    return (
                      <rect
                        key={handle.join()}
                        className="drawn-handle"
                        x={x - 4 * scale}
                        y={y - 4 * scale}
                        width={8 * scale}
                        height={8 * scale}
                        stroke={colour}
                        strokeWidth={1.5 * scale}
                      />
                    );
                  })}
                </g>
              );
            })}
            {drawn && (
              <rect
                className="drawn-new"
                {...{ x: drawn.x, y: drawn.y, width: drawn.width, height: drawn.height }}
                stroke={colourOf(schema, shapes.active)}
                strokeWidth={2 * scale}
              />
            )}
          </>
        )}
      </ImageCanvas>
      <ShapePanel
        schema={schema}
        state={shapes}
        readOnly={readOnly}
        describe={(box) => `${box.width} × ${box.height} at ${box.x}, ${box.y}`}
        empty="Drag over the image to draw a box."
      />
    </div>
  );
}
