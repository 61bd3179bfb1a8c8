import type { Json } from "../api/types.ts";
import type { StepDefinition } from "./api.ts";
import { parseSchedule } from "./cron.ts";
import { stepInput } from "./dag.ts";
import { nodeAt, parseYaml, type Problem, toJson, type YamlMap, type YamlNode } from "./yaml.ts";

/** Fields of a definition with what they are for (docs/pipelines.md). */
const fields = {
  pipeline: {
    name: "letters, digits, - _ .",
    description: "what it is for",
    experiment: "where its runs are tracked; the pipeline's name unless said",
    params: "name → default, or {type, default, description, choices}",
    triggers: "what starts it: schedules and events",
    defaults: "for every step that does not say otherwise",
    steps: "1 to 200 steps",
  },
  step: {
    name: "letters, digits, - _",
    run: "the program and its arguments; no shell reads it",
    inputs: "name → steps.STEP.OUTPUT, dataset:NAME[@VERSION], slice:NAME, model:NAME[@ALIAS]",
    outputs: "name → dir, dataset:NAME, model:NAME",
    params: "name → value, or a list of the pipeline's parameters",
    needs: "steps that must have succeeded first",
    retries: "0 to 20; 0 unless said",
    timeout_seconds: "3600 unless said",
    memory: "such as 2GiB; for all processes of the step",
    cpu: "processors' worth of time, such as 0.5",
    network: "false unless said; a step that talks to Slipway needs true",
    environment: "a Python environment of the server",
    variables: "further environment variables",
    cache: "true unless said: an earlier run of the same recipe stands in",
  },
  trigger: {
    schedule: "cron in UTC, in quotes: minute hour day month weekday",
    event: "an event of the ledger, such as monitor.alert",
    subject: "which subject; * stands for any run of characters",
    params: "values of the run's parameters",
  },
  parameter: {
    type: "text, integer, number or boolean",
    default: "taken where a run does not set it",
    description: "what it is for",
    choices: "the values that are allowed",
  },
} as const;

const defaultFields = ["cache", "cpu", "environment", "memory", "network", "retries", "timeout_seconds", "variables"];
const eventTypes = [
  "dataset.version.created",
  "dataset.quality",
  "monitor.alert",
  "model.version.created",
  "model.evaluated",
  "model.approved",
  "model.promoted",
  "pipeline.run.succeeded",
  "pipeline.run.failed",
  "run.finished",
];

export interface Completion {
  text: string;
  detail?: string;
}

/** What is known of the project, for completion. */
export interface Known {
  /** `dataset:sales`, `slice:newest`, `model:restock` … */
  refs: readonly string[];
  environments?: readonly string[];
}

/** Where the cursor is in the structure: the keys above it, and what it completes. */
export interface Place {
  path: (string | number)[];
  /** A key is being written; else a value of the last key of the path. */
  isKey: boolean;
  /** What is written already of it. */
  prefix: string;
}

