import { useState } from "react";
import { patch, remove } from "../../api/client.ts";
import { useMutation } from "../../api/hooks.ts";
import { pathTo } from "../../app/paths.ts";
import { navigate } from "../../app/router.tsx";
import { Button } from "../../kit/Button.tsx";
import { Confirm } from "../../kit/Dialog.tsx";
import { Checkbox, Field, TextArea } from "../../kit/Field.tsx";
import { formatBytes, plural } from "../../kit/format.ts";
import { Panel } from "../../kit/Page.tsx";
import { Notice } from "../../kit/States.tsx";
import { toast } from "../../kit/Toast.tsx";
import type { Deletion } from "../api.ts";
import type { PartProps } from "../DatasetPage.tsx";
import { Columns } from "./Columns.tsx";
import { Names } from "./Names.tsx";
import { Retention } from "./Retention.tsx";

/** What holds for all versions: key and description, columns, branches and tags, how long versions stay. */
export default function Settings(props: PartProps) {
  return (
    <div className="part-scroll">
      <div className="settings">
        <Basics {...props} />
        <Names {...props} />
        <Columns {...props} />
        <Retention {...props} />
        <DeleteDataset {...props} />
      </div>
    </div>
  );
}

function Basics({ dataset, version }: PartProps) {
  const [key, setKey] = useState<readonly string[]>(dataset.key);
  const [description, setDescription] = useState(dataset.description);
  const save = useMutation(
    () => patch("/api/v1/datasets/{name}", { path: { name: dataset.name }, json: { key, description } }),
    {
      invalidates: ["/api/v1/datasets"],
      onDone: () => toast.done("Saved."),
    },
  );
  const isChanged = key.join() !== dataset.key.join() || description !== dataset.description;
  return (
    <Panel title="What it is">
      <div className="stack">
        <Field label="Description">
          <TextArea rows={2} value={description} onChange={setDescription} />
        </Field>
        <fieldset className="stack">
          <legend className="field-label">Key: the columns that together identify a row</legend>
          <div className="row row-wrap settings-key">
            {version.columns.map(({ name }) => (
              <Checkbox
                key={name}
                checked={key.includes(name)}
                disabled={dataset.kind === "files"}
                onChange={(on) => setKey(on ? [...key, name] : key.filter((each) => each !== name))}
              >
                {name}
              </Checkbox>
            ))}
          </div>
        </fieldset>
        {save.error && <Notice tone="bad">{save.error.message}</Notice>}
        <div className="row row-end">
          <Button kind="primary" busy={save.running} disabled={!isChanged} onClick={() => void save.run()}>Save</Button>
        </div>
      </div>
    </Panel>
  );
}

function DeleteDataset({ project, dataset }: PartProps) {
  const [what, setWhat] = useState<Deletion | null>(null);
  const path = { name: dataset.name };
  const preview = useMutation(() => remove("/api/v1/datasets/{name}", { path, query: { dryRun: true } }), {
    onDone: setWhat,
  });
  const really = useMutation(() => remove("/api/v1/datasets/{name}", { path, query: { dryRun: false } }), {
    invalidates: ["/api/v1/datasets"],
    onDone: (done) => {
      toast.done(`${dataset.name} is gone; the garbage collection frees ${formatBytes(done.frees.bytes)}.`);
      navigate(pathTo("/p/:project/datasets", { project }));
    },
  });
  return (
    <Panel title="Delete the dataset">
      <div className="row row-between row-wrap">
        <span className="muted">All versions, branches, tags and the name. Asks first what that would free.</span>
        <Button kind="danger" icon="trash" busy={preview.running} onClick={() => void preview.run()}>Delete…</Button>
      </div>
      {preview.error && <Notice tone="bad">{preview.error.message}</Notice>}
      {what && (
        <Confirm
          open
          onClose={() => setWhat(null)}
          title={`Delete ${dataset.name}?`}
          action="Delete the dataset"
          typeToConfirm={dataset.name}
          error={really.error}
          onConfirm={() => really.run()}
        >
          <p>
            {plural(what.count, "version")} lose their files: <b>{formatBytes(what.frees.bytes)}</b> in{" "}
            {plural(what.frees.objects, "object")}{" "}
            that nothing else holds. Branches, tags and the name go. The ledger keeps what happened. This cannot be
            undone.
          </p>
        </Confirm>
      )}
    </Panel>
  );
}
