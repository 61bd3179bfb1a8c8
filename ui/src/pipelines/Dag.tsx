import { useMemo } from "react";
import { formatDuration } from "../kit/format.ts";
import { Graph, type GraphEdge, type GraphNode } from "../kit/graph/index.ts";
import { Icon, type IconName } from "../kit/Icon.tsx";
import { useNow } from "../kit/Values.tsx";
import type { StepDefinition, StepRun, StepState } from "./api.ts";
import { edgesOf, fill, outerInputs } from "./dag.ts";

type DagNode =
  & GraphNode
  & ({ kind: "step"; step: Pick<StepDefinition, "name" | "run" | "cache"> } | { kind: "outer"; ref: string });

export const stateIcons: Record<StepState, IconName> = {
  pending: "clock",
  running: "play",
  succeeded: "check",
  cached: "copy",
  failed: "error",
  cancelled: "stop",
  skipped: "minus",
};

/** The graph of a pipeline's steps with what comes in from outside and what is made; with a run, live states. */
export function Dag(
  { steps, runs, params = {}, selected, onSelect, label }: {
    steps: readonly StepDefinition[];
    runs?: readonly StepRun[];
    params?: Record<string, unknown>;
    selected?: string | null;
    onSelect?: (step: string | null) => void;
    label: string;
  },
) {
  const states = useMemo(() => new Map((runs ?? []).map((run) => [run.step, run])), [runs]);
  const { nodes, edges } = useMemo(() => graphOf(steps, params, states), [steps, params, states]);
  return (
    <Graph
      label={label}
      nodes={nodes}
      edges={edges}
      direction="LR"
      selected={selected ?? null}
      onSelect={(id) => onSelect?.(id !== null && steps.some((step) => step.name === id) ? id : null)}
      renderNode={(node) =>
        node.kind === "outer" ? <Outer value={node.ref} /> : (
          <Step
            name={node.step.name}
            step={node.step}
            run={states.get(node.step.name)}
            hasRun={runs !== undefined}
          />
        )}
    />
  );
}

function graphOf(
  steps: readonly StepDefinition[],
  params: Record<string, unknown>,
  states: ReadonlyMap<string, StepRun>,
): { nodes: DagNode[]; edges: GraphEdge[] } {
  const nodes: DagNode[] = [];
  const edges: GraphEdge[] = edgesOf(steps).map((edge) => {
    const state = states.get(edge.to)?.state;
    return {
      ...edge,
      tone: state === "running" ? "info" : state === "failed" ? "bad" : "neutral",
      dashed: !edge.label,
    };
  });
  const outer = new Map<string, string>();
  const place = (ref: string) => {
    const id = "outer " + ref;
    if (!outer.has(ref)) {
      outer.set(ref, id);
      nodes.push({
        kind: "outer",
        id,
        ref,
        width: Math.min(240, Math.max(110, 34 + ref.length * 7.2)),
        height: 32,
        label: ref,
      });
    }
    return id;
  };
  for (const step of steps) {
    nodes.push({
      kind: "step",
      id: step.name,
      step,
      width: 210,
      height: 62,
      label: `${step.name}: ${states.get(step.name)?.state ?? step.run.join(" ")}`,
    });
    for (const { ref } of outerInputs(step)) {
      edges.push({ from: place(fill(ref, params)), to: step.name, tone: "faint" });
    }
    for (const [name, made] of Object.entries(step.outputs ?? {})) {
      if (made === "dir") continue;
      const ref = states.get(step.name)?.outputs[name]?.ref ?? fill(made, params);
      edges.push({ from: step.name, to: place(ref), label: name, tone: "faint" });
    }
  }
  return { nodes, edges };
}

function Outer({ value }: { value: string }) {
  const kind = value.split(":")[0];
  const icon: IconName = kind === "model" ? "model" : kind === "slice" ? "filter" : "dataset";
  return (
    <div className="dag-outer">
      <Icon name={icon} size={13} />
      <span className="ellipsis mono small">{value.slice(value.indexOf(":") + 1)}</span>
    </div>
  );
}

function Step(
  { name, step, run, hasRun }: {
    name: string;
    step: Pick<StepDefinition, "run" | "cache">;
    run: StepRun | undefined;
    hasRun: boolean;
  },
) {
  const state = run?.state ?? (hasRun ? "pending" : null);
  return (
    <div className={`dag-step${state ? ` dag-${state}` : ""}`}>
      <div className="row">
        {state && <Icon name={stateIcons[state]} size={14} />}
        <span className="dag-name ellipsis grow">{name}</span>
        {run && run.attempt > 1 && <span className="dag-attempt" title="tried again">try {run.attempt}</span>}
        {!hasRun && step.cache === false && <span className="dag-attempt" title="runs every time">no cache</span>}
      </div>
      <div className="dag-detail ellipsis">
        {run && state !== "pending" ? <StepDetail run={run} /> : <span className="mono">{step.run.join(" ")}</span>}
      </div>
    </div>
  );
}

function StepDetail({ run }: { run: StepRun }) {
  const now = useNow();
  if (run.state === "cached") return <>cached: taken from an earlier run</>;
  if (run.state === "skipped") return <>skipped: an earlier step did not succeed</>;
  if (!run.started) return <>{run.state}</>;
  const took = (run.ended ? Date.parse(run.ended) : Math.max(now, Date.now())) - Date.parse(run.started);
  return <>{run.state} · {formatDuration(took)}{run.problem ? ` · ${run.problem}` : ""}</>;
}
