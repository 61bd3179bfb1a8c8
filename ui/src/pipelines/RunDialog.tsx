import { useState } from "react";
import { post } from "../api/client.ts";
import { useMutation } from "../api/hooks.ts";
import type { Json } from "../api/types.ts";
import { pathTo } from "../app/paths.ts";
import { navigate } from "../app/router.tsx";
import { Button } from "../kit/Button.tsx";
import { Dialog } from "../kit/Dialog.tsx";
import { Checkbox, Field, Input, Select } from "../kit/Field.tsx";
import { Notice } from "../kit/States.tsx";
import { toast } from "../kit/Toast.tsx";
import type { ParameterDefinition, Pipeline } from "./api.ts";

/** Starts a run: a field for each parameter, filled with its default or with an earlier run's value. */
export function RunDialog(
  { pipeline, given, onClose }: { pipeline: Pipeline; given?: Record<string, Json>; onClose: () => void },
) {
  const params = Object.entries(pipeline.definition.params ?? {});
  const [values, setValues] = useState<Record<string, string>>(() =>
    Object.fromEntries(params.map(([name, { default: value }]) => [name, asText(given?.[name] ?? value)]))
  );
  const [usesCache, setCache] = useState(true);
  const problems = Object.fromEntries(
    params.map(([name, definition]) => [name, problemOf(definition, values[name] ?? "")]),
  );
  const isWrong = Object.values(problems).some((problem) => problem !== null);
  const start = useMutation(
    () =>
      post("/api/v1/pipelines/{name}/runs", {
        path: { name: pipeline.name },
        json: {
          params: Object.fromEntries(
            params.filter(([name]) => (values[name] ?? "") !== "").map(([name, { type }]) => [
              name,
              parse(type, values[name] ?? ""),
            ]),
          ),
          version: pipeline.version,
          cache: usesCache,
        },
      }),
    {
      invalidates: ["/api/v1/pipeline-runs"],
      onDone: (run) => {
        toast.done(`${pipeline.name} runs.`);
        onClose();
        navigate(pathTo("/p/:project/pipeline-runs/:id", { project: run.project, id: run.id }));
      },
    },
  );
  return (
    <Dialog
      open
      onClose={onClose}
      title={`Run ${pipeline.name} (version ${pipeline.version})`}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" icon="play" busy={start.running} disabled={isWrong} onClick={() => void start.run()}>
            Run
          </Button>
        </>
      }
    >
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (!isWrong) void start.run();
        }}
      >
        {params.length === 0 && <p className="muted">This pipeline has no parameters.</p>}
        {params.map(([name, definition]) => (
          <Field
            key={name}
            label={<span className="mono">{name}</span>}
            required={definition.default === undefined}
            help={[definition.description, definition.type].filter(Boolean).join(" · ")}
            error={problems[name] === "" ? null : problems[name]}
          >
            {definition.choices || definition.type === "boolean"
              ? (
                <Select
                  value={values[name] ?? ""}
                  onChange={(value) => setValues({ ...values, [name]: value })}
                  options={[
                    ...(definition.default === undefined ? [{ value: "", label: "choose…" }] : []),
                    ...(definition.choices ?? [true, false]).map((value) => ({
                      value: asText(value),
                      label: asText(value),
                    })),
                  ]}
                />
              )
              : (
                <Input
                  mono
                  value={values[name] ?? ""}
                  inputMode={definition.type === "integer" || definition.type === "number" ? "decimal" : "text"}
                  placeholder={definition.default !== undefined ? asText(definition.default) : ""}
                  onChange={(value) => setValues({ ...values, [name]: value })}
                />
              )}
          </Field>
        ))}
        <Checkbox checked={usesCache} onChange={setCache}>
          Take steps whose recipe was run before from the cache
        </Checkbox>
        {!usesCache && (
          <Notice>Every step runs anew, {pipeline.definition.steps.length} in all, also where nothing changed.</Notice>
        )}
        {start.error && <Notice tone="bad">{start.error.message}</Notice>}
        <button type="submit" hidden />
      </form>
    </Dialog>
  );
}

const asText = (value: Json | undefined) => value === undefined || value === null ? "" : String(value);

function parse(type: ParameterDefinition["type"], text: string): Json {
  if (type === "integer" || type === "number") return Number(text);
  return type === "boolean" ? text === "true" : text;
}

/** null: fine; "": not yet filled in, which needs no reproach. */
function problemOf({ type, default: value }: ParameterDefinition, text: string): string | null {
  if (text === "") return value === undefined ? "" : null;
  if (type === "integer" && !/^-?\d+$/.test(text.trim())) return `“${text}” is not a whole number.`;
  if (type === "number" && !Number.isFinite(Number(text))) return `“${text}” is not a number.`;
  return null;
}
