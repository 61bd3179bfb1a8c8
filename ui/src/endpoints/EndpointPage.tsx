import { useState } from "react";
import { put, remove } from "../api/client.ts";
import { invalidate, useMutation, useQuery } from "../api/hooks.ts";
import type { PageProps } from "../app/feature.ts";
import { pathTo } from "../app/paths.ts";
import { useMay } from "../app/project.ts";
import { navigate } from "../app/router.tsx";
import { oneOf, useUrlState } from "../app/urlState.ts";
import { Badge, StateBadge } from "../kit/Badge.tsx";
import { Button, ButtonLink } from "../kit/Button.tsx";
import { Confirm } from "../kit/Dialog.tsx";
import { Field, Input, Select } from "../kit/Field.tsx";
import { PageLayout, Panel } from "../kit/Page.tsx";
import { Loaded, Notice, Skeleton } from "../kit/States.tsx";
import { Tabs } from "../kit/Tabs.tsx";
import { toast } from "../kit/Toast.tsx";
import { RefLink } from "../kit/Values.tsx";
import type { Endpoint } from "./api.ts";
import { Overview } from "./Overview.tsx";
import { PredictionsTab } from "./PredictionsTab.tsx";
import { SwitchTab } from "./SwitchTab.tsx";
import { TryIt } from "./TryIt.tsx";

export default function EndpointPage({ params: { project, name } }: PageProps<"/p/:project/endpoints/:name">) {
  const [tab, setTab] = useUrlState("tab", oneOf("overview", "predictions", "try", "switch", "settings"), "overview");
  const endpoint = useQuery("/api/v1/endpoints/{name}", { path: { name } }, {
    live: ["endpoint.", "model.promoted", "model.alias.", "model.approved"],
  });
  return (
    <PageLayout
      title={name}
      fill={tab === "predictions"}
      crumbs={[{ label: "Endpoints", to: pathTo("/p/:project/endpoints", { project }) }]}
      badges={endpoint.data && (endpoint.data.state === "idle"
        ? <Badge title="The first request loads the model">idle</Badge>
        : <StateBadge state={endpoint.data.state} />)}
      sub={endpoint.data && (
        <span className="row row-wrap">
          {endpoint.data.serving
            ? (
              <span className="row">
                answers with <RefLink value={endpoint.data.serving} />
              </span>
            )
            : <span>has nothing loaded: the first request loads</span>}
          <span className="faint">follows {endpoint.data.model.replace("model:", "")}</span>
        </span>
      )}
      tools={
        <>
          <ButtonLink
            icon="lineage"
            to={pathTo("/p/:project/lineage", { project }) + `?ref=${encodeURIComponent("endpoint:" + name)}`}
          >
            Lineage
          </ButtonLink>
          <Button
            icon="play"
            onClick={() => setTab("try", { push: true })}
          >
            Try it
          </Button>
          <Button kind="primary" icon="swap" onClick={() => setTab("switch", { push: true })}>Switch version…</Button>
        </>
      }
    >
      <Loaded query={endpoint} skeleton={<Skeleton height={320} />}>
        {(data) => (
          <>
            {data.problem && (
              <Notice tone="bad">{data.problem}{data.serving ? ` ${data.serving} goes on answering.` : ""}</Notice>
            )}
            {data.note && <Notice tone="warn">{data.note}</Notice>}
            <Tabs
              label="Parts of the endpoint"
              value={tab}
              onChange={(next) => setTab(next, { push: true })}
              tabs={[
                { id: "overview", label: "Overview" },
                { id: "predictions", label: "Predictions" },
                { id: "try", label: "Try it" },
                { id: "switch", label: "Versions" },
                { id: "settings", label: "Settings" },
              ]}
            />
            {tab === "overview" && <Overview endpoint={data} />}
            {tab === "predictions" && <PredictionsTab endpoint={data} />}
            {tab === "try" && <TryIt endpoint={data} />}
            {tab === "switch" && <SwitchTab endpoint={data} />}
            {tab === "settings" && <Settings key={data.updated} endpoint={data} />}
          </>
        )}
      </Loaded>
    </PageLayout>
  );
}

