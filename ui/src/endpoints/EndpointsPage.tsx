import { useState } from "react";
import { parseMetrics } from "../admin/prometheus.ts";
import { put, send } from "../api/client.ts";
import { useFetch, useMutation, usePages } from "../api/hooks.ts";
import type { PageProps } from "../app/feature.ts";
import { pathTo } from "../app/paths.ts";
import { useMay } from "../app/project.ts";
import { Link, navigate } from "../app/router.tsx";
import { Badge, StateBadge } from "../kit/Badge.tsx";
import { Button } from "../kit/Button.tsx";
import { Dialog } from "../kit/Dialog.tsx";
import { Field, Input } from "../kit/Field.tsx";
import { formatDuration, formatPercent, formatShort } from "../kit/format.ts";
import { type Column, DataGrid, pagesSource } from "../kit/grid/index.ts";
import { PageLayout } from "../kit/Page.tsx";
import { Empty, Notice } from "../kit/States.tsx";
import { RefLink, Time } from "../kit/Values.tsx";
import type { Endpoint } from "./api.ts";
import { type Traffic, trafficOf } from "./useTraffic.ts";

const pathOf = (endpoint: Endpoint) =>
  pathTo("/p/:project/endpoints/:name", { project: endpoint.project, name: endpoint.name });

export default function EndpointsPage({ params: { project } }: PageProps<"/p/:project/endpoints">) {
  const pages = usePages("/api/v1/endpoints", { query: { project } }, {
    live: ["endpoint.", "model.promoted", "model.alias."],
  });
  const metrics = useFetch(
    "/metrics",
    async (signal) => parseMetrics(await (await send("GET", "/metrics", { accept: "text/plain", signal })).text()),
  );
  const [isNew, setNew] = useState(false);
  const mayWrite = useMay("endpoints.write", project);
  const traffic = (endpoint: Endpoint) => metrics.data ? trafficOf(endpoint.name, metrics.data) : null;
  return (
    <PageLayout
      title="Endpoints"
      fill
      sub="Stable names under which models answer."
      tools={mayWrite && <Button kind="primary" icon="plus" onClick={() => setNew(true)}>New endpoint</Button>}
    >
      <div className="fill">
        <DataGrid
          label="Endpoints"
          columns={columns(traffic)}
          source={pagesSource(pages)}
          rowKey={(row) => row.name}
          rowHeight={40}
          onOpen={(row) => navigate(pathOf(row))}
          empty={
            <Empty
              icon="endpoint"
              title="No endpoint yet"
              action={mayWrite && <Button kind="primary" onClick={() => setNew(true)}>Make one</Button>}
            >
              A registered model answers under its own name already; an endpoint gives it a name that stays when the
              model changes.
            </Empty>
          }
        />
      </div>
      {isNew && <NewEndpoint project={project} onClose={() => setNew(false)} />}
    </PageLayout>
  );
}

function columns(traffic: (endpoint: Endpoint) => Traffic | null): Column<Endpoint>[] {
  return [
    {
      id: "name",
      header: "Name",
      width: 180,
      pinned: true,
      value: (row) => row.name,
      cell: (row) => <Link to={pathOf(row)} className="pipeline-name">{row.name}</Link>,
    },
    {
      id: "state",
      header: "State",
      width: 120,
      value: (row) => row.state,
      cell: (row) =>
        row.state === "idle"
          ? <Badge title="The first request loads it">idle</Badge>
          : <StateBadge state={row.state} title={row.problem ?? undefined} />,
    },
    {
      id: "serving",
      header: "Answers with",
      width: 170,
      value: (row) => row.serving,
      cell: (row) => row.serving ? <RefLink value={row.serving} /> : <span className="faint">nothing loaded</span>,
    },
    {
      id: "model",
      header: "Follows",
      width: 190,
      value: (row) => row.model,
      cell: (row) => <code className="ellipsis">{row.model.replace("model:", "")}</code>,
    },
    {
      id: "requests",
      header: "Requests",
      align: "end",
      width: 100,
      cell: (row) => (
        <span className="tabular" title="since the server started">
          {formatShort(traffic(row)?.requests ?? row.requests)}
        </span>
      ),
    },
    {
      id: "errors",
      header: "Errors",
      align: "end",
      width: 90,
      cell: (row) => {
        const { requests, failed } = traffic(row) ?? { requests: 0, failed: 0 };
        return requests === 0
          ? <span className="faint">–</span>
          : <span className={failed > 0 ? "tabular tone-bad" : "tabular"}>{formatPercent(failed / requests)}</span>;
      },
    },
    { id: "p50", header: "p50", align: "end", width: 90, cell: (row) => <Seconds value={traffic(row)?.p50} /> },
    { id: "p99", header: "p99", align: "end", width: 90, cell: (row) => <Seconds value={traffic(row)?.p99} /> },
    { id: "updated", header: "Changed", width: 110, grow: true, cell: (row) => <Time at={row.updated} /> },
  ];
}

export function Seconds({ value }: { value: number | null | undefined }) {
  if (value === null || value === undefined) return <span className="faint">–</span>;
  return <span className="tabular">{formatDuration(value * 1000)}</span>;
}

function NewEndpoint({ project, onClose }: { project: string; onClose: () => void }) {
  const [name, setName] = useState("");
  const [model, setModel] = useState("model:");
  const make = useMutation(() => put("/api/v1/endpoints/{name}", { path: { name }, json: { model, project } }), {
    invalidates: ["/api/v1/endpoints"],
    onDone: (endpoint) => navigate(pathOf(endpoint)),
  });
  const isReady = name.trim() !== "" && /^model:.+/.test(model);
  return (
    <Dialog
      open
      onClose={onClose}
      title="New endpoint"
      size="small"
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" busy={make.running} disabled={!isReady} onClick={() => void make.run()}>
            Make it
          </Button>
        </>
      }
    >
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (isReady) void make.run();
        }}
      >
        <Field
          label="Name"
          help="Callers ask under this name."
          error={make.error?.field === "name" ? make.error.message : null}
        >
          <Input value={name} onChange={setName} autoFocus mono />
        </Field>
        <Field
          label="Model"
          help="model:NAME@ALIAS follows the alias, model:NAME@5 stays at version 5."
          error={make.error?.field === "model" ? make.error.message : null}
        >
          <Input value={model} onChange={setModel} mono />
        </Field>
        {make.error && !make.error.field && <Notice tone="bad">{make.error.message}</Notice>}
        <button type="submit" hidden />
      </form>
    </Dialog>
  );
}
