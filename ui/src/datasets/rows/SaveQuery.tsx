import { useState } from "react";
import { post } from "../../api/client.ts";
import { useMutation } from "../../api/hooks.ts";
import { useProject } from "../../app/project.ts";
import { navigate } from "../../app/router.tsx";
import { Button } from "../../kit/Button.tsx";
import { Dialog } from "../../kit/Dialog.tsx";
import { Field, Input } from "../../kit/Field.tsx";
import { Notice } from "../../kit/States.tsx";
import { toast } from "../../kit/Toast.tsx";
import { datasetPath } from "../paths.ts";

/** A query's result as a version of a dataset; the recipe keeps the SQL and what it read. */
export function SaveQuery(
  { sql, inputs, onClose }: { sql: string; inputs: Record<string, string>; onClose: () => void },
) {
  const project = useProject() ?? "";
  const [name, setName] = useState("");
  const [message, setMessage] = useState("");
  const derive = useMutation(
    () =>
      post("/api/v1/datasets/{name}/derive", { path: { name: name.trim() }, json: { sql, inputs, project, message } }),
    {
      invalidates: ["/api/v1/datasets"],
      onDone: (version) => {
        toast.done(
          version.unchanged
            ? `${version.ref} holds this already.`
            : `Made ${version.ref}: ${version.rows.toLocaleString("en")} rows.`,
        );
        onClose();
        navigate(datasetPath(project, version.dataset));
      },
    },
  );
  return (
    <Dialog
      open
      onClose={onClose}
      title="Save the result as a dataset"
      size="small"
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" busy={derive.running} disabled={name.trim() === ""} onClick={() => void derive.run()}>
            Save
          </Button>
        </>
      }
    >
      <div className="stack">
        <Field label="Dataset" required help="A new name, or a dataset that gets another version.">
          <Input value={name} onChange={setName} autoFocus />
        </Field>
        <Field label="Why">
          <Input value={message} onChange={setMessage} />
        </Field>
        <p className="small muted">
          All rows are written, not only those shown. The recipe keeps the SQL and the versions of{" "}
          {Object.keys(inputs).length === 1 ? "its input" : "its inputs"}.
        </p>
        {derive.error && <Notice tone="bad">{derive.error.message}</Notice>}
      </div>
    </Dialog>
  );
}
