import { useState } from "react";
import type { PageProps } from "../../app/feature.ts";
import { pathTo } from "../../app/paths.ts";
import { Link } from "../../app/router.tsx";
import { oneOf, useUrlState } from "../../app/urlState.ts";
import { useMutation, useQuery } from "../../api/hooks.ts";
import { Badge, StateBadge } from "../../kit/Badge.tsx";
import { Button } from "../../kit/Button.tsx";
import { Confirm } from "../../kit/Dialog.tsx";
import { Field, Input } from "../../kit/Field.tsx";
import { FormDialog } from "../../kit/FormDialog.tsx";
import { Menu } from "../../kit/Menu.tsx";
import { PageLayout } from "../../kit/Page.tsx";
import { Failed, Skeleton } from "../../kit/States.tsx";
import { Tabs } from "../../kit/Tabs.tsx";
import { toast } from "../../kit/Toast.tsx";
import { copyText, Duration, Time } from "../../kit/Values.tsx";
import { changeRuns, renameRun, type Run } from "../api.ts";
import { ArtifactsTab } from "../artifacts/ArtifactsTab.tsx";
import { isSystemMetric, literal } from "../fields.ts";
import { comparePath, experimentPath, routes, runPath } from "../paths.ts";
import { EnvironmentTab } from "./EnvironmentTab.tsx";
import { LineageTab } from "./LineageTab.tsx";
import { LogsTab } from "./LogsTab.tsx";
import { OverviewTab } from "./OverviewTab.tsx";
import { RunCharts } from "./RunCharts.tsx";
import { useEvery } from "./useEvery.ts";

/** How often a run that still logs is read again, in ms. */
const liveEvery = 5_000;

export default function RunPage({ params }: PageProps<typeof routes.run>) {
  const query = useQuery(
    "/api/v1/runs/{id}",
    { path: { id: params.run } },
    { live: ["run."], about: (event) => event.subject.includes(params.run) },
  );
  useEvery(liveEvery, query.data?.status === "RUNNING", query.refresh);
  if (query.error && !query.data) return <Failed error={query.error} retry={query.refresh} />;
  if (!query.data) return <Skeleton rows={8} />;
  return <RunView project={params.project} run={query.data} refresh={query.refresh} />;
}

const tabs = ["overview", "metrics", "system", "artifacts", "logs", "environment", "lineage"] as const;

function RunView({ project, run, refresh }: { project: string; run: Run; refresh: () => void }) {
  const [tab, setTab] = useUrlState("tab", oneOf(...tabs), "overview");
  const experiment = useQuery("/api/v1/experiments/{id}", { path: { id: run.experiment } }, { fresh: 60_000 });
  const parent = run.tags["mlflow.parentRunId"];
  const metrics = Object.keys(run.metrics);
  const system = metrics.filter(isSystemMetric);
  return (
    <PageLayout
      title={run.name}
      crumbs={[
        { label: "Experiments", to: pathTo(routes.experiments, { project }) },
        { label: experiment.data?.name ?? "…", to: experimentPath(project, run.experiment) },
      ]}
      badges={
        <>
          <StateBadge state={run.status} />
          {run.lifecycle === "deleted" && <Badge tone="bad">deleted</Badge>}
        </>
      }
      sub={
        <span className="row row-wrap">
          <span>
            Started <Time at={run.started} /> by {run.user || "somebody"}
          </span>
          <span className="faint">·</span>
          <Duration from={run.started} to={run.ended ?? (run.status === "RUNNING" ? null : run.started)} />
          {parent && (
            <>
              <span className="faint">·</span>
              <span>
                child of <Link to={runPath(project, parent)}>{parent.slice(0, 8)}</Link>
              </span>
            </>
          )}
        </span>
      }
      tools={<RunTools project={project} run={run} refresh={refresh} />}
    >
      <Tabs
        label="Parts of the run"
        value={tab}
        onChange={setTab}
        tabs={[
          { id: "overview", label: "Overview" },
          { id: "metrics", label: "Metrics", count: metrics.length - system.length },
          ...(system.length > 0 ? [{ id: "system" as const, label: "System", count: system.length }] : []),
          { id: "artifacts", label: "Artifacts" },
          { id: "logs", label: "Logs" },
          { id: "environment", label: "Environment" },
          { id: "lineage", label: "Lineage" },
        ]}
      >
        {tab === "overview" && <OverviewTab project={project} run={run} refresh={refresh} />}
        {tab === "metrics" && <RunCharts run={run} metrics={metrics.filter((key) => !isSystemMetric(key))} />}
        {tab === "system" && <RunCharts run={run} metrics={system} />}
        {tab === "artifacts" && <ArtifactsTab owner={{ kind: "run", id: run.id }} project={project} run={run} />}
        {tab === "logs" && <LogsTab run={run} />}
        {tab === "environment" && <EnvironmentTab run={run} />}
        {tab === "lineage" && <LineageTab reference={run.ref} />}
      </Tabs>
    </PageLayout>
  );
}

function RunTools({ project, run, refresh }: { project: string; run: Run; refresh: () => void }) {
  const [asked, setAsked] = useState<"rename" | "delete" | null>(null);
  const [name, setName] = useState(run.name);
  const done = () => {
    setAsked(null);
    refresh();
  };
  const rename = useMutation((to: string) => renameRun(run.id, to), { invalidates: ["/api/v1/runs"], onDone: done });
  const change = useMutation(
    (action: "delete" | "restore") =>
      changeRuns({ experiments: [run.experiment], filter: `run_id = ${literal(run.id)}`, action }),
    { invalidates: ["/api/v1/runs"], onDone: done },
  );
  const isDeleted = run.lifecycle === "deleted";
  const parent = run.tags["mlflow.parentRunId"];
  return (
    <>
      {isDeleted && (
        <Button icon="refresh" busy={change.running} onClick={() => void change.run("restore")}>Restore</Button>
      )}
      <Menu
        label="More to do with the run"
        align="end"
        items={[
          { id: "ref", label: "Copy its ref", icon: "copy", onSelect: () => void copyText(run.ref) },
          { id: "id", label: "Copy its id", icon: "copy", onSelect: () => void copyText(run.id) },
          ...(parent
            ? [{
              id: "compare",
              label: "Compare with its parent",
              icon: "swap" as const,
              onSelect: () => location.assign("/ui" + comparePath(project, [parent, run.id])),
            }]
            : []),
          { id: "rename", label: "Rename…", icon: "edit", onSelect: () => setAsked("rename") },
          ...(isDeleted ? [] : [{
            id: "delete",
            label: "Delete…",
            icon: "trash" as const,
            danger: true,
            separated: true,
            onSelect: () => setAsked("delete"),
          }]),
        ]}
      />
      {asked === "rename" && (
        <FormDialog
          title="Rename the run"
          action="Rename"
          onClose={() => setAsked(null)}
          onSubmit={() => void rename.run(name)}
          ready={name.trim() !== ""}
          busy={rename.running}
          error={rename.error}
        >
          <Field label="Name">
            <Input value={name} onChange={setName} autoFocus />
          </Field>
        </FormDialog>
      )}
      <Confirm
        open={asked === "delete"}
        onClose={() => setAsked(null)}
        title={`Delete ${run.name}?`}
        action="Delete the run"
        error={change.error}
        onConfirm={async () => {
          if (await change.run("delete")) {
            toast.done(`Deleted ${run.name}.`, { label: "Undo", run: () => void change.run("restore") });
          }
        }}
      >
        <p>It leaves the tables; its points and artifacts stay until an owner purges them, and it can be restored.</p>
      </Confirm>
    </>
  );
}
