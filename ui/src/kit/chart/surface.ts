/**
 * Values between measured points by inverse distance weighting (Shepard 1968, power 2), for each cell of a grid. Exact at
 * the points, and everywhere between their least and greatest value.
 */
export function interpolateGrid(
  points: readonly { x: number; y: number; z: number }[],
  columns: number,
  rows: number,
): Float64Array {
  const out = new Float64Array(columns * rows);
  const known = points.filter(({ x, y, z }) => Number.isFinite(x) && Number.isFinite(y) && Number.isFinite(z));
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      let sum = 0;
      let weights = 0;
      for (const { x, y, z } of known) {
        const away = (x - column - 0.5) ** 2 + (y - row - 0.5) ** 2;
        const weight = 1 / (away + 1e-6);
        sum += z * weight;
        weights += weight;
      }
      out[row * columns + column] = weights === 0 ? NaN : sum / weights;
    }
  }
  return out;
}