/** Found by indentation, so that it works while the text cannot be parsed. */
export function placeAt(text: string, line: number, column: number): Place {
  const lines = text.split("\n");
  const before = (lines[line] ?? "").slice(0, column);
  const own = /^(\s*)((?:- +)*)(?:([\w.-]+):\s+(.*)|(.*))$/.exec(before);
  const lead = (own?.[1] ?? "").length;
  const dashes = own?.[2] ?? "";
  const isValue = own?.[3] !== undefined;
  let indent = lead + dashes.length;
  const path: (string | number)[] = isValue ? [own?.[3] ?? ""] : [];
  let isInList = dashes !== "";
  if (isInList) {
    path.unshift(positionOf(lines, line, lead));
    indent = lead;
  }
  for (let at = line - 1; at >= 0 && indent >= 0; at--) {
    const raw = lines[at] ?? "";
    const match = /^(\s*)((?:- +)*)([\w.-]+|"[^"]*")\s*:(.*)$/.exec(raw);
    if (!match) continue;
    const outer = (match[1] ?? "").length;
    const inner = outer + (match[2] ?? "").length;
    const key = (match[3] ?? "").replaceAll('"', "");
    const opens = /^\s*(#.*)?$/.test(match[4] ?? "");
    if (match[2] && inner === indent && !isInList) {
      // The first key of the item that we are in.
      path.unshift(positionOf(lines, at, outer));
      indent = outer;
      isInList = true;
    } else if (opens && (inner < indent || (isInList && inner === indent))) {
      path.unshift(key);
      indent = inner;
      isInList = false;
      if (match[2]) {
        path.unshift(positionOf(lines, at, outer));
        indent = outer;
        isInList = true;
      }
    }
    if (indent === 0 && !isInList) break;
  }
  return { path, isKey: !isValue, prefix: (isValue ? own?.[4] : own?.[5]) ?? "" };
}

function positionOf(lines: string[], line: number, indent: number): number {
  let count = 0;
  for (let at = line - 1; at >= 0; at--) {
    const raw = lines[at] ?? "";
    if (raw.trim() === "") continue;
    const lead = raw.length - raw.trimStart().length;
    if (lead === indent && raw.trimStart().startsWith("-")) count += 1;
    else if (lead < indent || (lead === indent && !raw.trimStart().startsWith("-"))) break;
  }
  return count;
}

/** What may stand at the cursor. */
export function complete(text: string, line: number, column: number, known: Known): Completion[] {
  const { path, isKey, prefix } = placeAt(text, line, column);
  const { root } = parseYaml(text);
  const all = candidates(path, isKey, root, known);
  const word = prefix.replace(/^["'[{]\s*/, "").split(/[\s,]/).pop() ?? "";
  return all.filter((each) => each.text.toLowerCase().includes(word.toLowerCase()) && each.text !== word)
    .sort((a, b) => Number(b.text.startsWith(word)) - Number(a.text.startsWith(word)));
}

function candidates(path: (string | number)[], isKey: boolean, root: YamlNode | null, known: Known): Completion[] {
  const [first, second, third] = path;
  const inside = path.slice(-1)[0];
  if (isKey) {
    if (path.length === 0) return keys(fields.pipeline, nodeAt(root, []));
    if (first === "steps" && path.length === 2) return keys(fields.step, nodeAt(root, path));
    if (first === "triggers" && path.length === 2) return keys(fields.trigger, nodeAt(root, path));
    if (first === "defaults" && path.length === 1) {
      return keys(
        Object.fromEntries(defaultFields.map((name) => [name, fields.step[name as "cache"]])),
        nodeAt(root, path),
      );
    }
    if (first === "params" && path.length === 2) return keys(fields.parameter, nodeAt(root, path));
    if (first === "steps" && (third === "params" || third === "needs") && path.length <= 4) {
      return third === "needs" ? stepNames(root, second) : parameterNames(root);
    }
    if (first === "triggers" && third === "params") {
      return parameterNames(root).map((each) => ({ ...each, text: each.text + ": " }));
    }
    return [];
  }
  if (inside === "network" || inside === "cache") return [{ text: "true" }, { text: "false" }];
  if (inside === "type") return ["text", "integer", "number", "boolean"].map((text) => ({ text }));
  if (inside === "event") return eventTypes.map((text) => ({ text }));
  if (inside === "schedule") {
    return [
      { text: '"0 3 * * *"', detail: "every day at 03:00" },
      { text: '"30 3 * * MON-FRI"', detail: "on workdays at 03:30" },
      { text: '"*/15 * * * *"', detail: "every 15 minutes" },
      { text: '"@hourly"', detail: "every hour" },
    ];
  }
  if (inside === "memory") return ["512MiB", "1GiB", "2GiB", "4GiB", "8GiB"].map((text) => ({ text }));
  if (inside === "environment") return (known.environments ?? []).map((text) => ({ text }));
  if (inside === "needs") return stepNames(root, second);
  if (first === "steps" && third === "inputs") {
    const outputs = stepsOf(root).flatMap((step, index) =>
      index === second ? [] : Object.keys(step.outputs ?? {}).map((output) => `steps.${step.name}.${output}`)
    );
    return [
      ...outputs.map((text) => ({ text, detail: "an output" })),
      ...known.refs.map((text) => ({ text })),
      ...placeholders(root),
    ];
  }
  if (first === "steps" && third === "outputs") {
    return [
      { text: "dir", detail: "files" },
      ...known.refs.filter((ref) => !ref.startsWith("slice:")).map((text) => ({ text })),
    ];
  }
  if (first === "steps" && inside === "params") return parameterNames(root);
  if (first === "steps" && (third === "params" || third === "run" || third === "variables")) return placeholders(root);
  return [];
}

const keys = (names: Record<string, string>, node: YamlNode | null): Completion[] => {
  const has = new Set(node?.kind === "map" ? node.entries.map((entry) => entry.key) : []);
  return Object.entries(names).filter(([name]) => !has.has(name)).map(([name, detail]) => ({
    text: name + ": ",
    detail,
  }));
};
const placeholders = (root: YamlNode | null) =>
  parameterNames(root).map(({ text }) => ({ text: "${params." + text + "}" }));
const stepNames = (root: YamlNode | null, own: string | number | undefined): Completion[] =>
  stepsOf(root).filter((_, index) => index !== own).map((step) => ({ text: step.name }));
const parameterNames = (root: YamlNode | null): Completion[] => {
  const node = nodeAt(root, ["params"]);
  return node?.kind === "map" && node !== root
    ? node.entries.map(({ key }) => ({ text: key, detail: "a parameter" }))
    : [];
};

/** The steps as far as they are written; what is not there yet is left out. */
export function stepsOf(root: YamlNode | null): StepDefinition[] {
  if (root?.kind !== "map") return [];
  const list = root.entries.find((entry) => entry.key === "steps")?.value;
  if (list?.kind !== "list") return [];
  return list.items.flatMap((item) => {
    const json = toJson(item);
    if (typeof json !== "object" || json === null || Array.isArray(json) || typeof json.name !== "string") return [];
    const step = json as { [key: string]: Json };
    return [{
      name: json.name,
      run: Array.isArray(step.run) ? step.run.map(String) : typeof step.run === "string" ? step.run.split(/\s+/) : [],
      inputs: texts(step.inputs),
      outputs: texts(step.outputs),
      needs: Array.isArray(step.needs) ? step.needs.map(String) : [],
      cache: step.cache !== false,
    }];
  });
}

function texts(value: Json | undefined): Record<string, string> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return {};
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => {
      if (typeof item === "object" && item !== null && !Array.isArray(item)) {
        const [kind, of] = Object.entries(item)[0] ?? ["", ""];
        return [name, `${kind}:${of}`];
      }
      return [name, String(item)];
    }),
  );
}

