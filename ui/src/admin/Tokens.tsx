import { useMemo, useState } from "react";
import { post, remove } from "../api/client.ts";
import { useMutation, useQuery } from "../api/hooks.ts";
import { useMay, usePrincipal } from "../app/project.ts";
import { oneOf, useUrlState } from "../app/urlState.ts";
import { Button } from "../kit/Button.tsx";
import { Confirm, Dialog } from "../kit/Dialog.tsx";
import { Field, Input, Select, TextArea } from "../kit/Field.tsx";
import { arraySource, type Column, DataGrid } from "../kit/grid/index.ts";
import { Panel } from "../kit/Page.tsx";
import { Empty, Failed, Notice } from "../kit/States.tsx";
import { Segmented } from "../kit/Tabs.tsx";
import { CopyButton, Time } from "../kit/Values.tsx";
import type { Token } from "./api.ts";

/** Tokens that count: one's own, or everybody's. */
export function Tokens() {
  const mayAll = useMay("access.manage", null);
  const me = usePrincipal()?.name;
  const [whose, setWhose] = useUrlState("whose", oneOf("mine", "all"), me === "local" ? "all" : "mine");
  const tokens = useQuery("/api/v1/tokens", { query: { principal: whose === "all" ? "all" : null } }, {
    live: ["token."],
  });
  const [making, setMaking] = useState(false);
  const [revoked, setRevoked] = useState<Token | null>(null);
  const revoke = useMutation((id: string) => remove("/api/v1/tokens/{id}", { path: { id } }), {
    invalidates: ["/api/v1/tokens"],
    onDone: () => setRevoked(null),
  });
  const columns = useMemo((): Column<Token>[] => [
    {
      id: "id",
      header: "Token",
      width: 180,
      pinned: true,
      value: (row) => row.id,
      cell: (row) => <code>slw_{row.id}_…</code>,
    },
    { id: "principal", header: "Acts as", width: 150, value: (row) => row.principal },
    {
      id: "label",
      header: "What for",
      width: 200,
      value: (row) => row.label,
      cell: (row) => row.label || <span className="faint">not said</span>,
    },
    {
      id: "scopes",
      header: "May",
      width: 300,
      grow: true,
      value: (row) => row.scopes?.join(", "),
      cell: (row) =>
        row.scopes
          ? <span className="mono small ellipsis">{row.scopes.join(", ")}</span>
          : <span className="muted">all that {row.principal} may</span>,
    },
    { id: "created", header: "Made", width: 120, cell: (row) => <Time at={row.created} /> },
    {
      id: "expires",
      header: "Expires",
      width: 120,
      cell: (row) => row.expires ? <Time at={row.expires} /> : <span className="tone-warn">never</span>,
    },
    {
      id: "revoke",
      header: "",
      name: "Revoke",
      width: 100,
      align: "end",
      cell: (row) => <Button small kind="quiet" icon="trash" onClick={() => setRevoked(row)}>Revoke</Button>,
    },
  ], []);
  return (
    <div className="stack">
      <div className="row row-between row-wrap">
        {mayAll
          ? (
            <Segmented
              label="Whose"
              value={whose}
              onChange={setWhose}
              options={[{ id: "mine", label: "mine" }, { id: "all", label: "everybody's" }]}
            />
          )
          : <span />}
        <Button kind="primary" icon="plus" onClick={() => setMaking(true)}>New token…</Button>
      </div>
      <Panel flush>
        {tokens.error ? <Failed compact error={tokens.error} /> : (
          <DataGrid
            label="Tokens"
            columns={columns}
            source={{ ...arraySource(tokens.data?.items ?? []), loading: tokens.loading }}
            rowKey={(row) => row.id}
            rowHeight={40}
            autoHeight={560}
            empty={
              <Empty icon="lock" title="No token">
                A token lets a program (or you, from another machine) in. It is shown once, when it is made.
              </Empty>
            }
          />
        )}
      </Panel>
      {making && <NewToken mayAll={mayAll} onClose={() => setMaking(false)} />}
      <Confirm
        open={revoked !== null}
        onClose={() => setRevoked(null)}
        title="Revoke this token?"
        action="Revoke it"
        error={revoke.error}
        onConfirm={() => revoked ? revoke.run(revoked.id) : undefined}
      >
        <p>
          Whoever uses <code>slw_{revoked?.id}_…</code>
          {revoked?.label ? ` (${revoked.label})` : ""} as {revoked?.principal}{" "}
          is refused from now on. It cannot be brought back; a new token can be made.
        </p>
      </Confirm>
    </div>
  );
}

