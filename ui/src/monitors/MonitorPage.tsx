import { useMemo, useState } from "react";
import { post } from "../api/client.ts";
import { useMutation, usePages, useQuery } from "../api/hooks.ts";
import type { PageProps } from "../app/feature.ts";
import { pathTo } from "../app/paths.ts";
import { useMay } from "../app/project.ts";
import { oneOf, text, useUrlState } from "../app/urlState.ts";
import { StateBadge } from "../kit/Badge.tsx";
import { Button, ButtonLink } from "../kit/Button.tsx";
import { Dialog } from "../kit/Dialog.tsx";
import { Field, Input } from "../kit/Field.tsx";
import { PageLayout } from "../kit/Page.tsx";
import { Empty, Loaded, Notice, Skeleton } from "../kit/States.tsx";
import { Tabs } from "../kit/Tabs.tsx";
import { toast } from "../kit/Toast.tsx";
import { RefLink, Time } from "../kit/Values.tsx";
import { RunDialog } from "../pipelines/RunDialog.tsx";
import { AlertList } from "./Alerts.tsx";
import type { Monitor } from "./api.ts";
import { DriftTab } from "./DriftTab.tsx";
import { QualityTab } from "./QualityTab.tsx";
import { ReportsTab } from "./ReportsTab.tsx";
import { SettingsTab } from "./SettingsTab.tsx";
import { windowText } from "./distribution.ts";

export default function MonitorPage({ params: { project, name } }: PageProps<"/p/:project/monitors/:name">) {
  const monitor = useQuery("/api/v1/monitors/{name}", { path: { name } }, {
    live: ["monitor."],
    about: (event) => event.subject.startsWith(`monitor:${name}`) || event.type.includes("alert"),
  });
  return (
    <Loaded
      query={monitor}
      skeleton={
        <PageLayout title={name}>
          <Skeleton height={320} />
        </PageLayout>
      }
    >
      {(data) => <MonitorView project={project} monitor={data} />}
    </Loaded>
  );
}

function MonitorView({ project, monitor }: { project: string; monitor: Monitor }) {
  const [tab, setTab] = useUrlState("tab", oneOf("drift", "quality", "alerts", "reports", "settings"), "drift");
  const [chosen, setChosen] = useUrlState("report", text, "");
  const [isEvaluating, setEvaluating] = useState(false);
  const [isRetraining, setRetraining] = useState(false);
  const mayEvaluate = useMay("monitors.evaluate", project);
  const mayRun = useMay("pipelines.run", project);
  const path = { name: monitor.name };
  const reports = usePages("/api/v1/monitors/{name}/reports", { path }, { live: ["monitor."], limit: 120 });
  const alerts = usePages("/api/v1/alerts", { query: { monitor: monitor.name, project } }, {
    live: ["monitor."],
    limit: 30,
  });
  const report = useMemo(
    () => reports.items.find((each) => each.id === chosen) ?? (chosen ? undefined : reports.items[0]),
    [reports.items, chosen],
  );
  // A report that is linked to may be older than those that are loaded.
  const linked = useQuery("/api/v1/monitors/{name}/reports/{id}", { path: { ...path, id: chosen } }, {
    skip: chosen === "" || report !== undefined || reports.loading,
  });
  const shown = report ?? linked.data;
  const active = alerts.items.find((alert) => alert.state !== "resolved");
  return (
    <PageLayout
      title={monitor.name}
      crumbs={[{ label: "Monitors", to: pathTo("/p/:project/monitors", { project }) }]}
      badges={monitor.lastStatus && <StateBadge state={monitor.lastStatus.replace("-data", "")} />}
      sub={
        <span className="row row-wrap run-facts">
          <span className="row">
            watches <RefLink value={`endpoint:${monitor.endpoint}`} />
          </span>
          <span className="row">
            against <RefLink value={monitor.builtFrom.slice ?? monitor.builtFrom.dataset} />
          </span>
          <span>over {windowText(monitor.window)}</span>
          {monitor.lastAt && (
            <span>
              evaluated for <Time at={monitor.lastAt} exact />
            </span>
          )}
        </span>
      }
      tools={
        <>
          <ButtonLink
            icon="lineage"
            to={pathTo("/p/:project/lineage", { project }) + `?ref=${encodeURIComponent(monitor.ref)}`}
          >
            Lineage
          </ButtonLink>
          {mayRun && monitor.onDrift && <Button icon="play" onClick={() => setRetraining(true)}>Retrain…</Button>}
          {mayEvaluate && (
            <Button kind="primary" icon="refresh" onClick={() => setEvaluating(true)}>Evaluate now…</Button>
          )}
        </>
      }
    >
      {active && tab !== "alerts" && (
        <Notice
          tone="bad"
          action={
            <Button
              small
              onClick={() => setTab("alerts", { push: true })}
            >
              See the alert
            </Button>
          }
        >
          {active.summary}
          {active.acknowledgedBy ? ` (taken on by ${active.acknowledgedBy})` : ""}
        </Notice>
      )}
      <Tabs
        label="Parts of the monitor"
        value={tab}
        onChange={(next) => setTab(next, { push: true })}
        tabs={[
          { id: "drift", label: "Drift" },
          { id: "quality", label: "Quality" },
          { id: "alerts", label: "Alerts", count: alerts.items.length },
          { id: "reports", label: "Reports", count: reports.more ? undefined : reports.items.length },
          { id: "settings", label: "Settings" },
        ]}
      />
      {tab === "alerts" && (alerts.items.length === 0
        ? <Empty icon="check" title="It never raised an alert">It does when a figure crosses its limit.</Empty>
        : <AlertList alerts={alerts.items} />)}
      {tab === "settings" && <SettingsTab monitor={monitor} />}
      {tab === "reports" && (
        <ReportsTab
          reports={reports}
          chosen={shown?.id ?? ""}
          onChoose={(id) => {
            setChosen(id);
            setTab("drift", { push: true });
          }}
        />
      )}
      {(tab === "drift" || tab === "quality") && (reports.loading || linked.loading ? <Skeleton height={320} /> : !shown
        ? (
          <Empty
            icon="monitor"
            title="Not evaluated yet"
            action={mayEvaluate && <Button kind="primary" onClick={() => setEvaluating(true)}>Evaluate now…</Button>}
          >
            An evaluation compares the window's predictions with the reference.
          </Empty>
        )
        : tab === "drift"
        ? <DriftTab monitor={monitor} report={shown} reports={reports.items} onChoose={setChosen} />
        : <QualityTab monitor={monitor} reports={reports.items} />)}
      {isEvaluating && (
        <Evaluate
          monitor={monitor}
          onClose={() => setEvaluating(false)}
          onDone={(id) => setChosen(id)}
        />
      )}
      {isRetraining && monitor.onDrift && <Retrain monitor={monitor} onClose={() => setRetraining(false)} />}
    </PageLayout>
  );
}

