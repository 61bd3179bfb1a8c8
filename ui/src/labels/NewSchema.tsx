import { useState } from "react";
import { post } from "../api/client.ts";
import { useMutation } from "../api/hooks.ts";
import { Button } from "../kit/Button.tsx";
import { Dialog } from "../kit/Dialog.tsx";
import { Checkbox, Field, Input, Select, TextArea } from "../kit/Field.tsx";
import { Notice } from "../kit/States.tsx";
import { toast } from "../kit/Toast.tsx";
import type { LabelKind } from "./api.ts";

const kinds: { value: LabelKind; label: string }[] = [
  { value: "class", label: "One class" },
  { value: "multi-class", label: "Any number of classes" },
  { value: "boxes", label: "Boxes on images" },
  { value: "polygons", label: "Outlines on images" },
  { value: "spans", label: "Spans in texts" },
  { value: "ranges", label: "Ranges in series" },
  { value: "number", label: "A number" },
  { value: "text", label: "A free text" },
];

/** What a label may be. Classes are written a line each: `name`, or `name: what it means`. */
export function NewSchema({ project, open, onClose }: { project: string; open: boolean; onClose: () => void }) {
  const [name, setName] = useState("");
  const [kind, setKind] = useState<LabelKind>("class");
  const [classes, setClasses] = useState("");
  const [isOrdered, setOrdered] = useState(false);
  const [minimum, setMinimum] = useState("");
  const [maximum, setMaximum] = useState("");
  const [instructions, setInstructions] = useState("");
  const hasClasses = kind !== "number" && kind !== "text";
  const create = useMutation(
    () =>
      post("/api/v1/label-schemas", {
        json: {
          name,
          project,
          kind,
          ...(hasClasses ? { classes: classesOf(classes) } : {}),
          ...(kind === "class" && isOrdered ? { ordered: true } : {}),
          ...(kind === "number" && minimum !== "" ? { minimum: Number(minimum) } : {}),
          ...(kind === "number" && maximum !== "" ? { maximum: Number(maximum) } : {}),
          ...(instructions ? { instructions } : {}),
        },
      }),
    { invalidates: ["/api/v1/label-schemas"] },
  );
  const submit = async () => {
    const made = await create.run();
    if (!made) return;
    toast.done(`${made.ref} is there.`);
    onClose();
  };
  return (
    <Dialog
      open={open}
      onClose={onClose}
      title="New label schema"
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" busy={create.running} disabled={!name} onClick={() => void submit()}>Create</Button>
        </>
      }
    >
      <div className="stack">
        <Field label="Name" required help="A name that exists gets its next version.">
          <Input value={name} onChange={setName} mono />
        </Field>
        <Field label="Kind">
          <Select value={kind} onChange={setKind} options={kinds} />
        </Field>
        {hasClasses && (
          <Field
            label="Classes"
            required
            help="One a line. After a colon: what it means. Keys and colours are chosen for you."
          >
            <TextArea value={classes} onChange={setClasses} rows={6} />
          </Field>
        )}
        {kind === "class" && (
          <Checkbox checked={isOrdered} onChange={setOrdered}>The classes rise in this order</Checkbox>
        )}
        {kind === "number" && (
          <div className="row">
            <Field label="Least">
              <Input value={minimum} onChange={setMinimum} inputMode="decimal" />
            </Field>
            <Field label="Most">
              <Input value={maximum} onChange={setMaximum} inputMode="decimal" />
            </Field>
          </div>
        )}
        <Field label="Instructions" help="Markdown; annotators see it with the ? key.">
          <TextArea value={instructions} onChange={setInstructions} />
        </Field>
        {create.error && <Notice tone="bad">{create.error.message}</Notice>}
      </div>
    </Dialog>
  );
}

export function classesOf(text: string): (string | { name: string; about: string })[] {
  return text.split("\n").map((line) => line.trim()).filter(Boolean).map((line) => {
    const colon = line.indexOf(": ");
    return colon > 0 ? { name: line.slice(0, colon).trim(), about: line.slice(colon + 2).trim() } : line;
  });
}
