import { useMemo, useState } from "react";
import { post, put, remove } from "../api/client.ts";
import { useMutation, usePages, useQuery } from "../api/hooks.ts";
import { useMay } from "../app/project.ts";
import { Badge } from "../kit/Badge.tsx";
import { Button } from "../kit/Button.tsx";
import { Confirm, Dialog } from "../kit/Dialog.tsx";
import { Field, Input, Select } from "../kit/Field.tsx";
import { arraySource, type Column, DataGrid, pagesSource } from "../kit/grid/index.ts";
import { Panel } from "../kit/Page.tsx";
import { Empty, Failed, Notice } from "../kit/States.tsx";
import { toast } from "../kit/Toast.tsx";
import { Time } from "../kit/Values.tsx";
import type { Account, Member } from "./api.ts";
import { roleMeanings, type RoleName, roles } from "./roles.ts";

const path = "/api/v1/projects/{project}/members/{user}";

/** Who has which role in the project, and the accounts of the server. */
export function Members({ project }: { project: string }) {
  const live = { live: ["member.", "account.", "project.member."] };
  const members = useQuery("/api/v1/projects/{project}/members", { path: { project } }, live);
  const mayManage = useMay("access.manage", project);
  const mayManageAll = useMay("access.manage", null);
  const accounts = usePages("/api/v1/users", {}, { ...live, skip: !mayManageAll, limit: 200 });
  const [adding, setAdding] = useState(false);
  const [creating, setCreating] = useState(false);
  const [leaving, setLeaving] = useState<Member | null>(null);
  const grant = useMutation(
    (user: string, role: string) => put(path, { path: { project, user }, json: { role } }),
    { invalidates: ["/api/v1/projects"], onDone: () => toast.done("The role is given.") },
  );
  const leave = useMutation((user: string) => remove(path, { path: { project, user } }), {
    invalidates: ["/api/v1/projects"],
    onDone: () => setLeaving(null),
  });
  const columns = useMemo((): Column<Member>[] => [
    { id: "name", header: "Account", width: 240, pinned: true, value: (row) => row.name },
    {
      id: "role",
      header: `Role in ${project}`,
      width: 200,
      value: (row) => row.role,
      cell: (row) =>
        mayManage
          ? (
            <Select
              aria-label={`Role of ${row.name}`}
              value={row.role}
              onChange={(role) => void grant.run(row.name, role)}
              options={roles.map((value) => ({ value, label: value }))}
            />
          )
          : <Badge>{row.role}</Badge>,
    },
    {
      id: "may",
      header: "May",
      width: 460,
      grow: true,
      cell: (row) => <span className="muted ellipsis">{roleMeanings[row.role as RoleName] ?? ""}</span>,
    },
    {
      id: "leave",
      header: "",
      name: "Take away",
      width: 110,
      align: "end",
      cell: (row) =>
        mayManage && <Button small kind="quiet" icon="trash" onClick={() => setLeaving(row)}>Take away</Button>,
    },
  ], [project, mayManage]);
  return (
    <div className="stack">
      {grant.error && <Notice tone="bad">{grant.error.message}</Notice>}
      <Panel
        title="Members of the project"
        flush
        tools={mayManage && (
          <Button
            small
            kind="primary"
            icon="plus"
            onClick={() => setAdding(true)}
          >
            Give a role…
          </Button>
        )}
      >
        {members.error ? <Failed compact error={members.error} retry={members.refresh} /> : (
          <DataGrid
            label="Members"
            columns={columns}
            source={{ ...arraySource(members.data?.items ?? []), loading: members.loading }}
            rowKey={(row) => row.name}
            rowHeight={44}
            autoHeight={420}
            empty={
              <Empty compact icon="user" title="Nobody has a role of this project's own">
                Whoever has a role on all projects is not listed here.
              </Empty>
            }
          />
        )}
      </Panel>
      {mayManageAll && (
        <Panel
          title="Accounts of the server"
          flush
          tools={
            <Button
              small
              icon="plus"
              onClick={() => setCreating(true)}
            >
              New account…
            </Button>
          }
        >
          <DataGrid
            label="Accounts"
            columns={accountColumns}
            source={pagesSource(accounts)}
            rowKey={(row) => row.name}
            autoHeight={420}
            empty={<Empty compact icon="user" title="No account">Make one to let somebody in.</Empty>}
          />
        </Panel>
      )}
      {adding && <Give project={project} accounts={accounts.items} onClose={() => setAdding(false)} />}
      {creating && <NewAccount onClose={() => setCreating(false)} />}
      <Confirm
        open={leaving !== null}
        onClose={() => setLeaving(null)}
        title={`Take ${leaving?.name}'s role away?`}
        action="Take the role away"
        error={leave.error}
        onConfirm={() => leaving ? leave.run(leaving.name) : undefined}
      >
        <p>
          <b>{leaving?.name}</b> stops being {leaving?.role} in {project}{" "}
          at once, and is left with the role that the account has on all projects, if it has one. The account and its
          tokens stay.
        </p>
      </Confirm>
    </div>
  );
}

