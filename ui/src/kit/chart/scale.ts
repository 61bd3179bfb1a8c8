import { formatNumber } from "../format.ts";

export type ScaleKind = "linear" | "log" | "time";

/** Takes values to pixels and back, and knows round values to mark. Pure. */
export interface Scale {
  kind: ScaleKind;
  domain: readonly [number, number];
  range: readonly [number, number];
  at: (value: number) => number;
  invert: (pixel: number) => number;
}

export function makeScale(
  kind: ScaleKind,
  domain: readonly [number, number],
  range: readonly [number, number],
): Scale {
  const [low, high] = domain;
  const [start, end] = range;
  if (kind === "log") {
    const a = Math.log10(low);
    const span = Math.log10(high) - a || 1;
    return {
      kind,
      domain,
      range,
      at: (value) => value > 0 ? start + (Math.log10(value) - a) / span * (end - start) : NaN,
      invert: (pixel) => 10 ** (a + (pixel - start) / (end - start) * span),
    };
  }
  const span = high - low || 1;
  return {
    kind,
    domain,
    range,
    at: (value) => start + (value - low) / span * (end - start),
    invert: (pixel) => low + (pixel - start) / (end - start) * span,
  };
}

/** A domain with some room around, or around a single value; for log only what is above zero counts. */
export function niceDomain(kind: ScaleKind, low: number, high: number, pad = 0.04): [number, number] {
  if (!(low <= high)) return kind === "log" ? [1, 10] : [0, 1];
  if (kind === "log") {
    const from = low > 0 ? low : high > 0 ? high / 1000 : 1;
    const to = high > 0 ? high : 10;
    const room = (Math.log10(to) - Math.log10(from)) * pad || 0.1;
    return [10 ** (Math.log10(from) - room), 10 ** (Math.log10(to) + room)];
  }
  const room = (high - low) * pad || Math.abs(high) * 0.1 || 1;
  return [low - room, high + room];
}

/** Round values in a domain, about `count` of them. */
export function ticksOf(kind: ScaleKind, domain: readonly [number, number], count: number): number[] {
  if (kind === "log") return logTicks(domain, count);
  if (kind === "time") return timeTicks(domain, count);
  return linearTicks(domain, count);
}

export function linearTicks([low, high]: readonly [number, number], count: number): number[] {
  const span = high - low;
  if (!(span > 0) || count < 1) return [low];
  const rough = span / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const fraction = rough / power;
  const step = (fraction >= 7.5 ? 10 : fraction >= 3.5 ? 5 : fraction >= 1.5 ? 2 : 1) * power;
  const ticks: number[] = [];
  // Counted in whole steps, so that no error adds up.
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9; index++) {
    ticks.push(Number((index * step).toPrecision(12)));
  }
  return ticks;
}

function logTicks([low, high]: readonly [number, number], count: number): number[] {
  const from = Math.floor(Math.log10(low));
  const to = Math.ceil(Math.log10(high));
  const decades = to - from;
  const every = Math.max(1, Math.ceil(decades / count));
  const inside = decades <= 2 ? [1, 2, 5] : [1];
  const ticks: number[] = [];
  for (let power = from; power <= to; power++) {
    if ((power - from) % every !== 0) continue;
    for (const digit of inside) {
      const value = digit * 10 ** power;
      if (value >= low && value <= high) ticks.push(value);
    }
  }
  return ticks.length >= 2 ? ticks : linearTicks([low, high], count).filter((value) => value > 0);
}

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const timeSteps = [
  1,
  2,
  5,
  10,
  20,
  50,
  100,
  200,
  500,
  second,
  2 * second,
  5 * second,
  10 * second,
  15 * second,
  30 * second,
  minute,
  2 * minute,
  5 * minute,
  10 * minute,
  15 * minute,
  30 * minute,
  hour,
  2 * hour,
  3 * hour,
  6 * hour,
  12 * hour,
  day,
  2 * day,
  7 * day,
  14 * day,
];

function timeTicks([low, high]: readonly [number, number], count: number): number[] {
  const rough = (high - low) / count;
  const step = timeSteps.find((each) => each >= rough);
  if (step !== undefined) {
    // Whole steps of the reader's own clock: midnight is where the reader has it.
    const zone = new Date(low).getTimezoneOffset() * minute;
    const ticks: number[] = [];
    for (let at = Math.ceil((low - zone) / step) * step + zone; at <= high; at += step) ticks.push(at);
    return ticks;
  }
  const months = Math.max(1, Math.ceil(rough / (30 * day)));
  const every = [1, 2, 3, 4, 6, 12].find((each) => each >= months) ?? Math.ceil(months / 12) * 12;
  const ticks: number[] = [];
  const start = new Date(low);
  let month = start.getFullYear() * 12 + start.getMonth();
  month = Math.ceil(month / every) * every;
  for (;; month += every) {
    const at = new Date(Math.floor(month / 12), month % 12, 1).getTime();
    if (at > high) return ticks;
    if (at >= low) ticks.push(at);
  }
}

/** What stands beside a tick; `step` between ticks decides how much of a date is said. */
export function tickText(kind: ScaleKind, value: number, ticks: readonly number[]): string {
  if (kind !== "time") {
    const step = Math.abs((ticks[1] ?? value) - (ticks[0] ?? value));
    if (kind === "linear" && step > 0 && Math.abs(value) < step / 1e6) return "0";
    return formatNumber(value, digitsFor(value, step));
  }
  const step = (ticks[1] ?? value) - (ticks[0] ?? value);
  const date = new Date(value);
  const isMidnight = date.getHours() === 0 && date.getMinutes() === 0 && date.getSeconds() === 0;
  if (step >= 300 * day) return String(date.getFullYear());
  if (step >= 27 * day) {
    return date.getMonth() === 0 ? String(date.getFullYear()) : date.toLocaleDateString("en-GB", { month: "short" });
  }
  if (step >= day || isMidnight) return date.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
  const pad = (part: number) => String(part).padStart(2, "0");
  const clock = `${pad(date.getHours())}:${pad(date.getMinutes())}`;
  if (step >= minute) return clock;
  return `${clock}:${pad(date.getSeconds())}${
    step < second ? "." + String(date.getMilliseconds()).padStart(3, "0") : ""
  }`;
}

/** As many digits as it takes to tell neighbouring ticks apart. */
function digitsFor(value: number, step: number): number {
  if (step <= 0 || value === 0) return 4;
  const digits = Math.floor(Math.log10(Math.abs(value))) - Math.floor(Math.log10(step)) + 1;
  return Math.max(1, Math.min(12, digits));
}
