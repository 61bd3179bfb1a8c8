import { useState } from "react";
import { pathTo } from "../app/paths.ts";
import { navigate } from "../app/router.tsx";
import { useMay } from "../app/project.ts";
import { post, remove } from "../api/client.ts";
import { useMutation } from "../api/hooks.ts";
import { Button } from "../kit/Button.tsx";
import { Confirm, Dialog } from "../kit/Dialog.tsx";
import { Field, Input, TextArea } from "../kit/Field.tsx";
import { Menu } from "../kit/Menu.tsx";
import { Notice } from "../kit/States.tsx";
import { toast } from "../kit/Toast.tsx";
import { copyText } from "../kit/Values.tsx";
import type { Model } from "./api.ts";
import { routes, versionPath } from "./paths.ts";

/** What can be done with a model as a whole. */
export function ModelMenu({ project, model }: { project: string; model: Model }) {
  const [asked, setAsked] = useState<"register" | "delete" | null>(null);
  const mayWrite = useMay("models.write", model.project);
  const aliases = Object.entries(model.aliases);
  const removal = useMutation(() => remove("/api/v1/models/{name}", { path: { name: model.name } }).then(() => true), {
    invalidates: ["/api/v1/models"],
    onDone: () => {
      toast.done(`Deleted ${model.name}.`);
      navigate(pathTo(routes.models, { project }));
    },
  });
  return (
    <>
      {mayWrite && <Button icon="plus" onClick={() => setAsked("register")}>Register a version</Button>}
      <Menu
        label="More to do with the model"
        align="end"
        items={[
          { id: "copy", label: "Copy its ref", icon: "copy", onSelect: () => void copyText(model.ref) },
          {
            id: "delete",
            label: "Delete…",
            icon: "trash",
            danger: true,
            separated: true,
            disabled: !mayWrite,
            onSelect: () => setAsked("delete"),
          },
        ]}
      />
      {asked === "register" && <RegisterDialog project={project} model={model} onClose={() => setAsked(null)} />}
      <Confirm
        open={asked === "delete"}
        onClose={() => setAsked(null)}
        title={`Delete ${model.name}?`}
        action="Delete the model"
        typeToConfirm={model.name}
        error={removal.error}
        onConfirm={() => removal.run()}
      >
        <p>
          All versions go with their files, evaluations and approvals; runs and logged models that they were made from
          stay. This cannot be undone.
        </p>
        {aliases.length > 0 && (
          <Notice tone="warn">
            It is in use:{" "}
            {aliases.map(([alias, version]) => `${alias} is version ${version}`).join(", ")}. Endpoints that name it
            will have no model.
          </Notice>
        )}
      </Confirm>
    </>
  );
}

function RegisterDialog({ project, model, onClose }: { project: string; model: Model; onClose: () => void }) {
  const [source, setSource] = useState("");
  const [description, setDescription] = useState("");
  const register = useMutation(
    () =>
      post("/api/v1/models/{name}/versions", {
        path: { name: model.name },
        json: { source: source.trim(), description },
      }),
    {
      invalidates: ["/api/v1/models"],
      onDone: (version) => navigate(versionPath(project, model.name, version.version)),
    },
  );
  return (
    <Dialog
      open
      size="small"
      title={`Register a version of ${model.name}`}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" busy={register.running} disabled={!source.trim()} onClick={() => void register.run()}>
            Register
          </Button>
        </>
      }
    >
      <div className="stack">
        <Field
          label="Source"
          required
          help="runs:/RUN/model, models:/m-ID of a logged model, or models:/NAME/3 of another model."
        >
          <Input mono value={source} onChange={setSource} placeholder="runs:/…/model" autoFocus />
        </Field>
        <Field label="What is new" help="Markdown.">
          <TextArea value={description} onChange={setDescription} />
        </Field>
        {register.error && <Notice tone="bad">{register.error.message}</Notice>}
      </div>
    </Dialog>
  );
}
