/** A line as small as a word: the trend of a few values, the last one marked. */
export function Sparkline(
  { values, width = 96, height = 24, label, tone = "var(--accent)" }: {
    values: readonly (number | null)[];
    width?: number;
    height?: number;
    /** For screen readers: "waste, 12 measurements, last −0.53". */
    label: string;
    tone?: string;
  },
) {
  const known = values.filter((value): value is number => value !== null && Number.isFinite(value));
  if (known.length === 0) return <span className="faint">–</span>;
  const low = Math.min(...known);
  const high = Math.max(...known);
  const x = (index: number) => 3 + index / Math.max(1, values.length - 1) * (width - 6);
  const y = (value: number) => high === low ? height / 2 : height - 3 - (value - low) / (high - low) * (height - 6);
  let path = "";
  let isOpen = false;
  for (const [index, value] of values.entries()) {
    if (value === null || !Number.isFinite(value)) isOpen = false;
    else {
      path += `${isOpen ? "L" : "M"}${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
      isOpen = true;
    }
  }
  const lastIndex = values.findLastIndex((value) => value !== null && Number.isFinite(value));
  const last = values[lastIndex];
  return (
    <svg className="sparkline" width={width} height={height} role="img" aria-label={label}>
      <path d={path} fill="none" stroke={tone} strokeWidth={1.5} strokeLinejoin="round" />
      {typeof last === "number" && <circle cx={x(lastIndex)} cy={y(last)} r={2.5} fill={tone} />}
    </svg>
  );
}
