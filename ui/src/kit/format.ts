/** Figures and times as people read them; the same everywhere. Pure. */

const unitsOfBytes = ["B", "kB", "MB", "GB", "TB", "PB"];

/** 1 536 000 → "1.5 MB" (decimal units, as disks are sold and as df -H shows). */
export function formatBytes(bytes: number): string {
  let value = Math.abs(bytes);
  let unit = 0;
  while (value >= 999.5 && unit < unitsOfBytes.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${bytes < 0 ? "−" : ""}${trimZeros(value.toFixed(digits))} ${unitsOfBytes[unit]}`;
}

/** A whole number with thousands marked: 1,234,567. */
export function formatCount(value: number): string {
  return value.toLocaleString("en");
}

/** A large count in few signs: 1.2k, 3.4M. */
export function formatShort(value: number): string {
  const size = Math.abs(value);
  const [by, mark] = size >= 1e9 ? [1e9, "G"] : size >= 1e6 ? [1e6, "M"] : size >= 1e4 ? [1e3, "k"] : [1, ""];
  if (mark === "") return formatNumber(value);
  const scaled = value / by;
  return trimZeros(scaled.toFixed(Math.abs(scaled) >= 100 ? 0 : 1)) + mark;
}

/** A measured value with `digits` significant digits; never more than it says, never "0" for what is not zero. */
export function formatNumber(value: number, digits = 4): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e9) return value.toLocaleString("en").replace("-", "−");
  if (size >= 1e7 || size < 1e-4) {
    const [mantissa = "", exponent = ""] = value.toExponential(digits - 1).split("e");
    return `${trimZeros(mantissa)}e${exponent.replace("+", "")}`.replaceAll("-", "−");
  }
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  const text = trimZeros(value.toFixed(Math.min(decimals, 12)));
  return text.replace("-", "−");
}

/** 0.1234 → "12.3 %". */
export function formatPercent(share: number, decimals = 1): string {
  return `${trimZeros((share * 100).toFixed(decimals)).replace("-", "−")} %`;
}

/** A span of time: "340 ms", "12.4 s", "3 min 20 s", "2 h 5 min", "4 d 3 h". */
export function formatDuration(milliseconds: number): string {
  const ms = Math.abs(milliseconds);
  if (ms < 1) return `${trimZeros(ms.toFixed(2))} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${trimZeros((ms / 1000).toFixed(1))} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return two(Math.floor(seconds / 60), "min", seconds % 60, "s");
  const minutes = Math.round(seconds / 60);
  if (minutes < 1440) return two(Math.floor(minutes / 60), "h", minutes % 60, "min");
  const hours = Math.round(minutes / 60);
  return two(Math.floor(hours / 24), "d", hours % 24, "h");
}

function two(big: number, bigUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${big} ${bigUnit}` : `${big} ${bigUnit} ${small} ${smallUnit}`;
}

/** "3 min ago", "in 2 h", and the date for what is more than four weeks away. */
export function formatRelative(time: number, now: number): string {
  const away = now - time;
  const size = Math.abs(away);
  if (size < 5_000) return "now";
  if (size > 28 * 86_400_000) return formatDate(time, now);
  const [value, unit] = size < 60_000
    ? [size / 1000, "s"]
    : size < 3_600_000
    ? [size / 60_000, "min"]
    : size < 86_400_000
    ? [size / 3_600_000, "h"]
    : [size / 86_400_000, "d"];
  const text = `${Math.floor(value as number)} ${unit}`;
  return away >= 0 ? `${text} ago` : `in ${text}`;
}

/** "24 Nov" this year, "24 Nov 2025" otherwise. */
export function formatDate(time: number, now = Date.now()): string {
  const date = new Date(time);
  const isThisYear = date.getFullYear() === new Date(now).getFullYear();
  return date.toLocaleDateString("en-GB", {
    day: "numeric",
    month: "short",
    ...(isThisYear ? {} : { year: "numeric" }),
  });
}

/** "2026-11-24 18:57:02" in the reader's time zone, with milliseconds if asked for. */
export function formatTime(time: number, withMilliseconds = false): string {
  const date = new Date(time);
  const pad = (value: number, width = 2) => String(value).padStart(width, "0");
  const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  const clock = `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
  return `${day} ${clock}${withMilliseconds ? "." + pad(date.getMilliseconds(), 3) : ""}`;
}

/** 1.50 → 1.5, 2.0 → 2; keeps 100. */
function trimZeros(text: string): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

export function plural(count: number, one: string, many = one + "s"): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}
