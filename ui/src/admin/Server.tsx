import { useEffect, useMemo, useRef, useState } from "react";
import { send } from "../api/client.ts";
import { useFetch, useQuery } from "../api/hooks.ts";
import { Badge } from "../kit/Badge.tsx";
import { LineChart } from "../kit/chart/index.ts";
import { SearchInput } from "../kit/Field.tsx";
import { formatBytes, formatCount, formatDuration, formatNumber, formatPercent } from "../kit/format.ts";
import { arraySource, type Column, DataGrid, type Sort } from "../kit/grid/index.ts";
import { Panel, Stat } from "../kit/Page.tsx";
import { Empty, Failed } from "../kit/States.tsx";
import { buckets, parseMetrics, quantile, type Sample, total } from "./prometheus.ts";

/** How often the counters are read while somebody looks; they are not events. */
const every = 5_000;

interface Route {
  route: string;
  requests: number;
  errors: number;
  refused: number;
  p50: number | null;
  p99: number | null;
  sum: number;
}

interface Reading {
  at: number;
  samples: Sample[];
}

/** The server's health from its own figures: memory, processor, requests and latency by route. */
export function Server() {
  const facts = useQuery("/api/v1/server", {});
  const health = useFetch("/health", async (signal) => {
    const began = performance.now();
    await send("GET", "/health", { accept: "text/plain", signal });
    return performance.now() - began;
  }, { fresh: 0 });
  const metrics = useFetch("/metrics", async (signal): Promise<Reading> => ({
    at: Date.now(),
    samples: parseMetrics(await (await send("GET", "/metrics", { accept: "text/plain", signal })).text()),
  }), { fresh: 1_000 });
  const refresh = useRef(() => {});
  refresh.current = () => {
    metrics.refresh();
    health.refresh();
  };
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) refresh.current();
    }, every);
    return () => clearInterval(timer);
  }, []);
  const readings = useReadings(metrics.data);
  const samples = metrics.data?.samples;
  const routes = useMemo(() => samples ? routesOf(samples) : [], [samples]);
  if (metrics.error && !samples) return <Failed error={metrics.error} retry={metrics.refresh} />;
  const requests = routes.reduce((sum, each) => sum + each.requests, 0);
  const errors = routes.reduce((sum, each) => sum + each.errors, 0);
  const all = samples ? buckets(samples, "slipway_http_request_seconds") : [];
  return (
    <div className="stack">
      <div className="endpoint-stats panel">
        <Stat
          label="Health"
          value={health.error
            ? <Badge tone="bad" icon="error">not ready</Badge>
            : <Badge tone="good" icon="check">ready</Badge>}
          detail={health.error?.message ??
            (health.data !== undefined ? `the database answers, ${formatDuration(health.data)}` : "")}
        />
        <Stat
          label="Version"
          value={facts.data?.version ?? "–"}
          detail={facts.data ? `${facts.data.database}, tables ${facts.data.tables}` : ""}
        />
        <Stat
          label="Memory"
          value={samples ? formatBytes(total(samples, "process_resident_memory_bytes")) : "–"}
          detail="resident"
        />
        <Stat
          label="Processor time"
          value={samples ? formatDuration(total(samples, "process_cpu_seconds_total") * 1000) : "–"}
          detail="since the start"
        />
        <Stat
          label="Requests"
          value={formatCount(requests)}
          detail={requests > 0 ? `${formatPercent(errors / requests, 2)} failed` : ""}
        />
        <Stat
          label="99 of 100 within"
          value={<Time value={quantile(all, 0.99)} />}
          detail="until the answer is ready"
        />
      </div>
      <div className="grid-2">
        <Line
          title="Memory"
          readings={readings}
          unit="bytes"
          value={(now) => total(now.samples, "process_resident_memory_bytes")}
          format={formatBytes}
        />
        <Line
          title="Processor"
          readings={readings}
          unit="processors"
          value={(now, before) =>
            before
              ? (total(now.samples, "process_cpu_seconds_total") - total(before.samples, "process_cpu_seconds_total")) /
                ((now.at - before.at) / 1000)
              : null}
          format={(value) => `${formatNumber(value, 2)} processors`}
        />
        <Line
          title="Requests"
          readings={readings}
          unit="a second"
          value={(now, before) =>
            before
              ? (total(now.samples, "slipway_http_requests_total") -
                total(before.samples, "slipway_http_requests_total")) / ((now.at - before.at) / 1000)
              : null}
          format={(value) => `${formatNumber(value, 3)}/s`}
        />
        <Other samples={samples ?? []} />
      </div>
      <Routes routes={routes} />
    </div>
  );
}

function Time({ value }: { value: number | null }) {
  return value === null
    ? <span className="faint">–</span>
    : <span className="tabular">{formatDuration(value * 1000)}</span>;
}

/** The readings since the page was opened. */
function useReadings(reading: Reading | undefined): Reading[] {
  const [readings, setReadings] = useState<Reading[]>([]);
  useEffect(() => {
    if (reading) setReadings((old) => old[old.length - 1]?.at === reading.at ? old : [...old, reading].slice(-360));
  }, [reading]);
  return readings;
}

