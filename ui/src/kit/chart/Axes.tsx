import { type Scale, ticksOf, tickText } from "./scale.ts";

export interface Frame {
  width: number;
  height: number;
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** Lines and figures of both axes, under the canvas. */
export function Axes(
  { frame, x, y, xLabel, yLabel, xTicks, yTicks }: {
    frame: Frame;
    x?: Scale;
    y?: Scale;
    xLabel?: string | undefined;
    yLabel?: string | undefined;
    /** Words instead of figures. */
    xTicks?: { at: number; text: string }[];
    yTicks?: { at: number; text: string }[];
  },
) {
  const plotWidth = frame.width - frame.left - frame.right;
  const plotHeight = frame.height - frame.top - frame.bottom;
  const across = xTicks ?? marks(x, Math.max(2, Math.floor(plotWidth / 84)));
  const up = yTicks ?? marks(y, Math.max(2, Math.floor(plotHeight / 44)));
  const bottom = frame.height - frame.bottom;
  return (
    <svg className="chart-axes" width={frame.width} height={frame.height} aria-hidden>
      {up.map((tick) => (
        <g key={tick.at + tick.text}>
          <line x1={frame.left} x2={frame.width - frame.right} y1={tick.at} y2={tick.at} className="chart-rule" />
          <text x={frame.left - 6} y={tick.at} dy="0.32em" textAnchor="end">{tick.text}</text>
        </g>
      ))}
      {across.map((tick) => (
        <g key={tick.at + tick.text}>
          <line x1={tick.at} x2={tick.at} y1={bottom} y2={bottom + 4} className="chart-tick" />
          <text x={tick.at} y={bottom + 16} textAnchor="middle">{tick.text}</text>
        </g>
      ))}
      <line x1={frame.left} x2={frame.width - frame.right} y1={bottom} y2={bottom} className="chart-base" />
      {xLabel && (
        <text x={frame.left + plotWidth / 2} y={frame.height - 2} textAnchor="middle" className="chart-label">
          {xLabel}
        </text>
      )}
      {yLabel && (
        <text x={frame.left} y={frame.top - 8} textAnchor="start" className="chart-label" dx={-frame.left + 4}>
          {yLabel}
        </text>
      )}
    </svg>
  );
}

function marks(scale: Scale | undefined, count: number): { at: number; text: string }[] {
  if (!scale) return [];
  const ticks = ticksOf(scale.kind, scale.domain, count);
  return ticks.map((value) => ({ at: scale.at(value), text: tickText(scale.kind, value, ticks) }));
}
