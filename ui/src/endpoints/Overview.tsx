import { useMemo } from "react";
import { useFetch, usePages, useQuery } from "../api/hooks.ts";
import { hrefOf, send } from "../api/client.ts";
import { pathTo } from "../app/paths.ts";
import { Link } from "../app/router.tsx";
import { StateBadge } from "../kit/Badge.tsx";
import { BarChart, LineChart, type Series } from "../kit/chart/index.ts";
import { formatDuration, formatPercent, formatShort, formatTime } from "../kit/format.ts";
import { Panel, Stat } from "../kit/Page.tsx";
import { Empty, Notice } from "../kit/States.tsx";
import { KeyValues, RefLink, Time, useNow } from "../kit/Values.tsx";
import { type Endpoint, reading } from "./api.ts";
import { Seconds } from "./EndpointsPage.tsx";
import { readEvery, type Traffic, useTraffic } from "./useTraffic.ts";

/** How an endpoint fares: traffic, errors, latency, who served when, who watches it. */
export function Overview({ endpoint }: { endpoint: Endpoint }) {
  const traffic = useTraffic(endpoint.name);
  return (
    <div className="stack">
      {traffic.error && <Notice tone="warn">The counters cannot be read now: {traffic.error.message}</Notice>}
      <div className="endpoint-stats panel">
        <Stat label="Requests" value={formatShort(traffic.requests)} detail="since the server started" />
        <Stat
          label="Errors"
          value={traffic.requests > 0 ? formatPercent(traffic.failed / traffic.requests) : "–"}
          detail={outcomeText(traffic)}
        />
        <Stat label="Half within" value={<Seconds value={traffic.p50} />} detail="p50, log included" />
        <Stat label="99 of 100 within" value={<Seconds value={traffic.p99} />} detail="p99" />
      </div>
      <div className="grid-2">
        <Live traffic={traffic} />
        <Latencies traffic={traffic} />
      </div>
      <div className="grid-2">
        <ServedWhen endpoint={endpoint} />
        <div className="stack">
          <Watchers endpoint={endpoint} />
          <Panel title="How to ask">
            <div className="stack">
              <code className="step-command">POST /v2/models/{endpoint.name}/infer</code>
              <code className="step-command">POST /endpoints/{endpoint.name}/invocations</code>
              <KeyValues
                items={[
                  ["Runs in", endpoint.runsIn ?? "nothing is loaded"],
                  ["Log", `${endpoint.log}, ${formatPercent(endpoint.logRate)} of predictions`],
                  ["Owner", endpoint.owner],
                  ["Changed", <Time key="t" at={endpoint.updated} />],
                ]}
              />
            </div>
          </Panel>
        </div>
      </div>
      {endpoint.runsIn === "python" && <ProcessLog endpoint={endpoint} />}
    </div>
  );
}

const outcomeText = ({ outcomes }: Traffic) =>
  outcomes.filter((each) => each.outcome !== "ok" && each.count > 0).map((each) =>
    `${formatShort(each.count)} ${each.outcome}`
  ).join(", ") || "none";

function Live({ traffic }: { traffic: Traffic }) {
  const { points } = traffic;
  const series = useMemo((): Series[] => {
    const x = points.map((point) => point.at);
    return [
      { id: "rate", label: "requests/s", x, y: points.map((point) => point.rate), color: "var(--cat-1)" },
      {
        id: "errors",
        label: "errors/s",
        x,
        y: points.map((point) => point.errors),
        color: "var(--cat-2)",
        dashed: true,
      },
    ];
  }, [points]);
  return (
    <Panel
      title="Traffic"
      tools={<span className="faint small">since this page was opened, every {readEvery / 1000} s</span>}
    >
      {points.length < 2
        ? (
          <Empty compact icon="chart" title="Watching">
            The line begins with the next readings of the server's counters.
          </Empty>
        )
        : (
          <LineChart
            label="Requests a second"
            series={series}
            xScale="time"
            height={190}
            yLabel="a second"
            yDomain={[0, Math.max(1, ...points.map((point) => point.rate)) * 1.1]}
          />
        )}
    </Panel>
  );
}

