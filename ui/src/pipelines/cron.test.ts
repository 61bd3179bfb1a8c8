import { describeSchedule, nextTimes, parseSchedule } from "./cron.ts";

function equal(actual: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${a} is not ${b}`);
}

const from = Date.parse("2026-11-24T19:00:00Z"); // A Tuesday.
const next = (text: string, count = 2) => {
  const schedule = parseSchedule(text);
  return schedule && nextTimes(schedule, from, count).map((time) => new Date(time).toISOString().slice(0, 16));
};

Deno.test("the next times of a schedule", () => {
  equal(next("30 3 * * MON-FRI"), ["2026-11-25T03:30", "2026-11-26T03:30"]);
  equal(next("*/15 * * * *"), ["2026-11-24T19:15", "2026-11-24T19:30"]);
  equal(next("5/20 20 * * *", 3), ["2026-11-24T20:05", "2026-11-24T20:25", "2026-11-24T20:45"]);
  equal(next("@monthly"), ["2026-12-01T00:00", "2027-01-01T00:00"]);
  equal(next("0 0 13 * FRI", 3), ["2026-11-27T00:00", "2026-12-04T00:00", "2026-12-11T00:00"]);
  equal(next("0 0 29 2 *", 1), ["2028-02-29T00:00"]);
  equal(next("0 12 * * 7", 1), ["2026-11-29T12:00"]);
});

Deno.test("what is not a schedule", () => {
  for (
    const text of ["", "* * * *", "60 * * * *", "* * 0 * *", "*/0 * * * *", "1-0 * * * *", "a * * * *", "1/2/3 * * * *"]
  ) {
    equal(parseSchedule(text), null);
  }
});

Deno.test("schedules in words", () => {
  equal(describeSchedule("30 3 * * MON-FRI"), "at 03:30 UTC on Monday–Friday");
  equal(describeSchedule("@daily"), "at 00:00 UTC every day");
  equal(describeSchedule("*/15 * * * *"), "every 15 minutes");
  equal(describeSchedule("0 * * * *"), "every hour at minute 0");
  equal(describeSchedule("0 6 1 * *"), "at 06:00 UTC on day 1 of the month");
  equal(describeSchedule("0 0 13 * FRI"), null);
});