/** What can be seen to be wrong without the server: unknown fields, missing steps and outputs, schedules. */
export function check(text: string): Problem[] {
  const { root, problems } = parseYaml(text);
  if (!root || problems.length > 0) return problems;
  if (root.kind !== "map") return [{ line: 0, message: "A pipeline is a mapping with a name and steps." }];
  const found: Problem[] = [];
  unknownKeys(root, fields.pipeline, "", found);
  for (const name of ["name", "steps"]) {
    if (!root.entries.some((entry) => entry.key === name)) found.push({ line: 0, message: `'${name}' is missing.` });
  }
  const steps = stepsOf(root);
  const list = root.entries.find((entry) => entry.key === "steps")?.value;
  for (const item of list?.kind === "list" ? list.items : []) {
    if (item.kind !== "map") continue;
    unknownKeys(item, fields.step, "a step's ", found);
    const inputs = item.entries.find((entry) => entry.key === "inputs")?.value;
    for (const entry of inputs?.kind === "map" ? inputs.entries : []) {
      const source = entry.value.kind === "scalar" ? stepInput(String(entry.value.value)) : null;
      if (!source) continue;
      const step = steps.find((each) => each.name === source.step);
      if (!step) found.push({ line: entry.line, message: `There is no step '${source.step}'.` });
      else if (!(source.output in (step.outputs ?? {}))) {
        found.push({ line: entry.line, message: `Step '${source.step}' has no output '${source.output}'.` });
      }
    }
  }
  const triggers = root.entries.find((entry) => entry.key === "triggers")?.value;
  for (const item of triggers?.kind === "list" ? triggers.items : []) {
    if (item.kind !== "map") continue;
    unknownKeys(item, fields.trigger, "a trigger's ", found);
    const schedule = item.entries.find((entry) => entry.key === "schedule");
    if (schedule?.value.kind === "scalar" && !parseSchedule(String(schedule.value.value))) {
      found.push({
        line: schedule.line,
        message: 'That is no schedule: minute hour day month weekday, as in "30 3 * * MON-FRI".',
      });
    }
  }
  return found;
}

function unknownKeys(map: YamlMap, known: Record<string, string>, whose: string, found: Problem[]): void {
  for (const { key, line } of map.entries) {
    if (!(key in known)) {
      found.push({ line, message: `'${key}' is not one of ${whose}fields: ${Object.keys(known).join(", ")}.` });
    }
  }
}

/** The line that an error of the server's speaks of: `steps.train.inputs.table` → where that is. */
export function lineOf(text: string, field: string): number {
  const { root } = parseYaml(text);
  const names = field.replace(/\[(\d+)\]/g, ".$1").split(".");
  let node: YamlNode | null = root;
  let line = root?.line ?? 0;
  for (const name of names) {
    if (node?.kind === "map") {
      const entry: YamlMap["entries"][number] | undefined = node.entries.find((each) => each.key === name);
      if (!entry) break;
      line = entry.line;
      node = entry.value;
    } else if (node?.kind === "list") {
      // Steps are named, triggers are counted.
      const item: YamlNode | undefined = node.items.find((each) =>
        each.kind === "map" && each.entries.some((entry) =>
          entry.key === "name" && entry.value.kind === "scalar" && entry.value.value === name
        )
      ) ?? node.items[Number(name)];
      if (!item) {
        break;
      }
      line = item.line;
      node = item;
    } else break;
  }
  return line;
}
