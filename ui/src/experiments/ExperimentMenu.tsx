import { useState } from "react";
import { pathTo } from "../app/paths.ts";
import { navigate } from "../app/router.tsx";
import { useMutation } from "../api/hooks.ts";
import { Confirm } from "../kit/Dialog.tsx";
import { Field, Input } from "../kit/Field.tsx";
import { FormDialog } from "../kit/FormDialog.tsx";
import { Menu } from "../kit/Menu.tsx";
import { toast } from "../kit/Toast.tsx";
import { copyText } from "../kit/Values.tsx";
import { deleteExperiment, type Experiment, renameExperiment, restoreExperiment } from "./api.ts";
import { routes } from "./paths.ts";

/** What can be done with an experiment as a whole. */
export function ExperimentMenu(
  { project, experiment, onChanged }: { project: string; experiment: Experiment; onChanged: () => void },
) {
  const [asked, setAsked] = useState<"rename" | "delete" | null>(null);
  const [name, setName] = useState(experiment.name);
  const invalidates = ["/api/v1/experiments", "/api/v1/experiment-folders"];
  const rename = useMutation((to: string) => renameExperiment(experiment.id, to), {
    invalidates,
    onDone: () => {
      setAsked(null);
      onChanged();
    },
  });
  const remove = useMutation(() => deleteExperiment(experiment.id).then(() => true), {
    invalidates,
    onDone: () => {
      toast.done(`Deleted ${experiment.name}.`, {
        label: "Undo",
        run: () => void restoreExperiment(experiment.id).then(onChanged, toast.failed),
      });
      navigate(pathTo(routes.experiments, { project }));
    },
  });
  const restore = useMutation(() => restoreExperiment(experiment.id), { invalidates, onDone: onChanged });
  const isDeleted = experiment.lifecycle === "deleted";
  return (
    <>
      <Menu
        label="More to do with the experiment"
        align="end"
        items={[
          { id: "copy", label: "Copy its ref", icon: "copy", onSelect: () => void copyText(experiment.ref) },
          { id: "rename", label: "Rename or move to a folder…", icon: "edit", onSelect: () => setAsked("rename") },
          isDeleted
            ? { id: "restore", label: "Restore", icon: "refresh", separated: true, onSelect: () => void restore.run() }
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
      {asked === "rename" && (
        <FormDialog
          title="Rename the experiment"
          action="Rename"
          onClose={() => setAsked(null)}
          onSubmit={() => void rename.run(name)}
          ready={name.trim() !== ""}
          busy={rename.running}
          error={rename.error}
        >
          <Field label="Name" help="A slash makes folders: vision/digits is digits in the folder vision.">
            <Input value={name} onChange={setName} autoFocus />
          </Field>
        </FormDialog>
      )}
      <Confirm
        open={asked === "delete"}
        onClose={() => setAsked(null)}
        title={`Delete ${experiment.name}?`}
        action="Delete the experiment"
        error={remove.error}
        onConfirm={() => remove.run()}
      >
        <p>
          The experiment and its runs leave all lists. Points, artifacts and logged models stay on the server and come
          back when it is restored, until an owner purges them. Registered models keep their files in any case.
        </p>
      </Confirm>
    </>
  );
}
