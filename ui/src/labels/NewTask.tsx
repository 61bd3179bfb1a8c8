import { useState } from "react";
import { post } from "../api/client.ts";
import { useMutation } from "../api/hooks.ts";
import { navigate } from "../app/router.tsx";
import { Button } from "../kit/Button.tsx";
import { Dialog } from "../kit/Dialog.tsx";
import { Checkbox, Field, Input, Select } from "../kit/Field.tsx";
import { Notice } from "../kit/States.tsx";
import type { LabelSchema } from "./api.ts";
import { taskPath } from "./paths.ts";

const orders = [
  { value: "original", label: "As the rows are" },
  { value: "random", label: "Random, by the seed" },
  { value: "entropy", label: "Least sure first (entropy)" },
  { value: "margin", label: "Least sure first (margin)" },
  { value: "confidence", label: "Least sure first (confidence)" },
  { value: "disagreement", label: "Most disagreed on first" },
] as const;

/** A task: rows, a schema, how many people, in which order. */
export function NewTask(
  { project, open, onClose, schemas }: { project: string; open: boolean; onClose: () => void; schemas: LabelSchema[] },
) {
  const [name, setName] = useState("");
  const [over, setOver] = useState("dataset:");
  const [schema, setSchema] = useState("");
  const [overlap, setOverlap] = useState("1");
  const [sample, setSample] = useState("");
  const [order, setOrder] = useState<typeof orders[number]["value"]>("original");
  const [content, setContent] = useState("");
  const [key, setKey] = useState("");
  const [reviewers, setReviewers] = useState("");
  const [isBlind, setBlind] = useState(false);
  const chosen = schemas.find((one) => one.ref === schema) ?? schemas[0];
  const words = (text: string) => text.split(/[,\s]+/).filter(Boolean);
  const create = useMutation(() =>
    post("/api/v1/label-tasks", {
      json: {
        name,
        over,
        schema: chosen?.ref ?? "",
        overlap: Number(overlap),
        select: { order, ...(sample ? { sample: Number(sample), seed: 1 } : {}) },
        showPrelabels: !isBlind,
        ...(content ? { content } : {}),
        ...(key ? { key: words(key) } : {}),
        ...(reviewers ? { reviewers: words(reviewers) } : {}),
      },
    }), { invalidates: ["/api/v1/label-tasks"] });
  const submit = async () => {
    const made = await create.run();
    if (made) navigate(taskPath(project, made.name));
  };
  const hasContent = chosen?.kind === "spans" || chosen?.kind === "ranges";
  return (
    <Dialog
      open={open}
      onClose={onClose}
      title="New label task"
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" busy={create.running} disabled={!name || !chosen} onClick={() => void submit()}>
            Create
          </Button>
        </>
      }
    >
      <div className="stack">
        {schemas.length === 0 && <Notice tone="warn">There is no label schema in this project: make one first.</Notice>}
        <Field label="Name" required>
          <Input value={name} onChange={setName} mono />
        </Field>
        <Field label="Over" required help="A dataset version or a slice: dataset:reviews@3, slice:odd-ones.">
          <Input value={over} onChange={setOver} mono />
        </Field>
        <Field label="Schema" required>
          <Select
            value={chosen?.ref ?? ""}
            onChange={setSchema}
            options={schemas.map((one) => ({ value: one.ref, label: `${one.name}@${one.version} (${one.kind})` }))}
          />
        </Field>
        {hasContent && (
          <Field
            label="Column"
            help={chosen?.kind === "spans"
              ? "The column with the text; 'text' by default."
              : "The column with the list of values."}
          >
            <Input value={content} onChange={setContent} mono />
          </Field>
        )}
        <div className="row">
          <Field label="People an item">
            <Input type="number" min={1} value={overlap} onChange={setOverlap} />
          </Field>
          <Field label="Sample" help="All rows by default.">
            <Input type="number" min={1} value={sample} onChange={setSample} />
          </Field>
        </div>
        <Field label="Order">
          <Select value={order} onChange={setOrder} options={orders} />
        </Field>
        <Field label="Key" help="The columns that tell rows apart; the dataset's own by default.">
          <Input value={key} onChange={setKey} mono />
        </Field>
        <Field label="Reviewers" help="Names, beside the makers of tasks.">
          <Input value={reviewers} onChange={setReviewers} />
        </Field>
        <Checkbox checked={isBlind} onChange={setBlind}>Annotators do not see what models said</Checkbox>
        {create.error && <Notice tone="bad">{create.error.message}</Notice>}
      </div>
    </Dialog>
  );
}
