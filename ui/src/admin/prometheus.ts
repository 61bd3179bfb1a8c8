/** One figure of Prometheus' text format. */
export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

/** Reads the text format (version 0.0.4); comments and what is not a sample are passed over. */
export function parseMetrics(text: string): Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split("\n")) {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/.exec(line);
    if (!match?.[1]) continue;
    const labels: Record<string, string> = {};
    for (const [, name = "", value = ""] of (match[2] ?? "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
      labels[name] = value.replace(/\\(.)/g, (_, sign: string) => sign === "n" ? "\n" : sign);
    }
    const value = match[3] === "+Inf" ? Infinity : match[3] === "-Inf" ? -Infinity : Number(match[3]);
    samples.push({ name: match[1], labels, value });
  }
  return samples;
}

/** The sum over all series of a name whose labels are these. */
export function total(samples: readonly Sample[], name: string, labels: Record<string, string> = {}): number {
  return samples.reduce((sum, each) => each.name === name && fits(each, labels) ? sum + each.value : sum, 0);
}

function fits(sample: Sample, labels: Record<string, string>): boolean {
  return Object.entries(labels).every(([name, value]) => sample.labels[name] === value);
}

/** Cumulative counts by upper bound, summed over series. */
export function buckets(
  samples: readonly Sample[],
  name: string,
  labels: Record<string, string> = {},
): { le: number; count: number }[] {
  const sums = new Map<number, number>();
  for (const each of samples) {
    if (each.name !== name + "_bucket" || !fits(each, labels)) continue;
    const le = each.labels["le"] === "+Inf" ? Infinity : Number(each.labels["le"]);
    sums.set(le, (sums.get(le) ?? 0) + each.value);
  }
  return [...sums].map(([le, count]) => ({ le, count })).sort((a, b) => a.le - b.le);
}

/** What happened between two readings of the same histogram. */
export function since(
  now: { le: number; count: number }[],
  before: { le: number; count: number }[],
): { le: number; count: number }[] {
  return now.map(({ le, count }) => ({ le, count: count - (before.find((each) => each.le === le)?.count ?? 0) }));
}

/** A quantile of a histogram, linear within its bucket, as Prometheus' histogram_quantile; null without observations. */
export function quantile(histogram: readonly { le: number; count: number }[], share: number): number | null {
  const all = histogram[histogram.length - 1]?.count ?? 0;
  if (all <= 0) return null;
  const rank = share * all;
  const at = histogram.findIndex(({ count }) => count >= rank);
  const upper = histogram[at];
  if (!upper) return null;
  const lower = at > 0 ? histogram[at - 1] : undefined;
  // Beyond the last bound nobody knows more than that bound.
  if (upper.le === Infinity) return lower?.le ?? null;
  const from = lower?.le ?? 0;
  const inside = upper.count - (lower?.count ?? 0);
  return inside <= 0 ? upper.le : from + (upper.le - from) * (rank - (lower?.count ?? 0)) / inside;
}
