import { type Box, colourOf, cutText, type Polygon, type Span } from "./shapes.ts";

/** Boxes and outlines over an image, in the image's pixels. */
export function Overlay(
  { width, height, shapes, named }: {
    width: number;
    height: number;
    shapes: readonly (Box | Polygon)[];
    named?: boolean;
  },
) {
  if (shapes.length === 0) return null;
  const size = Math.max(width, height) / 28;
  return (
    <svg
      className="overlay"
      viewBox={`0 0 ${width} ${height}`}
      role="img"
      aria-label={shapes.map((each) => each.label).join(", ")}
    >
      {shapes.map((shape, index) => {
        const at = shape.kind === "box" ? [shape.x, shape.y] as const : shape.parts[0]?.[0] ?? [0, 0] as const;
        const colour = colourOf(shape.label);
        return (
          <g key={index} style={{ color: colour }}>
            {shape.kind === "box"
              ? <rect className="overlay-shape" x={shape.x} y={shape.y} width={shape.width} height={shape.height} />
              : shape.parts.map((part, each) => (
                <polygon
                  key={each}
                  className="overlay-shape"
                  points={part.map((point) => point.join(",")).join(" ")}
                />
              ))}
            {named && (
              <text
                className="overlay-name"
                x={at[0] + size * 0.2}
                y={Math.max(size, at[1] - size * 0.25)}
                fontSize={size}
              >
                {shape.label}
              </text>
            )}
          </g>
        );
      })}
    </svg>
  );
}

/** A text with its spans; the class stands as a small word at the end of each. */
export function MarkedText({ text, spans }: { text: string; spans: readonly Span[] }) {
  const pieces = cutText(text, spans);
  return (
    <span className="marked-text">
      {pieces.map((piece, index) => {
        if (piece.labels.length === 0) return <span key={index}>{piece.text}</span>;
        const ends = piece.labels.filter((label) => !pieces[index + 1]?.labels.includes(label));
        return (
          <mark key={index} style={{ color: colourOf(piece.labels[0]!) }} title={piece.labels.join(", ")}>
            <span className="marked-word">{piece.text}</span>
            {ends.map((label) => <sub key={label} className="marked-label">{label}</sub>)}
          </mark>
        );
      })}
    </span>
  );
}
