import type { Reign } from "./api.ts";

/** A reign with its place on a line, 0 to 1. */
export interface Placed {
  reign: Reign;
  from: number;
  to: number;
}

export interface Lane {
  alias: string;
  reigns: Placed[];
}

/** Moments of change, by time: where the line is cut. */
export interface Tick {
  at: number;
  time: number;
}

export interface Timeline {
  lanes: Lane[];
  ticks: Tick[];
}

/** Aliases that people ask for first come first. */
const known = ["champion", "production", "challenger", "staging"];

/**
 * Which version had which alias when, one lane an alias. To scale, a day is as wide as any other; in order, each stretch
 * between two changes is as wide as any other, so that a switch back after a minute can be seen.
 */
export function timeline(history: readonly Reign[], now: number, isToScale: boolean): Timeline {
  const start = (reign: Reign) => Date.parse(reign.from);
  const end = (reign: Reign) => reign.until === null ? now : Date.parse(reign.until);
  const moments = [...new Set(history.flatMap((reign) => [start(reign), end(reign)]))].sort((a, b) => a - b);
  const [first = now] = moments;
  const last = moments.at(-1) ?? now;
  const place = (time: number) =>
    isToScale ? (time - first) / Math.max(1, last - first) : moments.indexOf(time) / Math.max(1, moments.length - 1);
  const aliases = [...new Set(history.map((reign) => reign.alias))].sort((a, b) => {
    const rank = (alias: string) => known.includes(alias) ? known.indexOf(alias) : known.length;
    return rank(a) - rank(b) || a.localeCompare(b);
  });
  return {
    lanes: aliases.map((alias) => ({
      alias,
      reigns: history.filter((reign) => reign.alias === alias)
        .map((reign) => ({ reign, from: place(start(reign)), to: place(end(reign)) }))
        .sort((a, b) => a.from - b.from),
    })),
    ticks: moments.map((time) => ({ at: place(time), time })),
  };
}

/** Whether all stretches can be told apart when they are drawn to scale. */
export function isLegible(history: readonly Reign[], now: number): boolean {
  const least = 0.015;
  return timeline(history, now, true).lanes.every((lane) => lane.reigns.every(({ from, to }) => to - from >= least));
}