function Retrain({ monitor, onClose }: { monitor: Monitor; onClose: () => void }) {
  const pipeline = useQuery("/api/v1/pipelines/{name}", { path: { name: monitor.onDrift?.pipeline ?? "" } });
  if (!pipeline.data) return null;
  return <RunDialog pipeline={pipeline.data} given={monitor.onDrift?.params ?? {}} onClose={onClose} />;
}

/** Evaluates the window that ends now, or at a moment of the past. */
function Evaluate(
  { monitor, onClose, onDone }: { monitor: Monitor; onClose: () => void; onDone: (report: string) => void },
) {
  const [at, setAt] = useState("");
  const evaluate = useMutation(
    () =>
      post("/api/v1/monitors/{name}/evaluate", {
        path: { name: monitor.name },
        json: at ? { at: new Date(at).toISOString() } : {},
      }),
    {
      invalidates: ["/api/v1/monitors", "/api/v1/alerts"],
      onDone: (report) => {
        toast.done(
          report.status === "drift"
            ? "It sees drift."
            : report.status === "ok"
            ? "All is within its limits."
            : "There are too few rows to judge.",
        );
        onDone(report.id);
        onClose();
      },
    },
  );
  return (
    <Dialog
      open
      onClose={onClose}
      size="small"
      title={`Evaluate ${monitor.name}`}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" busy={evaluate.running} onClick={() => void evaluate.run()}>Evaluate</Button>
        </>
      }
    >
      <div className="stack">
        <p>
          Looks at {windowText(monitor.window)} of predictions of{" "}
          {monitor.endpoint}. If a figure is over its limit, the alert is raised{monitor.onDrift
            ? <>and the pipeline {monitor.onDrift.pipeline} may start</>
            : ""}.
        </p>
        <Field
          label="Until"
          help={`Now, if left out. An evaluation of a moment before ${
            monitor.lastAt ? "the newest report" : "now"
          } is stored and changes no alert.`}
        >
          <Input type="datetime-local" value={at} onChange={setAt} />
        </Field>
        {evaluate.error && <Notice tone="bad">{evaluate.error.message}</Notice>}
      </div>
    </Dialog>
  );
}
