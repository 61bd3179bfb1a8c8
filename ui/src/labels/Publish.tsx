import { useState } from "react";
import { post } from "../api/client.ts";
import { useMutation } from "../api/hooks.ts";
import { Button } from "../kit/Button.tsx";
import { Dialog } from "../kit/Dialog.tsx";
import { Field, Input, Select } from "../kit/Field.tsx";
import { Notice } from "../kit/States.tsx";
import { RefLink } from "../kit/Values.tsx";
import type { LabelTask } from "./api.ts";

/** Makes the labels columns of a new version of their dataset. */
export function Publish({ task, open, onClose }: { task: LabelTask; open: boolean; onClose: () => void }) {
  const [branch, setBranch] = useState("main");
  const [include, setInclude] = useState<"complete" | "reviewed" | "any">("complete");
  const [message, setMessage] = useState("");
  const publish = useMutation(
    () =>
      post("/api/v1/label-tasks/{task}/publish", {
        path: { task: task.name },
        json: { branch, include, ...(message ? { message } : {}) },
      }),
    { invalidates: ["/api/v1/datasets"] },
  );
  const [done, setDone] = useState<Awaited<ReturnType<typeof publish.run>>>(undefined);
  const count = include === "reviewed" ? task.reviewed : task.complete;
  const close = () => {
    setDone(undefined);
    publish.reset();
    onClose();
  };
  return (
    <Dialog
      open={open}
      onClose={close}
      title="Publish labels"
      size="small"
      actions={done ? <Button kind="primary" onClick={close}>Close</Button> : (
        <>
          <Button onClick={close}>Cancel</Button>
          <Button kind="primary" busy={publish.running} onClick={() => void publish.run().then(setDone)}>
            Publish
          </Button>
        </>
      )}
    >
      {done
        ? (
          <div className="stack">
            <Notice tone="good">
              {done.unchanged ? "These labels are there already: " : `${done.labels} labels are in `}
              <RefLink value={done.ref} />
            </Notice>
            {done.orphans > 0 && (
              <Notice tone="warn">
                {done.orphans}{" "}
                labels have no row in that version any more. They are kept, and published when the row is back.
              </Notice>
            )}
          </div>
        )
        : (
          <div className="stack">
            <p>
              A new version of {task.dataset.replace(/@.*/, "")} gets the columns <code>{task.column}</code>,{" "}
              <code>{task.column}_by</code>, <code>{task.column}_at</code> and <code>{task.column}_votes</code>
              {include !== "any" && ` with ${count} labels`}. Rows without a label keep what they had.
            </p>
            <Field label="Branch">
              <Input value={branch} onChange={setBranch} mono />
            </Field>
            <Field label="Which labels">
              <Select
                value={include}
                onChange={setInclude}
                options={[
                  { value: "complete", label: "Complete items" },
                  { value: "reviewed", label: "Only what a reviewer decided" },
                  { value: "any", label: "Everything that anybody said" },
                ]}
              />
            </Field>
            <Field label="Message">
              <Input value={message} onChange={setMessage} />
            </Field>
            {publish.error && <Notice tone="bad">{publish.error.message}</Notice>}
          </div>
        )}
    </Dialog>
  );
}
