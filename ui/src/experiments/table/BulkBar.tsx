import { useState } from "react";
import { get } from "../../api/client.ts";
import { useFetch, useMutation } from "../../api/hooks.ts";
import { Button, ButtonLink } from "../../kit/Button.tsx";
import { Confirm, Dialog } from "../../kit/Dialog.tsx";
import { Field, Input, Select } from "../../kit/Field.tsx";
import { plural } from "../../kit/format.ts";
import { Menu } from "../../kit/Menu.tsx";
import { Notice, Skeleton } from "../../kit/States.tsx";
import { toast } from "../../kit/Toast.tsx";
import { type BulkChange, changeRuns, type Run } from "../api.ts";
import { literal } from "../fields.ts";
import { comparePath } from "../paths.ts";

export interface BulkBarProps {
  project: string;
  experiments: string[];
  /** The chosen runs. */
  chosen: readonly Run[];
  /** The filter of the table, for a change of all that it finds. */
  filter: string;
  view: "active" | "deleted" | "all";
  total: number | undefined;
  onClear: () => void;
  onDone: () => void;
}

type Asked = "tag" | "untag" | "delete" | "restore" | "move" | "copy";

/** What can be done with the chosen runs, or with all that the filter finds. */
export function BulkBar(props: BulkBarProps) {
  const { project, chosen, total, onClear, view } = props;
  const [asked, setAsked] = useState<Asked | null>(null);
  const [isAll, setAll] = useState(false);
  const count = isAll ? total ?? chosen.length : chosen.length;
  const isDeleted = view === "deleted" || chosen.every((run) => run.lifecycle === "deleted");
  const change = (more: Omit<BulkChange, "experiments" | "filter">): BulkChange => ({
    experiments: isAll ? props.experiments : [...new Set(chosen.map((run) => run.experiment))],
    filter: isAll ? props.filter : `run_id IN (${chosen.map((run) => literal(run.id)).join(", ")})`,
    ...more,
  });
  const close = () => setAsked(null);
  const done = () => {
    close();
    props.onDone();
  };
  return (
    <div className="bulk-bar" role="region" aria-label="Chosen runs">
      <strong className="tabular">{plural(count, "run")} chosen</strong>
      {total !== undefined && total > chosen.length && (
        <Button small kind="quiet" onClick={() => setAll(!isAll)}>
          {isAll ? `Only the ${chosen.length} chosen` : `Choose all ${total.toLocaleString("en")}`}
        </Button>
      )}
      <span className="grow" />
      {!isAll && chosen.length > 1 && (
        <ButtonLink
          small
          kind="primary"
          icon="swap"
          to={comparePath(project, chosen.map((run) => run.id))}
        >
          Compare
        </ButtonLink>
      )}
      <Button small icon="tag" onClick={() => setAsked("tag")}>Set tag</Button>
      <Menu
        label="More to do with the chosen runs"
        text="More"
        small
        align="end"
        items={[
          { id: "untag", label: "Remove a tag…", icon: "tag", onSelect: () => setAsked("untag") },
          { id: "move", label: "Move to another experiment…", icon: "arrow-right", onSelect: () => setAsked("move") },
          { id: "copy", label: "Copy to another experiment…", icon: "copy", onSelect: () => setAsked("copy") },
          isDeleted
            ? {
              id: "restore",
              label: "Restore…",
              icon: "refresh",
              separated: true,
              onSelect: () => setAsked("restore"),
            }
            : {
              id: "delete",
              label: "Delete…",
              icon: "trash",
              danger: true,
              separated: true,
              onSelect: () => setAsked("delete"),
            },
        ]}
      />
      <Button small kind="quiet" icon="close" onClick={onClear}>Clear</Button>
      {(asked === "tag" || asked === "untag") && (
        <TagDialog what={asked} count={count} change={change} onClose={close} onDone={done} />
      )}
      {(asked === "move" || asked === "copy") && (
        <MoveDialog what={asked} {...props} count={count} change={change} onClose={close} onDone={done} />
      )}
      {(asked === "delete" || asked === "restore") && (
        <DeleteDialog what={asked} count={count} change={change} onClose={close} onDone={done} />
      )}
    </div>
  );
}

interface Part {
  count: number;
  change: (more: Omit<BulkChange, "experiments" | "filter">) => BulkChange;
  onClose: () => void;
  onDone: () => void;
}

