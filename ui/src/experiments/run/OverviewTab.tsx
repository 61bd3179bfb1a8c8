import { useState } from "react";
import { useMutation, useQuery } from "../../api/hooks.ts";
import { Link } from "../../app/router.tsx";
import { Badge, Chip } from "../../kit/Badge.tsx";
import { Button, IconButton } from "../../kit/Button.tsx";
import { Input, SearchInput, TextArea } from "../../kit/Field.tsx";
import { Markdown } from "../../kit/Markdown.tsx";
import { Panel } from "../../kit/Page.tsx";
import { Empty, Notice } from "../../kit/States.tsx";
import { CopyButton, Num, RefLink } from "../../kit/Values.tsx";
import { deleteRunTag, type Run, setRunTag } from "../api.ts";
import { byName, isOwnTag, isSystemMetric, measured } from "../fields.ts";

const noteTag = "mlflow.note.content";

/** What the run was given and what came out: the first thing that one wants to know of it. */
export function OverviewTab({ project, run, refresh }: { project: string; run: Run; refresh: () => void }) {
  const metrics = byName(Object.keys(run.metrics).filter((key) => !isSystemMetric(key)));
  return (
    <div className="run-overview">
      <div className="stack stack-loose">
        <Notes run={run} refresh={refresh} />
        <NameTable
          title="Metrics"
          empty="No metric was logged."
          rows={metrics.map((key) => ({
            key,
            value: <Num value={measured(run.metrics[key])} digits={6} />,
            to: `?tab=metrics#${encodeURIComponent(key)}`,
            text: String(run.metrics[key]),
          }))}
          numeric
        />
        <NameTable
          title="Parameters"
          empty="No parameter was logged."
          rows={byName(Object.keys(run.params)).map((key) => ({
            key,
            value: <span className="param-value">{run.params[key]}</span>,
            text: run.params[key] ?? "",
          }))}
        />
      </div>
      <div className="stack stack-loose">
        <Datasets run={run} />
        <Models run={run} />
        <Tags run={run} refresh={refresh} />
        <Panel title="About">
          <dl className="about">
            <dt>Id</dt>
            <dd className="row">
              <code className="ellipsis">{run.id}</code>
              <CopyButton text={run.id} />
            </dd>
            <dt>Artifacts</dt>
            <dd className="row">
              <code className="ellipsis" title={run.artifactLocation}>{run.artifactLocation}</code>
            </dd>
            {run.tags["slipway.pipelineRun"] && (
              <>
                <dt>Pipeline run</dt>
                <dd>
                  <RefLink value={`pipeline-run:${run.tags["slipway.pipelineRun"]}`} /> {run.tags["slipway.step"]}
                </dd>
              </>
            )}
            <dt>Project</dt>
            <dd>
              <Link to={`/p/${encodeURIComponent(project)}`}>{run.project}</Link>
            </dd>
          </dl>
        </Panel>
      </div>
    </div>
  );
}

interface NamedRow {
  key: string;
  value: React.ReactNode;
  text: string;
  to?: string;
}

/** Beyond so many rows one searches. */
const searchedFrom = 12;

function NameTable(
  { title, rows, empty, numeric }: { title: string; rows: NamedRow[]; empty: string; numeric?: boolean },
) {
  const [search, setSearch] = useState("");
  const wanted = search.toLowerCase();
  const shown = rows.filter(({ key, text }) =>
    key.toLowerCase().includes(wanted) || text.toLowerCase().includes(wanted)
  );
  return (
    <Panel
      flush
      title={`${title} (${rows.length})`}
      tools={rows.length > searchedFrom
        ? (
          <SearchInput
            aria-label={`Find in ${title.toLowerCase()}`}
            placeholder="Find"
            className="name-search"
            value={search}
            onChange={setSearch}
          />
        )
        : null}
    >
      {rows.length === 0
        ? <p className="panel-none faint">{empty}</p>
        : (
          <div className="name-table" tabIndex={rows.length > searchedFrom ? 0 : undefined}>
            <table>
              <tbody>
                {shown.map(({ key, value }) => (
                  <tr key={key}>
                    <th scope="row">{key}</th>
                    <td className={numeric ? "num" : undefined}>{value}</td>
                  </tr>
                ))}
              </tbody>
            </table>
            {shown.length === 0 && <p className="panel-none faint">None has such a name.</p>}
          </div>
        )}
    </Panel>
  );
}

/** What people say about the run. */
function Notes({ run, refresh }: { run: Run; refresh: () => void }) {
  const saved = run.tags[noteTag] ?? "";
  const [draft, setDraft] = useState<string | null>(null);
  const save = useMutation((text: string) => setRunTag(run.id, noteTag, text), {
    invalidates: ["/api/v1/runs"],
    onDone: () => {
      setDraft(null);
      refresh();
    },
  });
  if (draft === null && saved === "") {
    return (
      <div>
        <Button small kind="quiet" icon="edit" onClick={() => setDraft("")}>Write a note</Button>
      </div>
    );
  }
  return (
    <Panel
      title="Notes"
      tools={draft === null
        ? <IconButton small icon="edit" label="Edit the notes" onClick={() => setDraft(saved)} />
        : null}
    >
      {draft === null ? <Markdown text={saved} /> : (
        <div className="stack">
          <TextArea aria-label="Notes in Markdown" rows={6} value={draft} onChange={setDraft} autoFocus />
          <div className="row row-end">
            <span className="faint small grow">Markdown: **bold**, `code`, lists, tables</span>
            <Button small onClick={() => setDraft(null)}>Cancel</Button>
            <Button small kind="primary" busy={save.running} onClick={() => void save.run(draft)}>Save</Button>
          </div>
          {save.error && <Notice tone="bad">{save.error.message}</Notice>}
        </div>
      )}
    </Panel>
  );
}