const accountColumns: Column<Account>[] = [
  { id: "name", header: "Name", width: 240, pinned: true, value: (row) => row.name },
  { id: "kind", header: "Kind", width: 110, value: (row) => row.kind },
  {
    id: "role",
    header: "Role on all projects",
    width: 180,
    value: (row) => row.role,
    cell: (row) =>
      row.role
        ? <Badge tone={row.role === "admin" ? "accent" : "neutral"}>{row.role}</Badge>
        : <span className="faint">none</span>,
  },
  { id: "created", header: "Made", width: 130, grow: true, cell: (row) => <Time at={row.created} /> },
];

function Give({ project, accounts, onClose }: { project: string; accounts: readonly Account[]; onClose: () => void }) {
  const [user, setUser] = useState("");
  const [role, setRole] = useState<RoleName>("viewer");
  const give = useMutation(() => put(path, { path: { project, user }, json: { role } }), {
    invalidates: ["/api/v1/projects"],
    onDone: onClose,
  });
  return (
    <Dialog
      open
      size="small"
      onClose={onClose}
      title={`Give a role in ${project}`}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" busy={give.running} disabled={user === ""} onClick={() => void give.run()}>
            Give it
          </Button>
        </>
      }
    >
      <div className="stack">
        <Field label="Account">
          {accounts.length > 0
            ? (
              <Select
                value={user}
                onChange={setUser}
                options={[
                  { value: "", label: "choose…" },
                  ...accounts.map(({ name, kind }) => ({
                    value: name,
                    label: kind === "service" ? `${name} (service)` : name,
                  })),
                ]}
              />
            )
            : <Input value={user} onChange={setUser} />}
        </Field>
        <Field label="Role" help={roleMeanings[role]}>
          <Select value={role} onChange={setRole} options={roles.map((value) => ({ value, label: value }))} />
        </Field>
        {give.error && <Notice tone="bad">{give.error.message}</Notice>}
      </div>
    </Dialog>
  );
}

function NewAccount({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [kind, setKind] = useState<"user" | "service">("user");
  const [role, setRole] = useState<RoleName | "">("");
  const make = useMutation(() => post("/api/v1/users", { json: { name, kind, ...(role ? { role } : {}) } }), {
    invalidates: ["/api/v1/users"],
    onDone: (account) => {
      toast.done(`${account.name} is there. Make a token to let it in.`);
      onClose();
    },
  });
  return (
    <Dialog
      open
      size="small"
      onClose={onClose}
      title="New account"
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" busy={make.running} disabled={name.trim() === ""} onClick={() => void make.run()}>
            Make it
          </Button>
        </>
      }
    >
      <div className="stack">
        <Field label="Name" error={make.error?.field === "name" ? make.error.message : null}>
          <Input value={name} onChange={setName} autoFocus />
        </Field>
        <Field label="Kind">
          <Select
            value={kind}
            onChange={setKind}
            options={[{ value: "user", label: "a person" }, { value: "service", label: "a program" }]}
          />
        </Field>
        <Field
          label="Role on all projects"
          help={role ? roleMeanings[role] : "None: it may only what a project gives it."}
        >
          <Select
            value={role}
            onChange={setRole}
            options={[{ value: "" as const, label: "none" }, ...roles.map((value) => ({ value, label: value }))]}
          />
        </Field>
        {make.error && make.error.field !== "name" && <Notice tone="bad">{make.error.message}</Notice>}
      </div>
    </Dialog>
  );
}
