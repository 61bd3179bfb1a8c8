import { equal } from "../testing.ts";
import { formatBytes, formatDuration, formatNumber, formatPercent, formatRelative, formatShort } from "./format.ts";

Deno.test("figures", () => {
  const cases: [string, string][] = [
    [formatNumber(0), "0"],
    [formatNumber(1234567), "1,234,567"],
    [formatNumber(-0.5), "−0.5"],
    [formatNumber(0.123456), "0.1235"],
    [formatNumber(123.456), "123.5"],
    [formatNumber(0.000012345), "1.234e−5"],
    [formatNumber(6.02e23), "6.02e23"],
    [formatNumber(NaN), "NaN"],
    [formatNumber(-Infinity), "−∞"],
    [formatBytes(0), "0 B"],
    [formatBytes(999), "999 B"],
    [formatBytes(1536000), "1.54 MB"],
    [formatBytes(999_999), "1 MB"],
    [formatPercent(-0.5288), "−52.9 %"],
    [formatPercent(1), "100 %"],
    [formatShort(9999), "9,999"],
    [formatShort(123_456), "123k"],
    [formatShort(1_250_000), "1.3M"],
    [formatDuration(0.25), "0.25 ms"],
    [formatDuration(999.6), "1 s"],
    [formatDuration(59_960), "1 min"],
    [formatDuration(3_725_000), "1 h 2 min"],
    [formatDuration(86_400_000 * 3), "3 d"],
  ];
  equal(cases.map(([is]) => is), cases.map(([, expected]) => expected));
});

Deno.test("times in relation to now", () => {
  const now = Date.parse("2026-11-24T12:00:00Z");
  const cases: [number, string][] = [[0, "now"], [90_000, "1 min ago"], [-7_200_000, "in 2 h"], [
    86_400_000 * 3,
    "3 d ago",
  ]];
  equal(cases.map(([ago]) => formatRelative(now - ago, now)), cases.map(([, expected]) => expected));
});
