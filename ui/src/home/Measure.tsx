import { post } from "../api/client.ts";
import { useMutation } from "../api/hooks.ts";
import type { Goal } from "../api/types.ts";
import { Dialog } from "../kit/Dialog.tsx";
import { Form } from "../kit/Form.tsx";
import { toast } from "../kit/Toast.tsx";

/** Records a measured value of a goal. */
export function Measure(
  { project, goal, open, onClose }: { project: string; goal: Goal; open: boolean; onClose: () => void },
) {
  const measure = useMutation(
    (value: number, evidence: string | undefined) =>
      post("/api/v1/projects/{project}/goals/{goal}/measurements", {
        path: { project, goal: goal.name },
        json: evidence ? { value, evidence } : { value },
      }).then(() => true),
    { invalidates: ["/api/v1/projects"] },
  );
  return (
    <Dialog open={open} onClose={onClose} title={`Measured: ${goal.name}`} size="small">
      <Form
        action="Record"
        busy={measure.running}
        error={measure.error}
        onCancel={onClose}
        fields={[
          {
            name: "value",
            type: "number",
            label: "Value",
            required: true,
            help: goal.relative
              ? "A change as a share: −0.09 is nine percent less. It stays for ever, with your name."
              : "It stays for ever, with your name.",
          },
          { name: "evidence", type: "ref", label: "Shown by", help: "The run, dataset or report that shows it." },
        ]}
        onSubmit={async (values) => {
          const evidence = values["evidence"];
          const value = Number(values["value"]);
          if (!await measure.run(value, typeof evidence === "string" ? evidence : undefined)) return;
          toast.done(`${goal.name} is measured.`);
          onClose();
        }}
      />
    </Dialog>
  );
}
