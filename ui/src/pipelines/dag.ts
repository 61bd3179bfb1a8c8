import type { PipelineDefinition, PipelineRunWithSteps, StepDefinition, StepRun } from "./api.ts";

export interface DagEdge {
  from: string;
  to: string;
  /** The output that is handed over; absent where a step only waits. */
  label?: string;
}

/** `steps.train.model` → step and output. */
export function stepInput(text: string): { step: string; output: string } | null {
  const match = /^steps\.([^.]+)\.(.+)$/.exec(text);
  return match?.[1] && match[2] ? { step: match[1], output: match[2] } : null;
}

/** Which step waits for which, one edge for a pair, with the outputs that are handed over. */
export function edgesOf(steps: readonly Pick<StepDefinition, "name" | "inputs" | "needs">[]): DagEdge[] {
  const names = new Set(steps.map((step) => step.name));
  const edges: DagEdge[] = [];
  for (const step of steps) {
    const from = new Map<string, string[]>();
    for (const value of Object.values(step.inputs ?? {})) {
      const source = stepInput(value);
      if (!source || !names.has(source.step)) continue;
      const outputs = from.get(source.step) ?? [];
      if (!outputs.includes(source.output)) outputs.push(source.output);
      from.set(source.step, outputs);
    }
    for (const need of step.needs ?? []) if (names.has(need) && !from.has(need)) from.set(need, []);
    for (const [source, outputs] of from) {
      edges.push({ from: source, to: step.name, ...(outputs.length > 0 ? { label: outputs.join(", ") } : {}) });
    }
  }
  return edges;
}

/** Steps so that each comes after what it waits for, else as written. */
export function inOrder(steps: readonly StepDefinition[]): StepDefinition[] {
  const edges = edgesOf(steps);
  const waiting = new Map(steps.map((step) => [step.name, edges.filter((edge) => edge.to === step.name).length]));
  const ordered: StepDefinition[] = [];
  const left = [...steps];
  while (left.length > 0) {
    const at = left.findIndex((step) => waiting.get(step.name) === 0);
    const [step] = left.splice(Math.max(0, at), 1);
    if (!step) break;
    ordered.push(step);
    for (const edge of edges) if (edge.from === step.name) waiting.set(edge.to, (waiting.get(edge.to) ?? 1) - 1);
  }
  return ordered;
}

/** What of a ref or a step comes into a step from outside of the pipeline: datasets, slices, models. */
export function outerInputs(step: StepDefinition): { name: string; ref: string }[] {
  return Object.entries(step.inputs ?? {}).filter(([, value]) => !stepInput(value)).map(([name, ref]) => ({
    name,
    ref,
  }));
}

/** `${params.NAME}` filled in; what is not known stays as written. */
export function fill(text: string, params: Record<string, unknown>): string {
  return text.replace(
    /(\$?)\$\{params\.([^}]+)\}/g,
    (whole, escaped: string, name: string) => escaped || params[name] === undefined ? whole : String(params[name]),
  );
}

export interface GanttBar {
  step: string;
  run: StepRun | null;
  /** ms since 1970; null: it has not begun. */
  from: number | null;
  to: number | null;
  /** When everything that it waits for was there. */
  ready: number | null;
  /** On the chain of steps that decided when the run ended. */
  critical: boolean;
}

/** The bars of a run, in the order of the graph. `now` ends what runs still. */
export function ganttOf(definition: PipelineDefinition, run: PipelineRunWithSteps, now: number): GanttBar[] {
  const edges = edgesOf(definition.steps);
  const byName = new Map(run.steps.map((step) => [step.step, step]));
  const start = Date.parse(run.started ?? run.created);
  const bars = inOrder(definition.steps).map((step): GanttBar => {
    const own = byName.get(step.name) ?? null;
    const from = own?.started ? Date.parse(own.started) : null;
    const to = own?.ended ? Date.parse(own.ended) : from === null ? null : now;
    const ends = edges.filter((edge) => edge.to === step.name).map((edge) => byName.get(edge.from)?.ended ?? null);
    const ready = ends.includes(null) ? null : Math.max(start, ...ends.map((end) => Date.parse(end ?? "")));
    return { step: step.name, run: own, from, to, ready, critical: false };
  });
  // From the step that ended last, back over whatever its start waited for last.
  const ran = bars.filter((bar) => bar.to !== null);
  let last = ran.reduce<GanttBar | undefined>((a, b) => (a?.to ?? 0) >= (b.to ?? 0) ? a : b, undefined);
  while (last && !last.critical) {
    last.critical = true;
    const name: string = last.step;
    const before: GanttBar[] = ran.filter((bar) => edges.some((edge) => edge.from === bar.step && edge.to === name));
    last = before.reduce<GanttBar | undefined>((a, b) => (a?.to ?? 0) >= (b.to ?? 0) ? a : b, undefined);
  }
  return bars;
}
