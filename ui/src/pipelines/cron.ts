/**
 * Schedules of triggers, read as the server reads them: five fields in UTC, `@daily` and its like, names of months and
 * days; when both days are restricted, either is enough (crontab(5)).
 */
export interface Schedule {
  minutes: ReadonlySet<number>;
  hours: ReadonlySet<number>;
  days: ReadonlySet<number>;
  months: ReadonlySet<number>;
  weekdays: ReadonlySet<number>;
  /** Neither field of days begins with `*`. */
  eitherDay: boolean;
}

const short: Record<string, string> = {
  "@hourly": "0 * * * *",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@weekly": "0 0 * * 0",
  "@monthly": "0 0 1 * *",
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
};
const monthNames = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const dayNames = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const dayWords = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/** null: not a schedule. */
export function parseSchedule(text: string): Schedule | null {
  const parts = (short[text.trim().toLowerCase()] ?? text).trim().split(/\s+/);
  if (parts.length !== 5) return null;
  const [minute = "", hour = "", day = "", month = "", weekday = ""] = parts;
  const minutes = field(minute, 0, 59);
  const hours = field(hour, 0, 23);
  const days = field(day, 1, 31);
  const months = field(month, 1, 12, monthNames, 1);
  const raw = field(weekday, 0, 7, dayNames, 0);
  if (!minutes || !hours || !days || !months || !raw) return null;
  const weekdays = new Set([...raw].map((each) => each % 7));
  return { minutes, hours, days, months, weekdays, eitherDay: !day.startsWith("*") && !weekday.startsWith("*") };
}

function field(text: string, low: number, high: number, names?: string[], base = 0): Set<number> | null {
  const values = new Set<number>();
  const number = (word: string): number => {
    const named = names?.indexOf(word.toUpperCase()) ?? -1;
    return named >= 0 ? named + base : /^\d+$/.test(word) ? Number(word) : NaN;
  };
  for (const piece of text.split(",")) {
    const [range = "", stepText, more] = piece.split("/");
    if (more !== undefined) return null;
    const step = stepText === undefined ? 1 : Number(stepText);
    if (!Number.isInteger(step) || step < 1) return null;
    let from = low;
    let to = high;
    if (range !== "*") {
      const [first = "", last] = range.split("-");
      from = number(first);
      // `5/20` goes on to the end, as `5-59/20` would.
      to = last !== undefined ? number(last) : stepText !== undefined ? high : from;
    }
    if (!(from >= low && to <= high && from <= to)) return null;
    for (let value = from; value <= to; value += step) values.add(value);
  }
  return values.size > 0 ? values : null;
}

/** The next times after `after` (ms since 1970), at most `count`; none within eight years gives fewer. */
export function nextTimes(schedule: Schedule, after: number, count: number): number[] {
  const times: number[] = [];
  const date = new Date(Math.floor(after / 60_000) * 60_000 + 60_000);
  const end = after + 8 * 366 * 86_400_000;
  while (times.length < count && date.getTime() < end) {
    if (!schedule.months.has(date.getUTCMonth() + 1)) {
      date.setUTCMonth(date.getUTCMonth() + 1, 1);
      date.setUTCHours(0, 0, 0, 0);
    } else if (!isDay(schedule, date)) {
      date.setUTCDate(date.getUTCDate() + 1);
      date.setUTCHours(0, 0, 0, 0);
    } else if (!schedule.hours.has(date.getUTCHours())) {
      date.setUTCHours(date.getUTCHours() + 1, 0, 0, 0);
    } else {
      if (schedule.minutes.has(date.getUTCMinutes())) times.push(date.getTime());
      date.setUTCMinutes(date.getUTCMinutes() + 1);
    }
  }
  return times;
}

function isDay(schedule: Schedule, date: Date): boolean {
  const day = schedule.days.has(date.getUTCDate());
  const weekday = schedule.weekdays.has(date.getUTCDay());
  return schedule.eitherDay ? day || weekday : day && weekday;
}

/** "at 03:30 UTC on Monday–Friday"; null where words would be longer than the schedule. */
export function describeSchedule(text: string): string | null {
  const schedule = parseSchedule(text);
  if (!schedule) return null;
  const { minutes, hours, days, months, weekdays } = schedule;
  const pad = (value: number) => String(value).padStart(2, "0");
  const when = minutes.size === 1 && hours.size <= 3
    ? "at " + [...hours].map((hour) => `${pad(hour)}:${pad([...minutes][0] ?? 0)}`).join(", ") + " UTC"
    : minutes.size === 1 && hours.size === 24
    ? `every hour at minute ${[...minutes][0]}`
    : hours.size === 24 && evenly(minutes, 60)
    ? minutes.size === 60 ? "every minute" : `every ${60 / minutes.size} minutes`
    : null;
  if (!when || schedule.eitherDay) return null;
  const which = weekdays.size < 7
    ? " on " + run([...weekdays].sort(), (day) => dayWords[day] ?? "")
    : days.size < 31
    ? days.size > 3 ? null : ` on day ${[...days].join(", ")} of the month`
    : " every day";
  if (which === null) return null;
  const year = months.size === 12
    ? ""
    : " in " + run([...months].sort((a, b) => a - b), (month) => monthNames[month - 1] ?? "");
  return when.startsWith("every") && which === " every day" ? when + year : when + which + year;
}

const evenly = (values: ReadonlySet<number>, whole: number) => {
  const sorted = [...values].sort((a, b) => a - b);
  const step = whole / sorted.length;
  return sorted.every((value, index) => value === index * step);
};

function run(values: number[], word: (value: number) => string): string {
  const first = values[0];
  const last = values[values.length - 1];
  if (first !== undefined && last !== undefined && values.length > 2 && last - first === values.length - 1) {
    return `${word(first)}–${word(last)}`;
  }
  return values.map(word).join(", ");
}
