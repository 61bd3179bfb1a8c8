import { useCallback, useDeferredValue, useMemo, useRef, useState } from "react";
import { get, put } from "../api/client.ts";
import { ApiError, asApiError } from "../api/errors.ts";
import { invalidate, useFetch } from "../api/hooks.ts";
import { pathTo } from "../app/paths.ts";
import { navigate } from "../app/router.tsx";
import { Button } from "../kit/Button.tsx";
import { Editor, type EditorProblem } from "../kit/editor/Editor.tsx";
import { plural } from "../kit/format.ts";
import { Icon } from "../kit/Icon.tsx";
import { Empty, Notice } from "../kit/States.tsx";
import { toast } from "../kit/Toast.tsx";
import { Dag } from "./Dag.tsx";
import { check, complete, lineOf, stepsOf } from "./schema.ts";
import { nodeAt, parseYaml } from "./yaml.ts";

/**
 * Writes a definition: text at the left with completion and marks, the picture of it at the right, and the server's own
 * word on it (dry run) before it is saved.
 */
export function DefinitionEditor(
  { project, initial, name, version }: {
    project: string;
    initial: string;
    /** The pipeline that is edited; its name cannot change. Absent: a new one. */
    name?: string;
    version?: number;
  },
) {
  const [text, setText] = useState(initial);
  const [verdict, setVerdict] = useState<{ text: string; error: ApiError | null } | null>(null);
  const [busy, setBusy] = useState<"check" | "save" | null>(null);
  const [cursor, setCursor] = useState<{ line: number } | null>(null);
  const known = useRefs(project);
  const slow = useDeferredValue(text);
  const { root, steps, local } = useMemo(() => {
    const { root } = parseYaml(slow);
    return { root, steps: stepsOf(root), local: check(slow) };
  }, [slow]);
  const nameNode = nodeAt(root, ["name"]);
  const written = nameNode?.kind === "scalar" && nameNode !== root ? String(nameNode.value ?? "") : "";
  const isCurrent = verdict?.text === text;
  const problems = useMemo((): EditorProblem[] => {
    const found: EditorProblem[] = local.map((each) => ({ ...each, tone: "warn" as const }));
    const error = isCurrent ? verdict?.error : null;
    if (error) found.push({ line: lineOf(text, error.field ?? ""), message: error.message, tone: "bad" });
    if (name && written && written !== name) {
      found.push({
        line: nameNode?.line ?? 0,
        message: `The name is ${name}; another name would be another pipeline.`,
        tone: "bad",
      });
    }
    return found;
  }, [local, verdict, isCurrent, written, name]);

  const target = name ?? written;
  const dryRun = async (): Promise<boolean> => {
    setBusy("check");
    const error = await askServer(text, written);
    setVerdict({ text, error });
    setBusy(null);
    if (error) setCursor({ line: lineOf(text, error.field ?? "") });
    return error === null;
  };
  const save = async () => {
    if (busy) return;
    setBusy("save");
    try {
      const saved = await put("/api/v1/pipelines/{name}", {
        path: { name: target },
        query: { project },
        body: text,
        contentType: "application/yaml",
      });
      invalidate("/api/v1/pipelines");
      toast.done(
        saved.version === version
          ? `Nothing changed: it is version ${saved.version} still.`
          : `${saved.name} is version ${saved.version} now.`,
      );
      navigate(pathTo("/p/:project/pipelines/:name", { project, name: saved.name }));
    } catch (problem) {
      const error = asApiError(problem);
      setVerdict({ text, error });
      setCursor({ line: lineOf(text, error.field ?? "") });
      setBusy(null);
    }
  };
  return (
    <div className="fill definition">
      <div className="definition-text">
        <Editor
          label="Definition of the pipeline"
          language="yaml"
          value={text}
          onChange={setText}
          problems={problems}
          cursor={cursor}
          complete={useCallback(
            (all: string, line: number, column: number) => complete(all, line, column, { refs: known.current }),
            [],
          )}
          onSubmit={() => void dryRun()}
          onSave={() => void save()}
        />
      </div>
      <div className="definition-side">
        <div className="definition-graph panel">
          {steps.length > 0
            ? <Dag label="What the text says" steps={steps} />
            : <Empty compact icon="pipeline" title="No step yet">Steps appear here as they are written.</Empty>}
        </div>
        <div className="definition-foot">
          {problems.length > 0
            ? (
              <ul className="definition-problems" aria-label="Problems">
                {problems.slice(0, 6).map((problem, index) => (
                  <li key={index}>
                    <button
                      type="button"
                      onClick={() => setCursor({ line: problem.line })}
                      className={problem.tone === "bad" ? "tone-bad" : "tone-warn"}
                    >
                      <Icon name={problem.tone === "bad" ? "error" : "warning"} size={14} />
                      <span className="faint tabular">line {problem.line + 1}</span>
                      <span className="grow">{problem.message}</span>
                    </button>
                  </li>
                ))}
              </ul>
            )
            : isCurrent && verdict?.error === null
            ? <Notice tone="good">The server accepts it: {plural(steps.length, "step")}, nothing was stored.</Notice>
            : (
              <p className="faint small">
                Ctrl+Space completes, Ctrl+Enter asks the server for a dry run, Ctrl+S saves. Comments are not kept:
                Slipway stores what the text says.
              </p>
            )}
          <div className="row row-end row-wrap">
            <Button onClick={() => history.back()}>Cancel</Button>
            <Button icon="check" busy={busy === "check"} onClick={() => void dryRun()}>Dry run</Button>
            <Button
              kind="primary"
              busy={busy === "save"}
              disabled={target === "" || (name !== undefined && written !== name)}
              onClick={() => void save()}
            >
              {name ? `Save as version ${(version ?? 0) + 1}` : "Create"}
            </Button>
          </div>
        </div>
      </div>
    </div>
  );
}

/**
 * Has the server check a definition without storing it. It checks all of the text before it compares the name with that
 * of the address, so under an address that no definition can have, the only complaint about a good one is its name.
 */
async function askServer(text: string, written: string): Promise<ApiError | null> {
  const address = written === "dry-run" ? "dry-run-2" : "dry-run";
  try {
    await put("/api/v1/pipelines/{name}", { path: { name: address }, body: text, contentType: "application/yaml" });
    return null;
  } catch (problem) {
    const error = asApiError(problem);
    return error.field === "name" && error.message.includes(`'${address}', as in the URL`) ? null : error;
  }
}

/** Refs of the project, for completion. */
function useRefs(project: string): { current: readonly string[] } {
  const found = useFetch(`pipeline refs ${project}`, async (signal) => {
    const names = async (path: "/api/v1/datasets" | "/api/v1/models" | "/api/v1/slices", kind: string) => {
      const answer = await get(path, { query: { project }, signal }) as { items: { name: string }[] };
      return answer.items.map((item) => `${kind}:${item.name}`);
    };
    const all = await Promise.all([
      names("/api/v1/datasets", "dataset"),
      names("/api/v1/slices", "slice"),
      names("/api/v1/models", "model"),
    ]);
    return all.flat();
  }, { fresh: 60_000 });
  const refs = useRef<readonly string[]>([]);
  refs.current = found.data ?? [];
  return refs;
}
