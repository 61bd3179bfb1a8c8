/** One line of a chart: points by ascending x. NaN in y is a gap. */
export interface Series {
  id: string;
  label: string;
  x: ArrayLike<number>;
  y: ArrayLike<number>;
  /** Bounds around y, drawn as a band: minimum and maximum of what was thinned out, an interval. */
  low?: ArrayLike<number>;
  high?: ArrayLike<number>;
  /** A colour of CSS; the next of the palette if absent. */
  color?: string;
  dashed?: boolean;
}

/**
 * Exponential moving average with the weight of what came before, 0 (none) to <1, corrected for its start (as Adam is:
 * Kingma and Ba 2015, section 3), so that the first values are not pulled to zero. Gaps stay gaps.
 */
export function smooth(y: ArrayLike<number>, weight: number): Float64Array {
  const out = new Float64Array(y.length);
  let mean = 0;
  let correction = 1;
  for (let index = 0; index < y.length; index++) {
    const value = y[index] ?? NaN;
    if (!Number.isFinite(value)) {
      out[index] = value;
      continue;
    }
    mean = mean * weight + value * (1 - weight);
    correction *= weight;
    out[index] = mean / (1 - correction);
  }
  return out;
}

/** The first index whose x is not less than `value`; x ascends. */
export function lowerBound(x: ArrayLike<number>, value: number): number {
  let low = 0;
  let high = x.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((x[middle] ?? NaN) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The index of the point nearest to `value`, or −1. */
export function nearestIndex(x: ArrayLike<number>, value: number): number {
  if (x.length === 0) return -1;
  const right = Math.min(lowerBound(x, value), x.length - 1);
  const left = Math.max(0, right - 1);
  return Math.abs((x[left] ?? Infinity) - value) <= Math.abs((x[right] ?? Infinity) - value) ? left : right;
}

/** Points reduced to what can be seen: for each column of pixels the first, lowest, highest and last (M4). */
export interface Thinned {
  /** Indexes of the points to draw, ascending. */
  indexes: Uint32Array;
}

/**
 * M4 aggregation (Jugel et al., VLDB 2014): a line through the first, minimum, maximum and last point of each pixel column
 * covers the same pixels as a line through all points.
 */
export function thin(x: ArrayLike<number>, y: ArrayLike<number>, from: number, to: number, columns: number): Thinned {
  const start = Math.max(0, lowerBound(x, from) - 1);
  const end = Math.min(x.length, lowerBound(x, to) + 2);
  const count = end - start;
  if (count <= columns * 4) {
    const indexes = new Uint32Array(Math.max(0, count));
    for (let index = 0; index < count; index++) indexes[index] = start + index;
    return { indexes };
  }
  const out: number[] = [];
  const scale = columns / (to - from || 1);
  let column = -Infinity;
  let first = start, last = start, lowest = start, highest = start;
  const flush = () => {
    const four = [first, lowest, highest, last].sort((a, b) => a - b);
    for (const index of four) if (out[out.length - 1] !== index) out.push(index);
  };
  for (let index = start; index < end; index++) {
    const here = Math.floor(((x[index] ?? 0) - from) * scale);
    if (here !== column) {
      if (column !== -Infinity) flush();
      column = here;
      first = lowest = highest = index;
    }
    const value = y[index] ?? NaN;
    if (value < (y[lowest] ?? NaN) || Number.isNaN(y[lowest] ?? NaN)) lowest = index;
    if (value > (y[highest] ?? NaN) || Number.isNaN(y[highest] ?? NaN)) highest = index;
    last = index;
  }
  flush();
  return { indexes: Uint32Array.from(out) };
}

/** Least and greatest finite value; only positive ones if asked. [Infinity, −Infinity] if there is none. */
export function extent(values: ArrayLike<number>, positiveOnly = false): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (let index = 0; index < values.length; index++) {
    const value = values[index] ?? NaN;
    if (!Number.isFinite(value) || (positiveOnly && value <= 0)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

export function joinExtents(extents: Iterable<readonly [number, number]>): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const [a, b] of extents) {
    if (a < low) low = a;
    if (b > high) high = b;
  }
  return [low, high];
}
