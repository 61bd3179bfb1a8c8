import { buckets, parseMetrics, quantile, since, total } from "./prometheus.ts";

function equal(actual: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${a} is not ${b}`);
}

const text = `# HELP x_seconds Time.
# TYPE x_seconds histogram
x_seconds_bucket{endpoint="a",le="0.1"} 2
x_seconds_bucket{endpoint="a",le="1.0"} 8
x_seconds_bucket{endpoint="a",le="+Inf"} 10
x_seconds_bucket{endpoint="b\\"c",le="0.1"} 5
requests_total{endpoint="a",outcome="ok"} 9
requests_total{endpoint="a",outcome="error"} 1
up 1`;

Deno.test("figures of the text format", () => {
  const samples = parseMetrics(text);
  equal(samples.length, 7);
  equal(samples[3]?.labels, { endpoint: 'b"c', le: "0.1" });
  equal(total(samples, "requests_total", { endpoint: "a" }), 10);
  equal(total(samples, "requests_total", { outcome: "error" }), 1);
});

Deno.test("quantiles of a histogram", () => {
  const all = buckets(parseMetrics(text), "x_seconds", { endpoint: "a" });
  equal(quantile(all, 0.1), 0.05);
  equal(quantile(all, 0.5), 0.55);
  equal(quantile(all, 0.99), 1);
  equal(quantile([], 0.5), null);
  equal(quantile(since(all, all), 0.5), null);
});
