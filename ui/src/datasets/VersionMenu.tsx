import { useState } from "react";
import { put, remove } from "../api/client.ts";
import { useMutation } from "../api/hooks.ts";
import { navigate } from "../app/router.tsx";
import { Button } from "../kit/Button.tsx";
import { Confirm, Dialog } from "../kit/Dialog.tsx";
import { Field, Input } from "../kit/Field.tsx";
import { formatBytes, plural } from "../kit/format.ts";
import { Menu } from "../kit/Menu.tsx";
import { Notice } from "../kit/States.tsx";
import { toast } from "../kit/Toast.tsx";
import { copyText } from "../kit/Values.tsx";
import type { Dataset, Deletion, Version } from "./api.ts";
import { datasetPath } from "./paths.ts";

/** What can be done with a version. */
export function VersionMenu({ project, dataset, version }: { project: string; dataset: Dataset; version: Version }) {
  const [open, setOpen] = useState<"branch" | "tag" | "delete" | null>(null);
  const close = () => setOpen(null);
  return (
    <>
      <Menu
        label="More"
        align="end"
        items={[
          { id: "branch", label: "New branch from here", icon: "branch", onSelect: () => setOpen("branch") },
          { id: "tag", label: "Tag this version", icon: "tag", onSelect: () => setOpen("tag") },
          { id: "ref", label: "Copy ref", icon: "copy", hint: version.ref, onSelect: () => void copyText(version.ref) },
          {
            id: "diff",
            label: "What changed",
            icon: "swap",
            separated: true,
            disabled: version.parent === null,
            onSelect: () =>
              navigate(datasetPath(project, dataset.name, { tab: "diff", v: version.version, from: version.parent })),
          },
          {
            id: "delete",
            label: "Delete this version…",
            icon: "trash",
            danger: true,
            separated: true,
            disabled: version.deleted !== null,
            onSelect: () => setOpen("delete"),
          },
        ]}
      />
      {(open === "branch" || open === "tag") && (
        <NameDialog kind={open} project={project} dataset={dataset.name} version={version.version} onClose={close} />
      )}
      {open === "delete" && <DeleteVersion version={version} onClose={close} />}
    </>
  );
}

/** Gives a version a name that moves on (branch) or stays (tag). */
export function NameDialog(
  { kind, project, dataset, version, onClose }: {
    kind: "branch" | "tag";
    project: string;
    dataset: string;
    version: number;
    onClose: () => void;
  },
) {
  const [name, setName] = useState("");
  const make = useMutation(
    () =>
      put(kind === "branch" ? "/api/v1/datasets/{name}/branches/{label}" : "/api/v1/datasets/{name}/tags/{label}", {
        path: { name: dataset, label: name.trim() },
        json: { from: String(version) },
      }),
    {
      invalidates: [`/api/v1/datasets/${encodeURIComponent(dataset)}`],
      onDone: () => {
        toast.done(`${kind === "branch" ? "Branch" : "Tag"} ${name.trim()} is at version ${version}.`);
        onClose();
        navigate(datasetPath(project, dataset, { v: name.trim() }));
      },
    },
  );
  return (
    <Dialog
      open
      onClose={onClose}
      size="small"
      title={kind === "branch" ? `New branch from version ${version}` : `Tag version ${version}`}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" busy={make.running} disabled={name.trim() === ""} onClick={() => void make.run()}>
            {kind === "branch" ? "Make branch" : "Make tag"}
          </Button>
        </>
      }
    >
      <div className="stack">
        <Field
          label="Name"
          required
          help={kind === "branch" ? "Moves on with each version that is made on it." : "Stays at this version."}
        >
          <Input
            value={name}
            onChange={setName}
            autoFocus
            onKeyDown={(event) => event.key === "Enter" && name.trim() !== "" && void make.run()}
          />
        </Field>
        {make.error && <Notice tone="bad">{make.error.message}</Notice>}
      </div>
    </Dialog>
  );
}

function DeleteVersion({ version, onClose }: { version: Version; onClose: () => void }) {
  const path = { name: version.dataset, version: version.version };
  const preview = useMutation(() =>
    remove("/api/v1/datasets/{name}/versions/{version}", { path, query: { dryRun: true } })
  );
  const [what, setWhat] = useState<Deletion | null>(null);
  const [asked, setAsked] = useState(false);
  if (!asked) {
    setAsked(true);
    queueMicrotask(() => void preview.run().then((answer) => answer && setWhat(answer)));
  }
  const really = useMutation(
    () => remove("/api/v1/datasets/{name}/versions/{version}", { path, query: { dryRun: false } }),
    {
      invalidates: ["/api/v1/datasets"],
      onDone: (done) => {
        toast.done(`${version.ref} is given up; the garbage collection frees ${formatBytes(done.frees.bytes)}.`);
        onClose();
      },
    },
  );
  if (preview.error) {
    return (
      <Dialog
        open
        onClose={onClose}
        size="small"
        title={`Version ${version.version} cannot be deleted`}
        actions={<Button onClick={onClose}>Close</Button>}
      >
        <Notice tone="warn">{preview.error.message}</Notice>
      </Dialog>
    );
  }
  return (
    <Confirm
      open
      onClose={onClose}
      title={`Delete version ${version.version}?`}
      action="Delete the version"
      typeToConfirm={version.ref}
      error={really.error}
      onConfirm={() => really.run()}
    >
      {what
        ? (
          <p>
            Its {plural(version.files, "file")} go: <b>{formatBytes(what.frees.bytes)}</b>{" "}
            that no other version holds. Its schema, recipe, author and lineage stay, and its number is not used again.
            This cannot be undone.
          </p>
        )
        : <p className="faint">Asking what that would free…</p>}
    </Confirm>
  );
}
