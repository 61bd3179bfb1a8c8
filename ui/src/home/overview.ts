import { pathTo } from "../app/paths.ts";
import { plural } from "../kit/format.ts";
import type { IconName } from "../kit/Icon.tsx";

/** What Home reads of each listing; they have more fields, which their own pages know. */
export interface Listed<T> {
  items: T[];
  /** There are more than were asked for. */
  more: boolean;
}

export interface SourceSeen {
  name: string;
  ref: string;
  lastImported: string | null;
  problem: string | null;
  freshness: { late: boolean | null };
}
export interface DatasetSeen {
  name: string;
  latest: number | null;
}
export interface LabelTaskSeen {
  ref: string;
  name: string;
  state: string;
  items: number;
  complete: number;
  reviewed: number;
}
export interface PipelineRunSeen {
  ref: string;
  pipeline: string;
  state: string;
  created: string;
  problem: string | null;
}
export interface ExperimentSeen {
  id: string;
}
export interface RunSeen {
  ref: string;
  name: string;
  status: string;
  started: string | null;
}
export interface ModelSeen {
  name: string;
  ref: string;
  aliases: Record<string, number>;
  policy: { approvalsRequired: number } | null;
}
export interface ModelVersionSeen {
  ref: string;
  approval: string;
  created: string;
  status?: string;
  owner: string | null;
}
export interface EndpointSeen {
  name: string;
  ref: string;
  state: string;
  problem: string | null;
}
export interface MonitorSeen {
  name: string;
  ref: string;
  lastStatus: string | null;
  lastAt: string | null;
  nextEvaluation: string | null;
}
export interface AlertSeen {
  ref: string;
  monitor: string;
  state: string;
  summary: string;
  opened: string;
}

export interface Overview {
  sources: Listed<SourceSeen>;
  datasets: Listed<DatasetSeen>;
  labelTasks: Listed<LabelTaskSeen>;
  pipelines: Listed<unknown>;
  pipelineRuns: Listed<PipelineRunSeen>;
  experiments: Listed<ExperimentSeen>;
  runs: Listed<RunSeen>;
  models: Listed<ModelSeen>;
  /** The newest version of each model. */
  newest: ModelVersionSeen[];
  endpoints: Listed<EndpointSeen>;
  monitors: Listed<MonitorSeen>;
  alerts: Listed<AlertSeen>;
}

export type Health = "good" | "warn" | "bad" | "info" | "none";

export interface StageLine {
  text: string;
  health: Health;
}

export interface Stage {
  id: string;
  title: string;
  icon: IconName;
  to: string;
  count: number;
  /** The count is a lower bound. */
  more: boolean;
  lines: StageLine[];
  health: Health;
}

const running = new Set(["running", "queued", "scheduled", "RUNNING", "SCHEDULED", "pending"]);

/** The stages of the lifecycle in their order, each with its count and what is to be said of it. */
export function stagesOf(project: string, all: Overview): Stage[] {
  const at = (place: string) => pathTo("/p/:project/:place", { project, place });
  const late = all.sources.items.filter((source) => source.freshness.late === true).length;
  const broken = all.sources.items.filter((source) => source.problem !== null).length;
  const versions = all.datasets.items.reduce((sum, dataset) => sum + (dataset.latest ?? 0), 0);
  const open = all.labelTasks.items.filter((task) => task.state === "open");
  const toLabel = open.reduce((sum, task) => sum + task.items - task.complete, 0);
  const pipelinesNow = all.pipelineRuns.items.filter((run) => running.has(run.state)).length;
  const lastRun = all.pipelineRuns.items.find((run) => !running.has(run.state));
  const runsNow = all.runs.items.filter((run) => running.has(run.status)).length;
  const lastFailed = all.runs.items.find((run) => !running.has(run.status))?.status === "FAILED";
  const waiting = awaitingApproval(all).length;
  const aliases = all.models.items.flatMap((model) =>
    Object.entries(model.aliases).map(([alias, version]) => `${alias} v${version}`)
  );
  const endpointsBroken = all.endpoints.items.filter((endpoint) => endpoint.problem !== null).length;
  const serving =
    all.endpoints.items.filter((endpoint) => endpoint.state === "serving" || endpoint.state === "ready").length;
  const alerts = all.alerts.items.filter((alert) => alert.state === "open").length;
  const drifting = all.monitors.items.filter((monitor) => monitor.lastStatus === "drift").length;
  return [
    stage("sources", "Sources", "source", at("datasets") + "?tab=sources", all.sources, [
      broken > 0 && { text: `${broken} cannot be read`, health: "bad" },
      late > 0 && { text: `${late} late`, health: "warn" },
      late + broken === 0 && all.sources.items.length > 0 && { text: "up to date", health: "good" },
    ]),
    stage("datasets", "Datasets", "dataset", at("datasets"), all.datasets, [
      versions > 0 && { text: plural(versions, "version"), health: "none" },
      toLabel > 0 && { text: `${plural(toLabel, "item")} to label`, health: "info" },
    ]),
    stage("pipelines", "Pipelines", "pipeline", at("pipelines"), all.pipelines, [
      pipelinesNow > 0 && { text: `${pipelinesNow} running`, health: "info" },
      lastRun !== undefined &&
      (lastRun.state === "failed"
        ? { text: "last run failed", health: "bad" }
        : { text: `last run ${lastRun.state}`, health: lastRun.state === "succeeded" ? "good" : "none" }),
    ]),
    stage("runs", "Runs", "experiment", at("experiments"), all.runs, [
      runsNow > 0 && { text: `${runsNow} running`, health: "info" },
      lastFailed && { text: "last run failed", health: "bad" },
      { text: plural(all.experiments.items.length, "experiment"), health: "none" },
    ]),
    stage("models", "Models", "model", at("models"), all.models, [
      waiting > 0 && { text: `${waiting} to approve`, health: "warn" },
      aliases.length > 0 && { text: aliases.slice(0, 2).join(", "), health: waiting > 0 ? "none" : "good" },
    ]),
    stage("endpoints", "Endpoints", "endpoint", at("endpoints"), all.endpoints, [
      endpointsBroken > 0 && { text: `${endpointsBroken} cannot serve`, health: "bad" },
      endpointsBroken === 0 && all.endpoints.items.length > 0 &&
      { text: serving > 0 ? `${serving} loaded` : "idle", health: serving > 0 ? "good" : "none" },
    ]),
    stage("monitors", "Monitors", "monitor", at("monitors"), all.monitors, [
      alerts > 0 && { text: plural(alerts, "open alert"), health: "bad" },
      drifting > 0 && { text: `${drifting} sees drift`, health: "warn" },
      alerts + drifting === 0 && all.monitors.items.length > 0 && { text: "nothing found", health: "good" },
    ]),
  ];
}

