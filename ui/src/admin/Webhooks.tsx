import { useMemo, useState } from "react";
import { patch, post, remove } from "../api/client.ts";
import { useMutation, usePages } from "../api/hooks.ts";
import { oneOf, text, useUrlState } from "../app/urlState.ts";
import { Badge, StateBadge } from "../kit/Badge.tsx";
import { Button } from "../kit/Button.tsx";
import { Confirm, Dialog } from "../kit/Dialog.tsx";
import { Checkbox, Field, Input } from "../kit/Field.tsx";
import { type Column, DataGrid, pagesSource } from "../kit/grid/index.ts";
import { Panel } from "../kit/Page.tsx";
import { Empty, Failed, Notice } from "../kit/States.tsx";
import { Segmented } from "../kit/Tabs.tsx";
import { toast } from "../kit/Toast.tsx";
import { Time } from "../kit/Values.tsx";
import type { Delivery, Webhook } from "./api.ts";

/** What a webhook can be told (docs/webhooks.md). */
const events = [
  "registered_model.created",
  "model_version.created",
  "model_version_tag.set",
  "model_version_tag.deleted",
  "model_version_alias.created",
  "model_version_alias.deleted",
  "prompt.created",
  "prompt_version.created",
  "prompt_tag.set",
  "prompt_tag.deleted",
  "prompt_version_tag.set",
  "prompt_version_tag.deleted",
  "prompt_alias.created",
  "prompt_alias.deleted",
];

/** Webhooks of the project with their deliveries. */
export function Webhooks({ project }: { project: string }) {
  const hooks = usePages("/api/v1/webhooks", { query: { project } }, { live: ["webhook."] });
  const [chosen, setChosen] = useUrlState("hook", text, "");
  const [editing, setEditing] = useState<Webhook | "new" | null>(null);
  const [dropped, setDropped] = useState<Webhook | null>(null);
  const invalidates = ["/api/v1/webhooks"];
  const drop = useMutation((webhook: string) => remove("/api/v1/webhooks/{webhook}", { path: { webhook } }), {
    invalidates,
    onDone: () => setDropped(null),
  });
  const set = useMutation(
    (webhook: string, status: string) => patch("/api/v1/webhooks/{webhook}", { path: { webhook }, json: { status } }),
    { invalidates },
  );
  const test = useMutation(
    (webhook: string) => post("/api/v1/webhooks/{webhook}/test", { path: { webhook }, json: {} }),
    {
      onDone: (answer) =>
        answer.succeeded ? toast.done(`It was answered with ${answer.responseStatus}.`) : toast.failed(
          new Error(
            answer.error ?? `It was answered with ${answer.responseStatus}: ${answer.responseBody.slice(0, 200)}`,
          ),
        ),
    },
  );
  if (hooks.error) return <Failed error={hooks.error} retry={hooks.refresh} />;
  const hook = hooks.items.find((each) => each.id === chosen);
  return (
    <div className="stack">
      <div className="row row-between row-wrap">
        <p className="muted">Tell another server what happens in the registry of this project.</p>
        <Button kind="primary" icon="plus" onClick={() => setEditing("new")}>New webhook…</Button>
      </div>
      {(test.error ?? set.error) && <Notice tone="bad">{(test.error ?? set.error)?.message}</Notice>}
      {hooks.items.length === 0 && !hooks.loading && (
        <Empty icon="link" title="No webhook">
          A webhook hears of its own project only, and of nothing that was before it.
        </Empty>
      )}
      <ul className="stack">
        {hooks.items.map((each) => (
          <li key={each.id} className="pipeline-card">
            <div className="grow">
              <div className="row row-wrap">
                <b>{each.name}</b>
                <StateBadge state={each.status} />
                {each.signed ? <Badge icon="lock">signed</Badge> : <Badge tone="warn">not signed</Badge>}
              </div>
              <div className="mono small ellipsis">{each.url}</div>
              <div className="small muted">{each.events.join(", ")}</div>
            </div>
            <div className="row row-wrap">
              <Button
                small
                onClick={() => setChosen(chosen === each.id ? "" : each.id)}
                aria-pressed={chosen === each.id}
              >
                Deliveries
              </Button>
              <Button small icon="play" busy={test.running} onClick={() => void test.run(each.id)}>Test</Button>
              <Button small onClick={() => void set.run(each.id, each.status === "active" ? "disabled" : "active")}>
                {each.status === "active" ? "Pause" : "Go on"}
              </Button>
              <Button small kind="quiet" icon="edit" onClick={() => setEditing(each)}>Edit</Button>
              <Button small kind="quiet" icon="trash" onClick={() => setDropped(each)}>Delete</Button>
            </div>
          </li>
        ))}
      </ul>
      {hook && <Deliveries hook={hook} />}
      {editing && <Edit project={project} hook={editing === "new" ? null : editing} onClose={() => setEditing(null)} />}
      <Confirm
        open={dropped !== null}
        onClose={() => setDropped(null)}
        title={`Delete ${dropped?.name}?`}
        action="Delete the webhook"
        error={drop.error}
        onConfirm={() => dropped ? drop.run(dropped.id) : undefined}
      >
        <p>{dropped?.url} hears nothing more, what is still on its way included, and the log of its deliveries goes.</p>
      </Confirm>
    </div>
  );
}

