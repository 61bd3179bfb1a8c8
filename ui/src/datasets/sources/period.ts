const units: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** Seconds of "30m", "6h", "1d"; undefined if it is no time. */
export function periodSeconds(text: string): number | undefined {
  const match = /^\s*(\d+)\s*([smhdw])\s*$/.exec(text);
  const value = match ? Number(match[1]) * (units[match[2] ?? ""] ?? 0) : 0;
  return value > 0 ? value : undefined;
}

/** The shortest way to write a number of seconds. */
export function periodText(seconds: number): string {
  const unit = ["w", "d", "h", "m"].find((each) => seconds % (units[each] ?? 1) === 0) ?? "s";
  return `${seconds / (units[unit] ?? 1)}${unit}`;
}