function Line(
  { title, readings, unit, value, format }: {
    title: string;
    readings: readonly Reading[];
    unit: string;
    value: (now: Reading, before: Reading | undefined) => number | null;
    format: (value: number) => string;
  },
) {
  const points = readings.flatMap((now, index) => {
    const figure = value(now, readings[index - 1]);
    return figure === null ? [] : [{ at: now.at, figure }];
  });
  return (
    <Panel title={title} tools={<span className="faint small">{unit}, since this page was opened</span>}>
      {points.length < 2
        ? <Empty compact icon="chart" title="Watching">The line begins with the next readings.</Empty>
        : (
          <LineChart
            label={title}
            xScale="time"
            height={170}
            hoverGroup="server"
            yDomain={[0, Math.max(...points.map((point) => point.figure), 1e-9) * 1.15]}
            series={[{
              id: title,
              label: title.toLowerCase(),
              x: points.map((point) => point.at),
              y: points.map((point) => point.figure),
            }]}
            formatY={format}
          />
        )}
    </Panel>
  );
}

/** All other counters of the server: evaluations, predictions, caches. */
function Other({ samples }: { samples: readonly Sample[] }) {
  const rows = useMemo(
    () =>
      samples.filter(({ name }) =>
        !name.startsWith("slipway_http_") && !name.startsWith("process_") && !name.endsWith("_bucket")
      ),
    [samples],
  );
  return (
    <Panel title="Other figures">
      {rows.length === 0
        ? <Empty compact icon="info" title="None yet">Evaluations and predictions count here.</Empty>
        : (
          <ul className="metric-list">
            {rows.map((row, index) => (
              <li key={index} className="row">
                <span className="grow mono small ellipsis" title={row.name}>
                  {row.name.replace(/^slipway_/, "")}
                  {Object.entries(row.labels).map(([name, value]) => ` ${name}=${value}`)}
                </span>
                <span className="tabular">{formatNumber(row.value, 5)}</span>
              </li>
            ))}
          </ul>
        )}
    </Panel>
  );
}

function routesOf(samples: readonly Sample[]): Route[] {
  const routes = new Map<string, Route>();
  for (const { name, labels, value } of samples) {
    const route = labels["route"];
    if (name !== "slipway_http_requests_total" || route === undefined) continue;
    const found = routes.get(route) ?? { route, requests: 0, errors: 0, refused: 0, p50: null, p99: null, sum: 0 };
    found.requests += value;
    const status = Number(labels["status"]);
    if (status >= 500) found.errors += value;
    else if (status >= 400) found.refused += value;
    routes.set(route, found);
  }
  for (const found of routes.values()) {
    const histogram = buckets(samples, "slipway_http_request_seconds", { route: found.route });
    found.p50 = quantile(histogram, 0.5);
    found.p99 = quantile(histogram, 0.99);
    found.sum = total(samples, "slipway_http_request_seconds_sum", { route: found.route });
  }
  return [...routes.values()];
}

const columns: Column<Route>[] = [
  {
    id: "route",
    header: "Route",
    width: 360,
    grow: true,
    pinned: true,
    sortable: true,
    value: (row) => row.route,
    cell: (row) => <code className="ellipsis">{row.route}</code>,
  },
  {
    id: "requests",
    header: "Requests",
    width: 110,
    align: "end",
    sortable: true,
    value: (row) => row.requests,
    cell: (row) => formatCount(row.requests),
  },
  {
    id: "errors",
    header: "Failed",
    width: 90,
    align: "end",
    sortable: true,
    value: (row) => row.errors,
    cell: (row) => <span className={row.errors > 0 ? "tone-bad" : "faint"}>{row.errors}</span>,
  },
  {
    id: "refused",
    header: "Refused",
    width: 90,
    align: "end",
    sortable: true,
    value: (row) => row.refused,
    cell: (row) => <span className={row.refused > 0 ? "" : "faint"}>{row.refused}</span>,
  },
  {
    id: "p50",
    header: "p50",
    width: 90,
    align: "end",
    sortable: true,
    value: (row) => row.p50,
    cell: (row) => <Time value={row.p50} />,
  },
  {
    id: "p99",
    header: "p99",
    width: 90,
    align: "end",
    sortable: true,
    value: (row) => row.p99,
    cell: (row) => <Time value={row.p99} />,
  },
  {
    id: "sum",
    header: "Time in all",
    width: 110,
    align: "end",
    sortable: true,
    value: (row) => row.sum,
    cell: (row) => <Time value={row.sum} />,
  },
];

function Routes({ routes }: { routes: readonly Route[] }) {
  const [sort, setSort] = useState<Sort | null>({ column: "sum", descending: true });
  const [search, setSearch] = useState("");
  const rows = useMemo(() => {
    const value = columns.find((column) => column.id === sort?.column)?.value;
    const shown = routes.filter(({ route }) => route.includes(search.trim()));
    if (!value || !sort) return shown;
    const by = (row: Route) => value(row) ?? -1;
    return shown.sort((a, b) => (by(a) < by(b) ? -1 : by(a) > by(b) ? 1 : 0) * (sort.descending ? -1 : 1));
  }, [routes, sort, search]);
  return (
    <Panel
      title="By route, since the server started"
      flush
      tools={<SearchInput value={search} onChange={setSearch} placeholder="Find a route" aria-label="Find a route" />}
    >
      <DataGrid
        label="Routes"
        columns={columns}
        source={arraySource(rows)}
        rowKey={(row) => row.route}
        sort={sort}
        onSort={setSort}
        autoHeight={520}
        empty={<Empty compact icon="search" title="No such route">Clear the search.</Empty>}
      />
    </Panel>
  );
}
