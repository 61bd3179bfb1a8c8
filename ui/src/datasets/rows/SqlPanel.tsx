import { useEffect, useMemo, useRef, useState } from "react";
import { useProject } from "../../app/project.ts";
import { post, send } from "../../api/client.ts";
import { type ApiError, asApiError, isAbort } from "../../api/errors.ts";
import { useQuery } from "../../api/hooks.ts";
import { Button } from "../../kit/Button.tsx";
import { formatDuration } from "../../kit/format.ts";
import { Notice } from "../../kit/States.tsx";
import { toast } from "../../kit/Toast.tsx";
import type { Column, QueryResult } from "../api.ts";
import { completeSQL } from "../editor/complete.ts";
import { Editor } from "../editor/Editor.tsx";
import { FixedRows, type RowSource } from "../grid/rowSource.ts";
import { SaveQuery } from "./SaveQuery.tsx";
import { inputsOf } from "./sqlInputs.ts";

const mostRows = 10_000;

export interface SqlPanelProps {
  sql: string;
  onSql: (sql: string) => void;
  /** The ref that the table `data` is. */
  dataRef: string;
  columns: readonly Column[];
  /** The rows to show, or null: those of the version. */
  onResult: (rows: RowSource | null, took: string | null) => void;
  onClose: () => void;
}

/** A SELECT over this version (`data`) and the project's other datasets by name. */
export function SqlPanel({ sql, onSql, dataRef, columns, onResult, onClose }: SqlPanelProps) {
  const project = useProject();
  const [text, setText] = useState(sql);
  const [running, setRunning] = useState<AbortController | null>(null);
  const [error, setError] = useState<ApiError | undefined>(undefined);
  const [result, setResult] = useState<{ count: number; truncated: boolean; took: string } | null>(null);
  const [saving, setSaving] = useState(false);
  const datasets = useQuery("/api/v1/datasets", { query: { project, limit: 200 } });
  const names = useMemo(() => datasets.data?.items.map((each) => each.name) ?? [], [datasets.data]);
  const inputs = useMemo(() => inputsOf(text, dataRef, names), [text, dataRef, names]);
  const tables = useOtherColumns(inputs, columns, names);
  const complete = useMemo(() => completeSQL(tables), [tables]);
  const alive = useRef(true);
  useEffect(() => () => {
    alive.current = false;
  }, []);

  const run = async () => {
    if (text.trim() === "") return;
    running?.abort();
    const controller = new AbortController();
    setRunning(controller);
    setError(undefined);
    onSql(text);
    const start = performance.now();
    try {
      const answer: QueryResult = await post("/api/v1/query", {
        json: { sql: text, inputs, limit: mostRows },
        signal: controller.signal,
      });
      if (!alive.current) return;
      const took = formatDuration(performance.now() - start);
      setResult({ count: answer.rows.length, truncated: answer.truncated, took });
      onResult(new FixedRows(answer.columns, answer.rows), took);
    } catch (failure) {
      if (alive.current && !isAbort(failure)) setError(asApiError(failure));
    } finally {
      if (alive.current) setRunning((now) => now === controller ? null : now);
    }
  };
  const download = async () => {
    try {
      const response = await send("POST", "/api/v1/query?format=csv", {
        json: { sql: text, inputs },
        accept: "text/csv",
      });
      const link = document.createElement("a");
      link.href = URL.createObjectURL(await response.blob());
      link.download = "query.csv";
      link.click();
      URL.revokeObjectURL(link.href);
    } catch (failure) {
      toast.failed(failure);
    }
  };
  useEffect(() => {
    if (sql !== "" && sql !== starter) void run();
  }, []);
  return (
    <section className="sql-panel" aria-label="SQL">
      <Editor
        language="sql"
        label="SQL"
        rows={4}
        value={text}
        onChange={setText}
        complete={complete}
        onRun={() => void run()}
        placeholder={starter}
      />
      <div className="sql-tools">
        {running
          ? <Button icon="stop" onClick={() => running.abort()}>Cancel</Button>
          : <Button kind="primary" icon="play" onClick={() => void run()} disabled={text.trim() === ""}>Run</Button>}
        <span className="faint small">Ctrl Enter</span>
        <span className="grow small muted" role="status">
          {running ? "Running…" : result &&
            `${result.count.toLocaleString("en")} rows in ${result.took}${
              result.truncated ? ` (the first ${mostRows.toLocaleString("en")}; download has all)` : ""
            }`}
        </span>
        <Button kind="quiet" icon="download" disabled={!result} onClick={() => void download()}>CSV</Button>
        <Button kind="quiet" icon="dataset" disabled={!result} onClick={() => setSaving(true)}>Save as dataset</Button>
        <Button kind="quiet" icon="close" onClick={onClose}>Close</Button>
      </div>
      {error && <Notice tone="bad">{error.message}</Notice>}
      {saving && <SaveQuery sql={text} inputs={inputs} onClose={() => setSaving(false)} />}
    </section>
  );
}

export const starter = "SELECT * FROM data LIMIT 100";

/** Columns of the tables that the text names, for completion; others are names only. */
function useOtherColumns(inputs: Record<string, string>, own: readonly Column[], names: readonly string[]) {
  const other = Object.entries(inputs).find(([name]) => name !== "data");
  const first = useQuery("/api/v1/datasets/{name}/versions/{version}", {
    path: { name: other?.[0] ?? "", version: "latest" },
  }, { skip: !other });
  return useMemo(() => {
    const tables = new Map<string, readonly Column[]>([["data", own]]);
    for (const name of names) tables.set(name, name === other?.[0] ? first.data?.columns ?? [] : []);
    return tables;
  }, [own, names, other?.[0], first.data]);
}
