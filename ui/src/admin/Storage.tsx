import { useMemo, useState } from "react";
import { post } from "../api/client.ts";
import { useMutation } from "../api/hooks.ts";
import { Button } from "../kit/Button.tsx";
import { Confirm } from "../kit/Dialog.tsx";
import { Field, Select } from "../kit/Field.tsx";
import { formatBytes, formatCount, plural } from "../kit/format.ts";
import { arraySource, type Column, DataGrid } from "../kit/grid/index.ts";
import { Panel, Stat } from "../kit/Page.tsx";
import { Empty, Notice } from "../kit/States.tsx";
import { toast } from "../kit/Toast.tsx";
import { Bytes, RefLink } from "../kit/Values.tsx";
import type { Collection } from "./api.ts";

const graces = [
  { value: "3600", label: "an hour" },
  { value: "86400", label: "a day" },
  { value: "604800", label: "a week" },
  { value: "2592000", label: "30 days" },
];

const columns: Column<Collection["owners"][number]>[] = [
  {
    id: "owner",
    header: "It belonged to",
    width: 340,
    grow: true,
    pinned: true,
    value: (row) => row.owner,
    cell: (row) => <RefLink value={row.owner} />,
  },
  {
    id: "objects",
    header: "Objects",
    width: 120,
    align: "end",
    value: (row) => row.objects,
    cell: (row) => formatCount(row.objects),
  },
  {
    id: "bytes",
    header: "Bytes",
    width: 130,
    align: "end",
    value: (row) => row.bytes,
    cell: (row) => <Bytes value={row.bytes} />,
  },
];

/** What the store holds that nothing refers to any more: looked at first, then removed. */
export function Storage() {
  const [grace, setGrace] = useState("86400");
  const [isAsking, setAsking] = useState(false);
  const ask = useMutation((dryRun: boolean) =>
    post("/api/v1/objects/collect", { json: { dryRun, graceSeconds: Number(grace) } })
  );
  const [report, setReport] = useState<{ grace: string; answer: Collection } | null>(null);
  const run = async (dryRun: boolean) => {
    const answer = await ask.run(dryRun);
    if (!answer) return;
    setReport({ grace, answer });
    setAsking(false);
    if (!dryRun) toast.done(`Removed ${plural(answer.removed, "object")}, ${formatBytes(answer.removedBytes)}.`);
  };
  const preview = report?.answer;
  const owners = useMemo(() => [...preview?.owners ?? []].sort((a, b) => b.bytes - a.bytes), [preview]);
  return (
    <div className="stack">
      <Panel title="Garbage collection">
        <div className="stack">
          <p className="muted">
            Bytes are stored once, whoever refers to them. What no artifact, model, log, code or dataset version refers
            to any more can go. A preview deletes nothing.
          </p>
          <div className="row row-wrap row-aligned">
            <Field label="Leave what is younger than">
              <Select value={grace} onChange={setGrace} options={graces} />
            </Field>
            <Button icon="eye" busy={ask.running} onClick={() => void run(true)}>Preview</Button>
            {preview?.dryRun && report?.grace === grace && preview.removed > 0 && (
              <Button
                kind="danger"
                icon="trash"
                onClick={() => setAsking(true)}
              >
                Remove {plural(preview.removed, "object")}…
              </Button>
            )}
          </div>
          {ask.error && <Notice tone="bad">{ask.error.message}</Notice>}
        </div>
      </Panel>
      {preview && (
        <>
          <div className="endpoint-stats panel">
            <Stat label="Objects in the store" value={formatCount(preview.examined)} detail="looked at" />
            <Stat
              label={preview.dryRun ? "Could go" : "Removed"}
              value={formatCount(preview.removed)}
              detail={formatBytes(preview.removedBytes)}
            />
            <Stat label="Too young to go" value={formatCount(preview.kept)} detail="touched within the time" />
            <Stat label="Leftovers" value={formatCount(preview.leftovers)} detail="of uploads that broke off" />
          </div>
          {preview.removed === 0
            ? (
              <Empty compact icon="check" title={preview.dryRun ? "Nothing to remove" : "Nothing was removed"}>
                Everything in the store is referred to, or is too young.
              </Empty>
            )
            : (
              <Panel title={preview.dryRun ? "Whose it was" : "Whose it was (removed)"} flush>
                <DataGrid
                  label="Whose it was"
                  columns={columns}
                  source={arraySource(owners)}
                  rowKey={(row) => row.owner}
                  autoHeight={420}
                  empty={<Empty compact icon="info" title="Nobody's">It was put and never referred to.</Empty>}
                />
              </Panel>
            )}
        </>
      )}
      <Confirm
        open={isAsking}
        onClose={() => setAsking(false)}
        title="Remove what nothing refers to?"
        action={`Remove ${plural(preview?.removed ?? 0, "object")}`}
        typeToConfirm="remove"
        error={ask.error}
        onConfirm={() => run(false)}
      >
        <p>
          {plural(preview?.removed ?? 0, "object")}{" "}
          ({formatBytes(preview?.removedBytes ?? 0)}) that nothing refers to and nobody touched for{" "}
          {graces.find((each) => each.value === grace)?.label}{" "}
          are deleted for good. What is put meanwhile stays. It goes on if you leave this page.
        </p>
      </Confirm>
    </div>
  );
}