function Settings({ endpoint }: { endpoint: Endpoint }) {
  const [model, setModel] = useState(endpoint.model);
  const [rate, setRate] = useState(String(endpoint.logRate));
  const [log, setLog] = useState(endpoint.log);
  const [isolation, setIsolation] = useState(endpoint.isolation);
  const [isDeleting, setDeleting] = useState(false);
  const mayWrite = useMay("endpoints.write", endpoint.project);
  const path = { name: endpoint.name };
  const save = useMutation(
    () =>
      put("/api/v1/endpoints/{name}", {
        path,
        json: { model, project: endpoint.project, logRate: Number(rate), log, isolation },
      }),
    { invalidates: ["/api/v1/endpoints"], onDone: () => toast.done(`${endpoint.name} is changed.`) },
  );
  const drop = useMutation(() => remove("/api/v1/endpoints/{name}", { path }), {
    onDone: () => {
      invalidate("/api/v1/endpoints");
      navigate(pathTo("/p/:project/endpoints", { project: endpoint.project }));
    },
  });
  const errorOf = (field: string) => save.error?.field === field ? save.error.message : null;
  return (
    <div className="stack endpoint-settings">
      <Panel title="Settings">
        <form
          className="stack"
          onSubmit={(event) => {
            event.preventDefault();
            void save.run();
          }}
        >
          <Field
            label="Model"
            help="A change switches before it is stored; requests under way end with the version they began with."
            error={errorOf("model")}
          >
            <Input mono value={model} onChange={setModel} disabled={!mayWrite} />
          </Field>
          <Field
            label="Share of predictions that are logged"
            help="0 to 1. What is not logged cannot be monitored or traced."
            error={errorOf("logRate")}
          >
            <Input value={rate} onChange={setRate} inputMode="decimal" disabled={!mayWrite} />
          </Field>
          <Field label="When a prediction is written" error={errorOf("log")}>
            <Select
              value={log}
              onChange={setLog}
              disabled={!mayWrite}
              options={[
                { value: "buffered", label: "up to 50 ms after the answer (a crash loses what is not written)" },
                { value: "sync", label: "before the answer" },
              ]}
            />
          </Field>
          <Field label="Where the model runs" error={errorOf("isolation")}>
            <Select
              value={isolation}
              onChange={setIsolation}
              disabled={!mayWrite}
              options={[
                { value: "auto", label: "in the server if people approved it, else in a worker" },
                { value: "server", label: "in the server" },
                { value: "worker", label: "in a process of its own with a memory limit" },
              ]}
            />
          </Field>
          {save.error && !save.error.field && <Notice tone="bad">{save.error.message}</Notice>}
          {mayWrite && (
            <div>
              <Button kind="primary" submit busy={save.running}>Save</Button>
            </div>
          )}
        </form>
      </Panel>
      {mayWrite && (
        <Panel title="Delete">
          <div className="row row-between row-wrap">
            <span className="muted">Its name answers no more. The logged predictions stay.</span>
            <Button kind="danger" icon="trash" onClick={() => setDeleting(true)}>Delete…</Button>
          </div>
        </Panel>
      )}
      <Confirm
        open={isDeleting}
        onClose={() => setDeleting(false)}
        title={`Delete ${endpoint.name}?`}
        action="Delete the endpoint"
        typeToConfirm={endpoint.name}
        error={drop.error}
        onConfirm={() => drop.run()}
      >
        <p>
          Whoever asks <code>{endpoint.name}</code>{" "}
          gets an error from then on. The predictions that it logged stay; the model{" "}
          {endpoint.model.replace("model:", "")} stays.
        </p>
      </Confirm>
    </div>
  );
}
