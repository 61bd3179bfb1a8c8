import { StateBadge } from "../kit/Badge.tsx";
import { pathTo } from "../app/paths.ts";
import { Link } from "../app/router.tsx";
import { oneOf, useUrlState } from "../app/urlState.ts";
import { IconButton } from "../kit/Button.tsx";
import { formatBytes, formatDuration } from "../kit/format.ts";
import { Empty, Notice } from "../kit/States.tsx";
import { Tabs } from "../kit/Tabs.tsx";
import { Digest, Duration, KeyValues, RefLink, Time } from "../kit/Values.tsx";
import type { PipelineRunWithSteps, StepDefinition } from "./api.ts";
import { isOver } from "./api.ts";
import { fill, stepInput } from "./dag.ts";
import { LogView } from "./LogView.tsx";
import { memoryText } from "./definitionYaml.ts";

/** One step of a run: what it printed, what went in and came out, what it used. */
export function StepPanel(
  { run, step, onClose }: { run: PipelineRunWithSteps; step: StepDefinition; onClose: () => void },
) {
  const [tab, setTab] = useUrlState("part", oneOf("log", "made", "recipe"), "log");
  const own = run.steps.find((each) => each.step === step.name);
  const params = run.params;
  return (
    <section className="panel step-panel" aria-label={`Step ${step.name}`}>
      <header className="panel-head">
        <h2 className="panel-title">{step.name} {own && <StateBadge state={own.state} />}</h2>
        <IconButton icon="close" label="Close the step" onClick={onClose} />
      </header>
      <div className="step-body">
        {own?.problem && <Notice tone={own.state === "failed" ? "bad" : "warn"}>{own.problem}</Notice>}
        {own?.cachedFrom && (
          <Notice>
            Nothing ran: the recipe is that of{" "}
            <Link
              to={pathTo("/p/:project/pipeline-runs/:id", { project: run.project, id: own.cachedFrom }) +
                `?step=${encodeURIComponent(step.name)}`}
            >
              an earlier run
            </Link>
            , whose outputs stand in.
          </Notice>
        )}
        <code className="step-command">{step.run.map((word) => fill(word, params)).join(" ")}</code>
        <Tabs
          label="Parts of the step"
          value={tab}
          onChange={setTab}
          tabs={[{ id: "log", label: "Log" }, { id: "made", label: "In and out" }, {
            id: "recipe",
            label: "Recipe and use",
          }]}
        />
        {tab === "log" && (
          own?.state === "cached" && own.cachedFrom
            ? <LogView key={own.cachedFrom} run={own.cachedFrom} step={step.name} live={false} />
            : !own || own.state === "pending" || own.state === "skipped"
            ? (
              <Empty compact icon="clock" title={own?.state === "skipped" ? "It did not run" : "It has not begun"}>
                {own?.state === "skipped"
                  ? "A step that it waits for did not succeed."
                  : "It begins when the steps that it waits for have succeeded."}
              </Empty>
            )
            : (
              <LogView
                key={`${step.name}${own.attempt}`}
                run={run.id}
                step={step.name}
                live={own.state === "running" && !isOver(run.state)}
              />
            )
        )}
        {tab === "made" && <InAndOut run={run} step={step} />}
        {tab === "recipe" && (
          <div className="stack">
            <KeyValues
              items={[
                ["Started", own?.started ? <Time key="s" at={own.started} exact /> : "not yet"],
                ["Took", own?.started ? <Duration key="t" from={own.started} to={own.ended} /> : null],
                ["Attempt", own ? `${own.attempt} of ${(step.retries ?? 0) + 1}` : null],
                [
                  "Processor time",
                  own?.usage?.cpuSeconds !== undefined ? formatDuration(own.usage.cpuSeconds * 1000) : null,
                ],
                [
                  "Most memory",
                  own?.usage?.peakMemoryBytes !== undefined
                    ? `${formatBytes(own.usage.peakMemoryBytes)}${step.memory ? ` of ${memoryText(step.memory)}` : ""}`
                    : null,
                ],
                ["Time limit", step.timeout_seconds ? formatDuration(step.timeout_seconds * 1000) : null],
                ["Network", step.network ? "yes" : "none"],
                ["Walls", own?.usage?.sandbox],
                ["Cache", step.cache === false ? "never" : "when its recipe was run before"],
                ["Recipe", <Digest key="r" value={own?.recipeDigest} />],
                ["Code", <Digest key="c" value={own?.recipe?.code} />],
                ["Environment", <Digest key="e" value={own?.recipe?.environment} />],
              ]}
            />
            {Object.entries(step.variables ?? {}).length > 0 && (
              <>
                <h4>Environment variables</h4>
                <KeyValues
                  items={Object.entries(step.variables ?? {}).map((
                    [name, value],
                  ) => [<code key="n">{name}</code>, <code key="v">{fill(value, params)}</code>])}
                />
              </>
            )}
          </div>
        )}
      </div>
    </section>
  );
}

function InAndOut({ run, step }: { run: PipelineRunWithSteps; step: StepDefinition }) {
  const own = run.steps.find((each) => each.step === step.name);
  const given = own?.recipe?.params ?? Object.fromEntries(
    Object.entries(step.params ?? {}).map((
      [name, value],
    ) => [name, typeof value === "string" ? fill(value, run.params) : value]),
  );
  const inputs = Object.entries(step.inputs ?? {});
  const outputs = Object.entries(step.outputs ?? {});
  return (
    <div className="stack">
      <h4>Inputs</h4>
      {inputs.length === 0 && <span className="faint">none</span>}
      <KeyValues
        items={inputs.map(([name, value]) => {
          const ref = fill(value, run.params);
          const source = stepInput(ref);
          const digest = own?.recipe?.inputs?.[name];
          return [
            <code key="n">{name}</code>,
            <span key="v" className="row row-wrap">
              {source ? <span>{source.output} of step {source.step}</span> : <RefLink value={ref} />}
              {digest && <Digest value={digest} />}
            </span>,
          ];
        })}
      />
      <h4>Parameters</h4>
      {Object.keys(given).length === 0 && <span className="faint">none</span>}
      <KeyValues
        items={Object.entries(given).map((
          [name, value],
        ) => [<code key="n">{name}</code>, <code key="v">{JSON.stringify(value)}</code>])}
      />
      <h4>Outputs</h4>
      {outputs.length === 0 && <span className="faint">none</span>}
      <KeyValues
        items={outputs.map(([name, value]) => {
          const made = own?.outputs[name];
          return [
            <code key="n">{name}</code>,
            <span key="v" className="row row-wrap">
              {made?.ref
                ? <RefLink value={made.ref} />
                : <span>{value === "dir" ? "files" : fill(value, run.params)}</span>}
              {made ? <Digest value={made.digest} /> : <span className="faint">not yet</span>}
            </span>,
          ];
        })}
      />
    </div>
  );
}
