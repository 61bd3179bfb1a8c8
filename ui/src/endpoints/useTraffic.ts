import { useEffect, useState } from "react";
import { buckets, parseMetrics, quantile, type Sample, since, total } from "../admin/prometheus.ts";
import { send } from "../api/client.ts";
import { type ApiError, asApiError, isAbort } from "../api/errors.ts";

/** How often the counters are read while somebody looks. They are counters, not events: nothing announces them. */
export const readEvery = 5_000;
const kept = 240;

export interface TrafficPoint {
  /** ms since 1970. */
  at: number;
  /** Requests a second since the point before. */
  rate: number;
  errors: number;
  /** Seconds; null while nobody asked. */
  p50: number | null;
  p99: number | null;
}

export interface Traffic {
  /** Since the server's start. */
  requests: number;
  failed: number;
  outcomes: { outcome: string; count: number }[];
  p50: number | null;
  p99: number | null;
  histogram: { le: number; count: number }[];
  /** Since this page was opened. */
  points: TrafficPoint[];
  error: ApiError | null;
  isKnown: boolean;
}

const seconds = "slipway_inference_request_seconds";
const requests = "slipway_inference_requests_total";

/** Requests, errors and latency of an endpoint from the server's own counters. */
export function useTraffic(endpoint: string): Traffic {
  const [state, setState] = useState<{ now: Sample[]; points: TrafficPoint[]; error: ApiError | null } | null>(null);
  useEffect(() => {
    let before: { at: number; samples: Sample[] } | null = null;
    const stopping = new AbortController();
    const read = async () => {
      if (document.hidden) return;
      try {
        const response = await send("GET", "/metrics", { accept: "text/plain", signal: stopping.signal });
        const samples = parseMetrics(await response.text());
        const at = Date.now();
        const last = before;
        before = { at, samples };
        setState((old) => ({
          now: samples,
          error: null,
          points: last ? [...(old?.points ?? []), pointOf(endpoint, samples, at, last)].slice(-kept) : [],
        }));
      } catch (problem) {
        if (!isAbort(problem)) setState((old) => ({ now: [], points: [], ...old, error: asApiError(problem) }));
      }
    };
    void read();
    const timer = setInterval(() => void read(), readEvery);
    return () => {
      stopping.abort();
      clearInterval(timer);
    };
  }, [endpoint]);
  return trafficOf(endpoint, state?.now ?? [], state?.points ?? [], state?.error ?? null, state !== null);
}

export function trafficOf(
  endpoint: string,
  samples: readonly Sample[],
  points: TrafficPoint[] = [],
  error: ApiError | null = null,
  isKnown = true,
): Traffic {
  const histogram = buckets(samples, seconds, { endpoint });
  const outcomes = samples.filter((each) => each.name === requests && each.labels["endpoint"] === endpoint).map((
    each,
  ) => ({
    outcome: each.labels["outcome"] ?? "",
    count: each.value,
  }));
  const all = outcomes.reduce((sum, each) => sum + each.count, 0);
  const good = outcomes.find((each) => each.outcome === "ok")?.count ?? 0;
  return {
    requests: all,
    failed: all - good,
    outcomes,
    p50: quantile(histogram, 0.5),
    p99: quantile(histogram, 0.99),
    histogram,
    points,
    error,
    isKnown,
  };
}

function pointOf(
  endpoint: string,
  samples: readonly Sample[],
  at: number,
  before: { at: number; samples: readonly Sample[] },
): TrafficPoint {
  const passed = Math.max(0.001, (at - before.at) / 1000);
  const count = (all: readonly Sample[], labels: Record<string, string> = {}) =>
    total(all, requests, { endpoint, ...labels });
  const asked = count(samples) - count(before.samples);
  const good = count(samples, { outcome: "ok" }) - count(before.samples, { outcome: "ok" });
  const histogram = since(buckets(samples, seconds, { endpoint }), buckets(before.samples, seconds, { endpoint }));
  return {
    at,
    rate: asked / passed,
    errors: (asked - good) / passed,
    p50: quantile(histogram, 0.5),
    p99: quantile(histogram, 0.99),
  };
}
