import { useEffect, useRef, useState } from "react";
import { useFetch } from "../../api/hooks.ts";
import { get, send } from "../../api/client.ts";
import { isAbort } from "../../api/errors.ts";
import { Checkbox, SearchInput, Select } from "../../kit/Field.tsx";
import { Empty, Loaded } from "../../kit/States.tsx";
import type { Run } from "../api.ts";
import { listArtifacts, textOf } from "../artifacts/read.ts";

interface Source {
  id: string;
  label: string;
  read: (signal: AbortSignal, tell: (text: string) => void) => Promise<void>;
}

/** What the run printed: the log of its pipeline step, and files that look like logs among its artifacts. */
export function LogsTab({ run }: { run: Run }) {
  const sources = useFetch(`logs of ${run.id}`, (signal) => findLogs(run, signal), { fresh: 10_000 });
  return (
    <Loaded query={sources} compact>
      {(found) =>
        found.length === 0
          ? (
            <Empty icon="file" title="No logs">
              <p>
                Runs that a pipeline started have the log of their step here. Others can store theirs:{" "}
                <code>mlflow.log_artifact("train.log")</code>.
              </p>
            </Empty>
          )
          : <LogView sources={found} />}
    </Loaded>
  );
}

async function findLogs(run: Run, signal: AbortSignal): Promise<Source[]> {
  const found: Source[] = [];
  const pipelineRun = run.tags["slipway.pipelineRun"];
  const step = run.tags["slipway.step"];
  if (pipelineRun && step) {
    found.push({
      id: "step",
      label: `Step ${step}`,
      read: async (signal, tell) => {
        const path = "/api/v1/pipeline-runs/{id}/steps/{step}/log";
        if (run.status !== "RUNNING") {
          return tell(String(await get(path, { path: { id: pipelineRun, step }, signal, accept: "text/plain" })));
        }
        const url = `/api/v1/pipeline-runs/${encodeURIComponent(pipelineRun)}/steps/${
          encodeURIComponent(step)
        }/log?follow=true`;
        const response = await send("GET", url, { accept: "text/plain", signal });
        if (!response.body) return;
        let text = "";
        for await (const piece of response.body.pipeThrough(new TextDecoderStream())) tell(text += piece);
      },
    });
  }
  const owner = { kind: "run" as const, id: run.id };
  const isLog = (path: string) => /\.(log|out|err)$|(^|\/)(stdout|stderr|output)[^/]*\.txt$/i.test(path);
  const top = await listArtifacts(owner, "", signal);
  const folders = top.filter((item) => item.folder && /(^|\/)logs?$/i.test(item.path));
  const inner = await Promise.all(folders.map((folder) => listArtifacts(owner, folder.path, signal)));
  for (const { path } of [...top.filter((item) => isLog(item.path)), ...inner.flat().filter((item) => !item.folder)]) {
    found.push({ id: path, label: path, read: async (signal, tell) => tell(await textOf(owner, path, signal)) });
  }
  return found;
}

/** So many lines are drawn; of longer logs the end, as in a terminal. */
const mostLines = 5_000;

function LogView({ sources }: { sources: Source[] }) {
  const [chosen, setChosen] = useState(sources[0]?.id ?? "");
  const [text, setText] = useState<string | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [search, setSearch] = useState("");
  const [isFollowing, setFollowing] = useState(true);
  const box = useRef<HTMLPreElement>(null);
  const source = sources.find((each) => each.id === chosen) ?? sources[0];
  useEffect(() => {
    if (!source) return;
    const stopping = new AbortController();
    setText(null);
    setError(null);
    source.read(stopping.signal, setText).catch((reason: unknown) => {
      if (!isAbort(reason)) setError(reason instanceof Error ? reason.message : String(reason));
    });
    return () => stopping.abort();
  }, [source?.id]);
  const all = (text ?? "").split("\n");
  const wanted = search.toLowerCase();
  const lines = wanted ? all.filter((line) => line.toLowerCase().includes(wanted)) : all;
  useEffect(() => {
    if (isFollowing && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [text, isFollowing]);
  return (
    <div className="stack">
      <div className="row row-wrap">
        <Select
          aria-label="Log"
          className="log-source"
          value={source?.id ?? ""}
          onChange={setChosen}
          options={sources.map((each) => ({ value: each.id, label: each.label }))}
        />
        <SearchInput
          aria-label="Find lines"
          placeholder="Find lines"
          className="name-search"
          value={search}
          onChange={setSearch}
        />
        <Checkbox checked={isFollowing} onChange={setFollowing}>Follow the end</Checkbox>
        <span className="faint small">{lines.length.toLocaleString("en")} lines</span>
      </div>
      {error && <div className="tone-bad">{error}</div>}
      <pre ref={box} className="run-log" tabIndex={0}>
        {text === null && !error ? "…" : lines.slice(-mostLines).join("\n")}
      </pre>
    </div>
  );
}
