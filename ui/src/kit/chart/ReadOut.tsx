import type { ReactNode } from "react";

/** The values under the pointer, beside it. */
export function ReadOut(
  { left, width, title, rows, rest = 0 }: {
    left: number;
    width: number;
    title: ReactNode;
    rows: { color?: string; label: string; value: string }[];
    rest?: number;
  },
) {
  const isRight = left > width / 2;
  return (
    <div className="chart-readout" style={isRight ? { right: width - left + 12 } : { left: left + 12 }}>
      <div className="chart-readout-title">{title}</div>
      {rows.map((row, index) => (
        <div key={index} className="chart-readout-row">
          {row.color && <span className="chart-swatch" style={{ background: row.color }} />}
          <span className="ellipsis grow">{row.label}</span>
          <span className="tabular">{row.value}</span>
        </div>
      ))}
      {rest > 0 && <div className="faint">and {rest} more</div>}
    </div>
  );
}