function stage(
  id: string,
  title: string,
  icon: IconName,
  to: string,
  list: Listed<unknown>,
  lines: (StageLine | false)[],
): Stage {
  const said = lines.filter((line): line is StageLine => line !== false).slice(0, 2);
  const order: Health[] = ["bad", "warn", "info", "good", "none"];
  const health = order.find((each) => said.some((line) => line.health === each)) ?? "none";
  return { id, title, icon, to, count: list.items.length, more: list.more, lines: said, health };
}

/** Newest versions that have no approval yet although their model's policy asks for one, and hold no alias. */
function awaitingApproval({ models, newest }: Overview): ModelVersionSeen[] {
  return newest.filter((version) => {
    const model = models.items.find(({ name }) => version.ref.startsWith(`model:${name}@`));
    const holds = Object.values(model?.aliases ?? {}).some((held) => version.ref.endsWith(`@${held}`));
    return version.approval === "pending" && (model?.policy?.approvalsRequired ?? 0) > 0 && !holds;
  });
}

/** Something that waits for somebody. */
export interface Waiting {
  id: string;
  health: Health;
  icon: IconName;
  title: string;
  detail: string;
  ref: string;
  /** Who can do something about it. */
  whom: string;
  since: string | null;
}

/** What waits for whom, the worst first. */
export function waitingIn(all: Overview): Waiting[] {
  const out: Waiting[] = [];
  for (const alert of all.alerts.items.filter(({ state }) => state === "open")) {
    out.push({
      id: alert.ref,
      health: "bad",
      icon: "bell",
      title: `Alert of monitor ${alert.monitor}`,
      detail: alert.summary,
      ref: alert.ref,
      whom: "operators, makers",
      since: alert.opened,
    });
  }
  for (const source of all.sources.items) {
    if (source.problem === null && source.freshness.late !== true) continue;
    out.push({
      id: source.ref,
      health: source.problem === null ? "warn" : "bad",
      icon: "source",
      title: source.problem === null ? `Source ${source.name} is late` : `Source ${source.name} cannot be read`,
      detail: source.problem ?? "Nothing new within its period.",
      ref: source.ref,
      whom: "makers",
      since: source.lastImported,
    });
  }
  for (const endpoint of all.endpoints.items.filter(({ problem }) => problem !== null)) {
    out.push({
      id: endpoint.ref,
      health: "bad",
      icon: "endpoint",
      title: `Endpoint ${endpoint.name} cannot serve`,
      detail: endpoint.problem ?? "",
      ref: endpoint.ref,
      whom: "operators",
      since: null,
    });
  }
  const failed = all.pipelineRuns.items.filter(({ state }, index, runs) =>
    state === "failed" && runs.findIndex((run) => run.pipeline === runs[index]?.pipeline) === index
  );
  for (const run of failed) {
    out.push({
      id: run.ref,
      health: "bad",
      icon: "pipeline",
      title: `The last run of ${run.pipeline} failed`,
      detail: run.problem ?? "",
      ref: run.ref,
      whom: "makers",
      since: run.created,
    });
  }
  for (const version of awaitingApproval(all)) {
    out.push({
      id: version.ref,
      health: "warn",
      icon: "model",
      title: `${version.ref.replace("model:", "")} waits for approval`,
      detail: version.owner ? `Registered by ${version.owner}.` : "",
      ref: version.ref,
      whom: "owners, ML engineers",
      since: version.created,
    });
  }
  for (const task of all.labelTasks.items.filter(({ state }) => state === "open")) {
    const left = task.items - task.complete;
    const unreviewed = task.complete - task.reviewed;
    if (left + unreviewed === 0) continue;
    out.push({
      id: task.ref,
      health: "info",
      icon: "label",
      title: left > 0
        ? `${task.name}: ${plural(left, "item")} to label`
        : `${task.name}: ${plural(unreviewed, "item")} to review`,
      detail: `${task.complete.toLocaleString("en")} of ${task.items.toLocaleString("en")} complete, ${
        task.reviewed.toLocaleString("en")
      } reviewed.`,
      ref: task.ref,
      whom: left > 0 ? "annotators" : "reviewers",
      since: null,
    });
  }
  const order: Health[] = ["bad", "warn", "info"];
  return out.sort((a, b) => order.indexOf(a.health) - order.indexOf(b.health));
}
