import type { Json } from "../api/types.ts";
import type { PipelineDefinition, StepDefinition } from "./api.ts";
import { writeYaml } from "./yaml.ts";

/** A definition as somebody would write it: without what is so unless said. */
export function definitionYaml(definition: PipelineDefinition): string {
  const { name, description, experiment, params, triggers, steps } = definition;
  const parts: { [key: string]: Json }[] = [{
    name,
    ...(description ? { description } : {}),
    ...(experiment !== name ? { experiment } : {}),
  }];
  if (params && Object.keys(params).length > 0) {
    parts.push({
      params: Object.fromEntries(
        Object.entries(params).map(([key, { type, default: value, description, choices }]) => {
          const isObvious = value !== undefined && !description && !choices &&
            (type === "integer"
              ? Number.isInteger(value)
              : type === "boolean"
              ? typeof value === "boolean"
              : type === "text"
              ? typeof value === "string"
              : !Number.isInteger(value));
          return [
            key,
            isObvious ? value : {
              type,
              ...(value !== undefined ? { default: value } : {}),
              ...(description ? { description } : {}),
              ...(choices ? { choices } : {}),
            },
          ];
        }),
      ) as Json,
    });
  }
  if (triggers && triggers.length > 0) parts.push({ triggers: triggers as unknown as Json });
  parts.push({ steps: steps.map(stepJson) });
  return parts.map((part) => writeYaml(part)).join("\n\n").replaceAll("\n  - name: ", "\n\n  - name: ").replace(
    "steps:\n\n",
    "steps:\n",
  ) + "\n";
}

function stepJson(step: StepDefinition): Json {
  const {
    name,
    run,
    inputs,
    outputs,
    params,
    needs,
    cache,
    cpu,
    environment,
    memory,
    network,
    retries,
    timeout_seconds,
    variables,
  } = step;
  const filled = <T extends object>(value: T | undefined) => value && Object.keys(value).length > 0 ? value : undefined;
  const own: Record<string, Json | undefined> = {
    name,
    run,
    inputs: filled(inputs),
    outputs: filled(outputs),
    params: shortParams(params),
    needs: needs && needs.length > 0 ? needs : undefined,
    retries: retries ? retries : undefined,
    timeout_seconds: timeout_seconds !== undefined && timeout_seconds !== 3600 ? timeout_seconds : undefined,
    memory: memory ? memoryText(memory) : undefined,
    cpu: cpu ?? undefined,
    network: network ? true : undefined,
    environment: environment ?? undefined,
    variables: filled(variables),
    cache: cache === false ? false : undefined,
  };
  return Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined)) as Json;
}

/** `{horizon: ${params.horizon}}` is short for `[horizon]`. */
function shortParams(params: Record<string, Json> | undefined): Json | undefined {
  if (!params || Object.keys(params).length === 0) return undefined;
  const isList = Object.entries(params).every(([name, value]) => value === "${params." + name + "}");
  return isList ? Object.keys(params) : params;
}

export function memoryText(bytes: number): string {
  for (const [unit, size] of [["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 2 ** 10]] as const) {
    if (bytes % size === 0) return `${bytes / size}${unit}`;
  }
  return String(bytes);
}