function Datasets({ run }: { run: Run }) {
  const datasets = run.datasets ?? [];
  return (
    <Panel title="Datasets">
      {datasets.length === 0
        ? (
          <p className="faint small">
            None was logged: <code>mlflow.log_input</code> says what a run was trained on.
          </p>
        )
        : (
          <ul className="stack">
            {datasets.map((dataset, index) => (
              <li key={index} className="row row-between">
                {dataset.ref
                  ? <RefLink value={dataset.ref} />
                  : <span className="ellipsis" title={dataset.source}>{dataset.name}</span>}
                <span className="row">
                  {dataset.tags["mlflow.data.context"] && <Badge>{dataset.tags["mlflow.data.context"]}</Badge>}
                  <code className="faint small">{dataset.digest}</code>
                </span>
              </li>
            ))}
          </ul>
        )}
    </Panel>
  );
}

function Models({ run }: { run: Run }) {
  const models = run.modelOutputs ?? [];
  if (models.length === 0) return null;
  return (
    <Panel title="Logged models">
      <ul className="stack">{models.map((id) => <LoggedModelLine key={id} id={id} />)}</ul>
    </Panel>
  );
}

function LoggedModelLine({ id }: { id: string }) {
  const model = useQuery("/api/v1/logged-models/{id}", { path: { id } }, { fresh: 60_000 });
  const versions = parseVersions(model.data?.tags["mlflow.modelVersions"]);
  return (
    <li className="row row-between">
      <span className="row">
        <strong>{model.data?.name ?? "model"}</strong>
        <code className="faint small">{id.slice(0, 10)}…</code>
      </span>
      <span className="row">
        {versions.map(({ name, version }) => <RefLink key={name + version} value={`model:${name}@${version}`} />)}
      </span>
    </li>
  );
}

function parseVersions(text: string | undefined): { name: string; version: string }[] {
  try {
    const list: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(list) ? list.filter((each) => typeof each?.name === "string") : [];
  } catch {
    return [];
  }
}

function Tags({ run, refresh }: { run: Run; refresh: () => void }) {
  const [key, setKey] = useState("");
  const [value, setValue] = useState("");
  const [isAdding, setAdding] = useState(false);
  const [isAll, setAll] = useState(false);
  const options = { invalidates: ["/api/v1/runs"], onDone: refresh };
  const add = useMutation((name: string, text: string) => setRunTag(run.id, name, text), {
    ...options,
    onDone: () => {
      setKey("");
      setValue("");
      setAdding(false);
      refresh();
    },
  });
  const remove = useMutation((name: string) => deleteRunTag(run.id, name), options);
  const own = byName(Object.keys(run.tags).filter(isOwnTag));
  const tags = byName(Object.keys(run.tags).filter((name) => !isOwnTag(name)));
  const error = add.error ?? remove.error;
  return (
    <Panel
      title="Tags"
      tools={<IconButton small icon="plus" label="Set a tag" onClick={() => setAdding(true)} />}
    >
      <div className="stack">
        {tags.length === 0 && !isAdding && <Empty compact icon="tag" title="No tags" />}
        <div className="row row-wrap">
          {tags.map((name) => (
            <Chip key={name} label={name} onRemove={() => void remove.run(name)}>
              <span className="muted">{name}</span> {run.tags[name]}
            </Chip>
          ))}
        </div>
        {isAdding && (
          <form
            className="row"
            onSubmit={(event) => {
              event.preventDefault();
              if (key.trim()) void add.run(key.trim(), value);
            }}
          >
            <Input aria-label="Key" placeholder="key" value={key} onChange={setKey} autoFocus />
            <Input aria-label="Value" placeholder="value" value={value} onChange={setValue} />
            <Button submit small kind="primary" busy={add.running}>Set</Button>
          </form>
        )}
        {error && <Notice tone="bad">{error.message}</Notice>}
        {own.length > 0 && (
          <details open={isAll} onToggle={(event) => setAll(event.currentTarget.open)}>
            <summary className="small muted">{own.length} set by clients and the server</summary>
            <dl className="about small">
              {own.map((name) => (
                <div key={name} className="about-row">
                  <dt title={name}>{name.replace(/^mlflow\./, "")}</dt>
                  <dd className="ellipsis" title={run.tags[name]}>{run.tags[name]}</dd>
                </div>
              ))}
            </dl>
          </details>
        )}
      </div>
    </Panel>
  );
}