const day = 86_400;
const scopesPerUse: Record<string, string[]> = {
  all: [],
  "log runs": ["runs.read", "runs.write"],
  "ask models": ["endpoints.read", "predictions.make", "predictions.feedback"],
  "bring data": ["datasets.read", "datasets.write"],
  "only read": [
    "projects.read",
    "datasets.read",
    "runs.read",
    "pipelines.read",
    "models.read",
    "endpoints.read",
    "predictions.read",
    "monitors.read",
    "events.read",
    "lineage.read",
  ],
};

function NewToken({ mayAll, onClose }: { mayAll: boolean; onClose: () => void }) {
  const me = usePrincipal()?.name ?? "";
  // Who works on the server's own machine without a token is no account.
  const [principal, setPrincipal] = useState(me === "local" ? "admin" : "");
  const [label, setLabel] = useState("");
  const [use, setUse] = useState("all");
  const [scopes, setScopes] = useState("");
  const [days, setDays] = useState("90");
  const make = useMutation(
    () =>
      post("/api/v1/tokens", {
        json: {
          label,
          ...(principal && principal !== me ? { principal } : {}),
          ...(scopes.trim() ? { scopes: scopes.trim().split(/[\s,]+/) } : {}),
          ...(days === "never" ? {} : { lifetimeSeconds: Number(days) * day }),
        },
      }),
    { invalidates: ["/api/v1/tokens"] },
  );
  const [made, setMade] = useState<string | null>(null);
  if (made) {
    return (
      <Dialog
        open
        size="small"
        onClose={onClose}
        title="The new token"
        actions={<Button kind="primary" onClick={onClose}>I have it</Button>}
      >
        <div className="stack">
          <Notice tone="warn">
            It is shown this once: the server keeps only its fingerprint. Copy it to where it is used.
          </Notice>
          <div className="row secret-text">
            <code className="grow">{made}</code>
            <CopyButton text={made} label="Copy the token" />
          </div>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog
      open
      size="small"
      onClose={onClose}
      title="New token"
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            kind="primary"
            busy={make.running}
            onClick={() =>
              void make.run().then((answer) => {
                if (answer) setMade(answer.token);
              })}
          >
            Make it
          </Button>
        </>
      }
    >
      <div className="stack">
        {mayAll && (
          <Field label="Acts as" help="An account; yourself if left out.">
            <Input value={principal} onChange={setPrincipal} placeholder={me} />
          </Field>
        )}
        <Field label="What for" help="So that others know what breaks when it is revoked.">
          <Input value={label} onChange={setLabel} autoFocus />
        </Field>
        <Field label="May" help="Never more than its account may.">
          <Select
            value={use}
            onChange={(value) => {
              setUse(value);
              setScopes((scopesPerUse[value] ?? []).join("\n"));
            }}
            options={Object.keys(scopesPerUse).map((value) => ({
              value,
              label: value === "all" ? "all that the account may" : value,
            }))}
          />
        </Field>
        {use !== "all" && (
          <Field label="Permissions" help="One a line.">
            <TextArea mono rows={4} value={scopes} onChange={setScopes} />
          </Field>
        )}
        <Field label="Counts for">
          <Select
            value={days}
            onChange={setDays}
            options={[
              { value: "1", label: "a day" },
              { value: "30", label: "30 days" },
              { value: "90", label: "90 days" },
              { value: "365", label: "a year" },
              { value: "never", label: "until it is revoked" },
            ]}
          />
        </Field>
        {make.error && <Notice tone="bad">{make.error.message}</Notice>}
      </div>
    </Dialog>
  );
}
