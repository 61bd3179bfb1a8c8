/** Comparison for unit tests: whole values, as JSON shows them, with NaN and the like kept apart. */
export function equal(actual: unknown, expected: unknown): void {
  const [a, b] = [shown(actual), shown(expected)];
  if (a !== b) throw new Error(`is ${a}\nexpected ${b}`);
}

/** Numbers within a tolerance of each other. */
export function near(actual: number, expected: number, tolerance = 1e-9): void {
  if (!(Math.abs(actual - expected) <= tolerance)) throw new Error(`is ${actual}, expected ${expected} ± ${tolerance}`);
}

function shown(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) => {
    if (each instanceof Map) return { map: [...each] };
    if (each instanceof Set) return { set: [...each] };
    if (ArrayBuffer.isView(each)) return [...(each as Float64Array)];
    if (typeof each === "number" && !Number.isFinite(each)) return `number ${each}`;
    return each === undefined ? "undefined" : each;
  }, 1);
}
