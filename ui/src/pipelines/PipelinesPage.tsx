import { useMemo, useState } from "react";
import { usePages, useQuery } from "../api/hooks.ts";
import type { PageProps } from "../app/feature.ts";
import { pathTo } from "../app/paths.ts";
import { useMay } from "../app/project.ts";
import { Link } from "../app/router.tsx";
import { oneOf, text, useUrlState } from "../app/urlState.ts";
import { StateBadge } from "../kit/Badge.tsx";
import { Button, ButtonLink } from "../kit/Button.tsx";
import { SearchInput } from "../kit/Field.tsx";
import { formatDuration, plural } from "../kit/format.ts";
import { Icon } from "../kit/Icon.tsx";
import { PageLayout } from "../kit/Page.tsx";
import { Empty, Loaded } from "../kit/States.tsx";
import { Segmented, Tabs } from "../kit/Tabs.tsx";
import { Time, useNow } from "../kit/Values.tsx";
import type { Pipeline, PipelineRun } from "./api.ts";
import { nextTimes, parseSchedule } from "./cron.ts";
import { RunDialog } from "./RunDialog.tsx";
import { RunsGrid, runStates } from "./RunsGrid.tsx";
import { lengthOf, RunStrip } from "./RunStrip.tsx";

export default function PipelinesPage({ params: { project } }: PageProps<"/p/:project/pipelines">) {
  const [tab, setTab] = useUrlState("tab", oneOf("pipelines", "runs"), "pipelines");
  const [state, setState] = useUrlState("state", oneOf(...runStates), "all");
  const mayWrite = useMay("pipelines.write", project);
  return (
    <PageLayout
      title="Pipelines"
      fill={tab === "runs"}
      tools={mayWrite && (
        <ButtonLink kind="primary" icon="plus" to={pathTo("/p/:project/pipeline-new", { project })}>
          New pipeline
        </ButtonLink>
      )}
    >
      <div className="row row-between row-wrap">
        <Tabs
          label="Pipelines and their runs"
          value={tab}
          onChange={setTab}
          tabs={[{ id: "pipelines", label: "Pipelines" }, { id: "runs", label: "All runs" }]}
        />
        {tab === "runs" && (
          <Segmented
            label="State"
            value={state}
            onChange={setState}
            options={runStates.map((id) => ({ id, label: id }))}
          />
        )}
      </div>
      {tab === "runs"
        ? (
          <div className="fill">
            <RunsGrid project={project} state={state} />
          </div>
        )
        : <PipelineList project={project} />}
    </PageLayout>
  );
}

function PipelineList({ project }: { project: string }) {
  const pipelines = useQuery("/api/v1/pipelines", { query: { project } }, { live: ["pipeline."] });
  // One question for the strips of all pipelines instead of one for each.
  const runs = usePages("/api/v1/pipeline-runs", { query: { project } }, { live: ["pipeline."], limit: 200 });
  const [search, setSearch] = useUrlState("q", text, "");
  const [started, setStarted] = useState<Pipeline | null>(null);
  const byPipeline = useMemo(() => {
    const found = new Map<string, PipelineRun[]>();
    for (const run of runs.items) {
      const list = found.get(run.pipeline);
      if (list) list.push(run);
      else found.set(run.pipeline, [run]);
    }
    return found;
  }, [runs.items]);
  return (
    <Loaded query={pipelines}>
      {({ items }) => {
        if (items.length === 0) {
          return (
            <Empty
              icon="pipeline"
              title="No pipeline yet"
              action={
                <ButtonLink kind="primary" to={pathTo("/p/:project/pipeline-new", { project })}>Write one</ButtonLink>
              }
            >
              A pipeline is a YAML file of steps that take data and make data or models.{" "}
              <code>slipway pipeline put FILE</code> brings one with its code.
            </Empty>
          );
        }
        const wanted = search.trim().toLowerCase();
        const shown = items.filter(({ name, definition }) =>
          name.toLowerCase().includes(wanted) || (definition.description ?? "").toLowerCase().includes(wanted)
        );
        return (
          <div className="stack">
            {items.length > 8 && (
              <SearchInput
                value={search}
                onChange={setSearch}
                placeholder="Find a pipeline"
                aria-label="Find a pipeline"
              />
            )}
            <ul className="pipeline-list">
              {shown.map((pipeline) => (
                <PipelineCard
                  key={pipeline.name}
                  pipeline={pipeline}
                  runs={byPipeline.get(pipeline.name) ?? []}
                  onRun={() => setStarted(pipeline)}
                />
              ))}
            </ul>
            {shown.length === 0 && <Empty compact icon="search" title={`Nothing is called “${search}”`} />}
            {started && <RunDialog pipeline={started} onClose={() => setStarted(null)} />}
          </div>
        );
      }}
    </Loaded>
  );
}

function PipelineCard({ pipeline, runs, onRun }: { pipeline: Pipeline; runs: PipelineRun[]; onRun: () => void }) {
  const { name, project, definition } = pipeline;
  const mayRun = useMay("pipelines.run", project);
  const last = runs[0];
  const ended = runs.filter((run) => run.state === "succeeded").slice(0, 10).map(lengthOf).sort((a, b) => a - b);
  const middle = ended[Math.floor(ended.length / 2)];
  return (
    <li className="pipeline-card">
      <div className="grow">
        <div className="row row-wrap">
          <Link to={pathTo("/p/:project/pipelines/:name", { project, name })} className="pipeline-name">{name}</Link>
          <span className="faint mono small">v{pipeline.version}</span>
          {last && <StateBadge state={last.state} title={last.problem ?? undefined} />}
        </div>
        <div className="muted pipeline-description">{definition.description ?? "No description."}</div>
        <div className="row row-wrap small faint pipeline-facts">
          <span>{plural(definition.steps.length, "step")}</span>
          {last && (
            <span>
              last run <Time at={last.created} />
            </span>
          )}
          {middle !== undefined && (
            <span title="the median of the last ten that succeeded">takes {formatDuration(middle)}</span>
          )}
          <NextStart pipeline={pipeline} />
        </div>
      </div>
      <RunStrip runs={runs} />
      {mayRun && <Button icon="play" small onClick={onRun} aria-label={`Run ${name}`}>Run</Button>}
    </li>
  );
}

/** What starts a pipeline next: the nearest of its schedules, and its events. */
export function NextStart({ pipeline }: { pipeline: Pipeline }) {
  const now = useNow();
  const triggers = pipeline.definition.triggers ?? [];
  const next = triggers.flatMap(({ schedule }) => {
    const parsed = schedule ? parseSchedule(schedule) : null;
    return parsed ? nextTimes(parsed, now, 1) : [];
  }).sort((a, b) => a - b)[0];
  const events = triggers.filter((trigger) => trigger.event);
  if (triggers.length === 0) return <span>starts by hand</span>;
  return (
    <>
      {next !== undefined && (
        <span className="row" style={{ gap: 4 }}>
          <Icon name="clock" size={12} /> next <Time at={next} />
        </span>
      )}
      {events.map((trigger) => (
        <span key={`${trigger.event}${trigger.subject}`} className="row" style={{ gap: 4 }}>
          <Icon name="bell" size={12} /> after {trigger.event}
        </span>
      ))}
    </>
  );
}