function Latencies({ traffic }: { traffic: Traffic }) {
  const bars = traffic.histogram.map(({ le, count }, index) => ({
    label: le === Infinity ? "more" : "≤ " + formatDuration(le * 1000),
    count: count - (traffic.histogram[index - 1]?.count ?? 0),
  }));
  const first = bars.findIndex((bar) => bar.count > 0);
  const last = bars.findLastIndex((bar) => bar.count > 0);
  const shown = bars.slice(Math.max(0, first - 1), last + 2);
  return (
    <Panel title="Latency" tools={<span className="faint small">since the server started</span>}>
      {first < 0 ? <Empty compact icon="clock" title="No request yet">Send one in the tab Try it.</Empty> : (
        <BarChart
          label="Requests by time"
          height={190}
          categories={shown.map((bar) => bar.label)}
          series={[{ id: "requests", label: "requests", values: shown.map((bar) => bar.count) }]}
          tight
        />
      )}
    </Panel>
  );
}

interface Span {
  version: string;
  from: number;
  to: number | null;
  by: string;
}

function ServedWhen({ endpoint }: { endpoint: Endpoint }) {
  const events = usePages("/api/v1/events", { query: { subject: endpoint.ref, type: "endpoint.version.switched" } }, {
    live: ["endpoint.version."],
    limit: 100,
  });
  const now = useNow();
  const spans = useMemo(() => {
    const found: Span[] = [];
    for (const event of events.items) {
      const to = event.data["to"];
      if (typeof to === "string") {
        found.push({
          version: to,
          from: Date.parse(event.time),
          to: found[found.length - 1]?.from ?? null,
          by: event.actor,
        });
      }
    }
    return found;
  }, [events.items]);
  const first = spans[spans.length - 1]?.from ?? now;
  const whole = Math.max(1, now - first);
  return (
    <Panel title="Which version answered when">
      {spans.length === 0
        ? (
          <Empty compact icon="swap" title="No switch yet">
            The first request loads a version, and each switch is noted here.
          </Empty>
        )
        : (
          <div className="stack">
            <div className="served-bar" role="img" aria-label="Versions over time">
              {[...spans].reverse().map((span, index) => (
                <span
                  key={span.from}
                  className={`served-part served-${index % 2}`}
                  style={{ flexGrow: Math.max(0.02, ((span.to ?? now) - span.from) / whole) }}
                  title={`${span.version}: ${formatTime(span.from)} to ${span.to ? formatTime(span.to) : "now"}`}
                >
                  {span.version.split("@")[1]}
                </span>
              ))}
            </div>
            <ul className="served-list">
              {spans.slice(0, 8).map((span) => (
                <li key={span.from} className="row">
                  <RefLink value={span.version} />
                  <span className="grow faint small">by {span.by}</span>
                  <Time at={span.from} />
                  <span className="tabular small faint">{formatDuration((span.to ?? now) - span.from)}</span>
                </li>
              ))}
            </ul>
          </div>
        )}
    </Panel>
  );
}

function Watchers({ endpoint }: { endpoint: Endpoint }) {
  interface Watcher {
    name: string;
    lastStatus: string | null;
    lastAt: string | null;
    alert: string | null;
  }
  const monitors = reading<{ items: Watcher[] }>(
    useQuery("/api/v1/monitors", { query: { endpoint: endpoint.name, project: endpoint.project } }, {
      live: ["monitor."],
    }),
  );
  const items = monitors.data?.items ?? [];
  return (
    <Panel title="Monitors">
      {items.length === 0
        ? (
          <Empty compact icon="monitor" title="Nobody watches it">
            A monitor compares what it is asked with what its model learned.
          </Empty>
        )
        : (
          <ul className="stack">
            {items.map((monitor) => (
              <li key={monitor.name} className="row">
                <Link
                  to={pathTo("/p/:project/monitors/:name", { project: endpoint.project, name: monitor.name })}
                  className="grow"
                >
                  {monitor.name}
                </Link>
                {monitor.lastStatus
                  ? <StateBadge state={monitor.lastStatus} />
                  : <span className="faint">never evaluated</span>}
              </li>
            ))}
          </ul>
        )}
    </Panel>
  );
}

function ProcessLog({ endpoint }: { endpoint: Endpoint }) {
  const url = hrefOf("/api/v1/endpoints/{name}/log", { path: { name: endpoint.name } });
  const log = useFetch(url, async (signal) => await (await send("GET", url, { accept: "text/plain", signal })).text());
  return (
    <Panel title="Log of its processes">
      {log.error
        ? <span className="muted">{log.error.message}</span>
        : <pre className="log-text log-wraps process-log">{log.data ?? ""}</pre>}
    </Panel>
  );
}
