import type { Scale } from "./scale.ts";
import { type Series, thin } from "./series.ts";

export function drawLine(
  context: CanvasRenderingContext2D,
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  sx: Scale,
  sy: Scale,
  { steps = false, coarse = false }: { steps?: boolean; coarse?: boolean } = {},
): void {
  const columns = Math.max(1, Math.round((sx.range[1] - sx.range[0]) / (coarse ? 2 : 1)));
  // Thinning counts columns of equal width in x; on a log axis they are not, so all points are drawn there.
  const isEven = sx.kind !== "log";
  const indexes = isEven ? thin(x, y, sx.domain[0], sx.domain[1], columns).indexes : null;
  const count = indexes ? indexes.length : x.length;
  context.beginPath();
  let isOpen = false;
  let before = 0;
  for (let step = 0; step < count; step++) {
    const index = indexes ? indexes[step] ?? 0 : step;
    const px = sx.at(x[index] ?? NaN);
    const py = sy.at(y[index] ?? NaN);
    if (!Number.isFinite(px) || !Number.isFinite(py)) {
      isOpen = false;
      continue;
    }
    if (!isOpen) context.moveTo(px, py);
    else {
      if (steps) context.lineTo(px, before);
      context.lineTo(px, py);
    }
    before = py;
    isOpen = true;
  }
  context.stroke();
}

export function drawDots(
  context: CanvasRenderingContext2D,
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  sx: Scale,
  sy: Scale,
): void {
  for (let index = 0; index < x.length; index++) {
    const px = sx.at(x[index] ?? NaN);
    const py = sy.at(y[index] ?? NaN);
    if (!Number.isFinite(px) || !Number.isFinite(py)) continue;
    context.beginPath();
    context.arc(px, py, 3, 0, Math.PI * 2);
    context.fill();
  }
}

export function drawBand(
  context: CanvasRenderingContext2D,
  { x, low, high }: Series,
  sx: Scale,
  sy: Scale,
  color: string,
  alpha: number,
): void {
  if (!low || !high) return;
  context.save();
  context.globalAlpha = alpha;
  context.fillStyle = color;
  context.beginPath();
  let isOpen = false;
  for (let index = 0; index < x.length; index++) {
    const py = sy.at(high[index] ?? NaN);
    if (!Number.isFinite(py)) continue;
    if (isOpen) context.lineTo(sx.at(x[index] ?? NaN), py);
    else context.moveTo(sx.at(x[index] ?? NaN), py);
    isOpen = true;
  }
  for (let index = x.length - 1; index >= 0; index--) {
    const py = sy.at(low[index] ?? NaN);
    if (Number.isFinite(py)) context.lineTo(sx.at(x[index] ?? NaN), py);
  }
  context.closePath();
  context.fill();
  context.restore();
}
