import { useMutation } from "../api/hooks.ts";
import { post } from "../api/client.ts";
import { pathTo } from "../app/paths.ts";
import { navigate } from "../app/router.tsx";
import { Dialog } from "../kit/Dialog.tsx";
import { Form, type FormField } from "../kit/Form.tsx";
import { toast } from "../kit/Toast.tsx";

const fields: FormField[] = [
  {
    name: "name",
    type: "text",
    label: "Name",
    required: true,
    help: "Letters, digits, - and _. It stands in addresses and refs and stays.",
    placeholder: "restock",
  },
  { name: "description", type: "text", label: "What it is for", multiline: true },
  {
    name: "goals",
    type: "text",
    label: "Goals",
    multiline: true,
    help: "One a line: a name and its target. waste=-9% is a change, accuracy=0.95 a value.",
    placeholder: "waste=-9%",
  },
];

/** Makes a project with its charter and goes there. */
export function NewProject({ open, onClose }: { open: boolean; onClose: () => void }) {
  const create = useMutation(
    (name: string, description: string, goals: string[]) =>
      post("/api/v1/projects", { json: { name, description, goals } }),
    { invalidates: ["/api/v1/projects"] },
  );
  return (
    <Dialog open={open} onClose={onClose} title="New project" size="small">
      <Form
        fields={fields}
        action="Create project"
        busy={create.running}
        error={create.error}
        onCancel={onClose}
        onSubmit={async (values) => {
          const name = String(values["name"]).trim();
          const goals = String(values["goals"] ?? "").split("\n").map((line) => line.trim()).filter(Boolean);
          if (await create.run(name, String(values["description"] ?? ""), goals) === undefined) return;
          toast.done(`Project ${name} is there.`);
          navigate(pathTo("/p/:project", { project: name }));
        }}
      />
    </Dialog>
  );
}
