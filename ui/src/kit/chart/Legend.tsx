/** Names and colours of what a chart shows; a click takes one out, Alt or a double click leaves only that one. */
export function Legend(
  { entries, off, onOff, onHighlight }: {
    entries: { id: string; label: string; color: string }[];
    off: ReadonlySet<string>;
    onOff: (off: ReadonlySet<string>) => void;
    onHighlight?: ((id: string | null) => void) | undefined;
  },
) {
  const toggle = (id: string, alone: boolean) => {
    if (alone) {
      const others = entries.map((entry) => entry.id).filter((each) => each !== id);
      const isAlone = others.every((each) => off.has(each)) && !off.has(id);
      onOff(new Set(isAlone ? [] : others));
      return;
    }
    const next = new Set(off);
    if (!next.delete(id)) next.add(id);
    onOff(next);
  };
  return (
    <ul className="chart-legend">
      {entries.map((entry) => (
        <li key={entry.id}>
          <button
            type="button"
            aria-pressed={!off.has(entry.id)}
            title={`${entry.label}: click to hide or show, Alt and click to see only this`}
            className={off.has(entry.id) ? "chart-legend-entry chart-legend-off" : "chart-legend-entry"}
            onClick={(event) => toggle(entry.id, event.altKey || event.detail === 2)}
            onMouseEnter={() => onHighlight?.(entry.id)}
            onMouseLeave={() => onHighlight?.(null)}
          >
            <span className="chart-swatch" style={{ background: entry.color }} />
            <span className="ellipsis">{entry.label}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}