function useBulk({ onDone }: Part, verb: string) {
  return useMutation(changeRuns, {
    invalidates: ["/api/v1/runs", "/api/v1/experiments"],
    onDone: (outcome) => {
      toast.done(`${verb} ${plural(outcome.changed, "run")}.`);
      onDone();
    },
  });
}

function TagDialog(part: Part & { what: "tag" | "untag" }) {
  const [key, setKey] = useState("");
  const [value, setValue] = useState("");
  const bulk = useBulk(part, part.what === "tag" ? "Tagged" : "Took the tag from");
  const run = () =>
    void bulk.run(
      part.change(
        part.what === "tag" ? { action: "set-tags", tags: { [key]: value } } : { action: "delete-tags", keys: [key] },
      ),
    );
  return (
    <Dialog
      open
      onClose={part.onClose}
      size="small"
      title={part.what === "tag" ? `Set a tag on ${plural(part.count, "run")}` : "Remove a tag"}
      actions={
        <>
          <Button onClick={part.onClose}>Cancel</Button>
          <Button kind="primary" busy={bulk.running} disabled={key.trim() === ""} onClick={run}>
            {part.what === "tag" ? "Set tag" : "Remove tag"}
          </Button>
        </>
      }
    >
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (key.trim() !== "") run();
        }}
      >
        <Field label="Key" required>
          <Input value={key} onChange={setKey} placeholder="stage" autoFocus />
        </Field>
        {part.what === "tag" && (
          <Field label="Value" help="A tag of the same key is overwritten.">
            <Input value={value} onChange={setValue} placeholder="final" />
          </Field>
        )}
        {bulk.error && <Notice tone="bad">{bulk.error.message}</Notice>}
        <button type="submit" hidden />
      </form>
    </Dialog>
  );
}

function MoveDialog(part: Part & { what: "move" | "copy"; project: string; experiments: string[] }) {
  const list = useFetch(
    "experiments to move to " + part.project,
    (signal) => get("/api/v1/experiments", { query: { project: part.project, limit: 1000 }, signal }),
  );
  const others = (list.data?.items ?? []).filter((each) => !part.experiments.includes(each.id));
  const [to, setTo] = useState("");
  const target = to || others[0]?.id || "";
  const bulk = useBulk(part, part.what === "move" ? "Moved" : "Copied");
  return (
    <Dialog
      open
      onClose={part.onClose}
      size="small"
      title={`${part.what === "move" ? "Move" : "Copy"} ${plural(part.count, "run")}`}
      actions={
        <>
          <Button onClick={part.onClose}>Cancel</Button>
          <Button
            kind="primary"
            busy={bulk.running}
            disabled={target === ""}
            onClick={() => void bulk.run(part.change({ action: part.what, to: target }))}
          >
            {part.what === "move" ? "Move" : "Copy"}
          </Button>
        </>
      }
    >
      <div className="stack">
        {list.data === undefined
          ? <Skeleton rows={1} />
          : others.length === 0
          ? <Notice>There is no other experiment in this project.</Notice>
          : (
            <Field
              label="To the experiment"
              help={part.what === "move"
                ? "Runs keep their ids, artifacts and logged models."
                : "Copies get new ids; their artifacts take no more space."}
            >
              <Select
                value={target}
                onChange={setTo}
                options={others.map((each) => ({ value: each.id, label: each.name }))}
              />
            </Field>
          )}
        {bulk.error && <Notice tone="bad">{bulk.error.message}</Notice>}
      </div>
    </Dialog>
  );
}

function DeleteDialog(part: Part & { what: "delete" | "restore" }) {
  const bulk = useBulk(part, part.what === "delete" ? "Deleted" : "Restored");
  const isDelete = part.what === "delete";
  return (
    <Confirm
      open
      onClose={part.onClose}
      title={`${isDelete ? "Delete" : "Restore"} ${plural(part.count, "run")}?`}
      action={`${isDelete ? "Delete" : "Restore"} ${plural(part.count, "run")}`}
      danger={isDelete}
      error={bulk.error}
      onConfirm={() => bulk.run(part.change({ action: part.what }))}
    >
      <p>
        {isDelete
          ? "They leave the table but stay on the server with their points and artifacts: show deleted runs to restore " +
            "them, until an owner purges them."
          : "They come back to the table as they were."}
      </p>
    </Confirm>
  );
}