const states = ["all", "pending", "delivered", "failed"] as const;

const columns: Column<Delivery>[] = [
  {
    id: "state",
    header: "State",
    width: 120,
    pinned: true,
    value: (row) => row.state,
    cell: (row) => <StateBadge state={row.state === "delivered" ? "succeeded" : row.state} title={row.state} />,
  },
  { id: "event", header: "Event", width: 220, value: (row) => row.event },
  { id: "created", header: "Happened", width: 120, cell: (row) => <Time at={row.created} /> },
  { id: "attempts", header: "Tries", width: 70, align: "end", value: (row) => row.attempts },
  { id: "status", header: "Answer", width: 90, align: "end", value: (row) => row.responseStatus },
  {
    id: "due",
    header: "Next try",
    width: 120,
    cell: (row) => row.due ? <Time at={row.due} /> : <span className="faint">–</span>,
  },
  {
    id: "error",
    header: "Problem",
    width: 300,
    grow: true,
    value: (row) => row.error,
    cell: (row) => row.error && <span className="tone-bad ellipsis" title={row.error}>{row.error}</span>,
  },
];

function Deliveries({ hook }: { hook: Webhook }) {
  const [state, setState] = useUrlState("delivery", oneOf(...states), "all");
  const pages = usePages("/api/v1/webhooks/{webhook}/deliveries", {
    path: { webhook: hook.id },
    query: { state: state === "all" ? null : state },
  }, { live: ["model.", "prompt."], limit: 60 });
  return (
    <Panel
      title={`What ${hook.name} was sent`}
      flush
      tools={
        <Segmented label="State" value={state} onChange={setState} options={states.map((id) => ({ id, label: id }))} />
      }
    >
      <DataGrid
        label="Deliveries"
        columns={columns}
        source={pagesSource(pages)}
        rowKey={(row) => row.id}
        autoHeight={420}
        empty={<Empty compact icon="link" title="Nothing yet">The next event that it wants is sent at once.</Empty>}
      />
    </Panel>
  );
}

function Edit({ project, hook, onClose }: { project: string; hook: Webhook | null; onClose: () => void }) {
  const [name, setName] = useState(hook?.name ?? "");
  const [url, setUrl] = useState(hook?.url ?? "https://");
  const [wanted, setWanted] = useState<readonly string[]>(hook?.events ?? ["model_version.created"]);
  const [description, setDescription] = useState(hook?.description ?? "");
  const [secret, setSecret] = useState("");
  const body = useMemo(() => ({ name, url, events: wanted, description, ...(secret ? { secret } : {}) }), [
    name,
    url,
    wanted,
    description,
    secret,
  ]);
  const save = useMutation(
    () =>
      hook
        ? patch("/api/v1/webhooks/{webhook}", { path: { webhook: hook.id }, json: body })
        : post("/api/v1/webhooks", { query: { project }, json: body }),
    { invalidates: ["/api/v1/webhooks"], onDone: onClose },
  );
  const errorOf = (field: string) => save.error?.field === field ? save.error.message : null;
  return (
    <Dialog
      open
      onClose={onClose}
      title={hook ? `Edit ${hook.name}` : "New webhook"}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            kind="primary"
            busy={save.running}
            disabled={name === "" || wanted.length === 0}
            onClick={() => void save.run()}
          >
            {hook ? "Save" : "Make it"}
          </Button>
        </>
      }
    >
      <div className="stack">
        <Field label="Name" error={errorOf("name")}>
          <Input value={name} onChange={setName} autoFocus />
        </Field>
        <Field
          label="URL"
          help="https; public addresses only, unless the server allows private ones."
          error={errorOf("url")}
        >
          <Input mono value={url} onChange={setUrl} />
        </Field>
        <Field label="Description">
          <Input value={description} onChange={setDescription} />
        </Field>
        <Field
          label="Secret"
          help={hook?.signed
            ? "Left empty, the secret stays."
            : "Signs what is sent, so that the receiver can check it (X-MLflow-Signature)."}
        >
          <Input type="password" autoComplete="new-password" value={secret} onChange={setSecret} />
        </Field>
        <fieldset className="webhook-events">
          <legend className="field-label">Events</legend>
          {events.map((event) => (
            <Checkbox
              key={event}
              checked={wanted.includes(event)}
              onChange={(checked) => setWanted(checked ? [...wanted, event] : wanted.filter((each) => each !== event))}
            >
              <code>{event}</code>
            </Checkbox>
          ))}
        </fieldset>
        {save.error && !["name", "url"].includes(save.error.field ?? "") && (
          <Notice tone="bad">{save.error.message}</Notice>
        )}
      </div>
    </Dialog>
  );
}
