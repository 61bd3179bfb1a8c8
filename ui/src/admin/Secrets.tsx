import { useMemo, useState } from "react";
import { put, remove } from "../api/client.ts";
import { useMutation, useQuery } from "../api/hooks.ts";
import { Button } from "../kit/Button.tsx";
import { Confirm, Dialog } from "../kit/Dialog.tsx";
import { Field, Input } from "../kit/Field.tsx";
import { arraySource, type Column, DataGrid } from "../kit/grid/index.ts";
import { Panel } from "../kit/Page.tsx";
import { Empty, Failed, Notice } from "../kit/States.tsx";
import { Time } from "../kit/Values.tsx";
import { reading } from "../endpoints/api.ts";
import type { Secret } from "./api.ts";

/** The names of a project's secrets; nobody sees their values again. */
export function Secrets({ project }: { project: string }) {
  // Sources describe this answer by its names alone.
  const secrets = reading<{ items: Secret[] }>(
    useQuery("/api/v1/secrets", { query: { project } }, { live: ["secret."] }),
  );
  const [edited, setEdited] = useState<string | null>(null);
  const [dropped, setDropped] = useState<Secret | null>(null);
  const drop = useMutation((name: string) => remove("/api/v1/secrets/{name}", { path: { name }, query: { project } }), {
    invalidates: ["/api/v1/secrets"],
    onDone: () => setDropped(null),
  });
  const columns = useMemo((): Column<Secret>[] => [
    {
      id: "name",
      header: "Name",
      width: 260,
      pinned: true,
      value: (row) => row.name,
      cell: (row) => <code>{row.name}</code>,
    },
    { id: "author", header: "Set by", width: 160, value: (row) => row.author },
    {
      id: "updated",
      header: "Set",
      width: 160,
      grow: true,
      cell: (row) => row.updated ?? row.created ? <Time at={row.updated ?? row.created} /> : null,
    },
    {
      id: "set",
      header: "",
      name: "Change",
      width: 110,
      align: "end",
      cell: (row) => <Button small kind="quiet" icon="edit" onClick={() => setEdited(row.name)}>Replace</Button>,
    },
    {
      id: "drop",
      header: "",
      name: "Forget",
      width: 100,
      align: "end",
      cell: (row) => <Button small kind="quiet" icon="trash" onClick={() => setDropped(row)}>Forget</Button>,
    },
  ], []);
  if (secrets.error) return <Failed error={secrets.error} retry={secrets.refresh} />;
  return (
    <div className="stack">
      <div className="row row-between row-wrap">
        <p className="muted">
          Sources and connections name them. They are encrypted at rest with the key of the data folder, and never
          shown.
        </p>
        <Button kind="primary" icon="plus" onClick={() => setEdited("")}>New secret…</Button>
      </div>
      <Panel flush>
        <DataGrid
          label="Secrets"
          columns={columns}
          source={{ ...arraySource(secrets.data?.items ?? []), loading: secrets.loading }}
          rowKey={(row) => row.name}
          rowHeight={40}
          autoHeight={520}
          empty={<Empty icon="lock" title="No secret">Keep a password or a key here, and name it in a source.</Empty>}
        />
      </Panel>
      {edited !== null && <Edit project={project} name={edited} onClose={() => setEdited(null)} />}
      <Confirm
        open={dropped !== null}
        onClose={() => setDropped(null)}
        title={`Forget ${dropped?.name}?`}
        action="Forget it"
        typeToConfirm={dropped?.name ?? ""}
        error={drop.error}
        onConfirm={() => dropped ? drop.run(dropped.name) : undefined}
      >
        <p>
          Sources that name <code>{dropped?.name}</code>{" "}
          cannot be read until another secret of that name is set. The value cannot be brought back.
        </p>
      </Confirm>
    </div>
  );
}

function Edit({ project, name: old, onClose }: { project: string; name: string; onClose: () => void }) {
  const [name, setName] = useState(old);
  const [value, setValue] = useState("");
  const save = useMutation(
    () => put("/api/v1/secrets/{name}", { path: { name }, query: { project }, json: { value } }),
    { invalidates: ["/api/v1/secrets"], onDone: onClose },
  );
  return (
    <Dialog
      open
      size="small"
      onClose={onClose}
      title={old ? `Replace ${old}` : "New secret"}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            kind="primary"
            busy={save.running}
            disabled={name === "" || value === ""}
            onClick={() => void save.run()}
          >
            Keep it
          </Button>
        </>
      }
    >
      <div className="stack">
        {!old && (
          <Field label="Name">
            <Input mono value={name} onChange={setName} autoFocus />
          </Field>
        )}
        <Field
          label="Value"
          help="A token, a password, user:password, or ACCESS_KEY:SECRET_KEY for S3. It is never shown again."
        >
          <Input type="password" value={value} onChange={setValue} autoComplete="new-password" autoFocus={old !== ""} />
        </Field>
        {save.error && <Notice tone="bad">{save.error.message}</Notice>}
      </div>
    </Dialog>
  );
}
