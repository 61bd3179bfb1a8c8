import { useMemo, useState } from "react";
import { post } from "../../api/client.ts";
import { useMutation } from "../../api/hooks.ts";
import { navigate } from "../../app/router.tsx";
import { Button, IconButton } from "../../kit/Button.tsx";
import { Dialog } from "../../kit/Dialog.tsx";
import { Field, Input, Select, TextArea } from "../../kit/Field.tsx";
import { Notice } from "../../kit/States.tsx";
import { Segmented } from "../../kit/Tabs.tsx";
import { toast } from "../../kit/Toast.tsx";
import type { Column } from "../api.ts";
import { completeFilter, completeSQL } from "../editor/complete.ts";
import { Editor } from "../editor/Editor.tsx";
import { kindOf } from "../grid/cells.ts";
import { slicePath } from "../paths.ts";
import type { Slice, SliceRule } from "./api.ts";

type Kind = "filter" | "where" | "split" | "wrong";

interface Props {
  project: string;
  /** A dataset's or a slice's ref. */
  over: string;
  columns: readonly Column[];
  /** What is chosen already in the rows. */
  filter?: string;
  /** Makes the next version of a slice. */
  slice?: Slice;
  onClose: () => void;
}

/** Makes a slice (by filter, SQL, or a model's mistakes) or all parts of a split. */
export function SliceDialog({ project, over, columns, filter = "", slice, onClose }: Props) {
  const rule = slice?.rule;
  const [kind, setKind] = useState<Kind>(rule && "where" in rule ? "where" : "filter");
  const [name, setName] = useState(slice?.name ?? "");
  const [description, setDescription] = useState(slice?.description ?? "");
  const [purpose, setPurpose] = useState(slice?.purpose ?? "");
  const [filterText, setFilter] = useState(rule && "filter" in rule ? rule.filter : filter);
  const [where, setWhere] = useState(rule && "where" in rule ? rule.where : "");
  const [split, setSplit] = useState<"random" | "stratified" | "time">("random");
  const [parts, setParts] = useState([{ name: "train", share: "0.8" }, { name: "test", share: "0.2" }]);
  const [seed, setSeed] = useState("0");
  const [unit, setUnit] = useState("");
  const [by, setBy] = useState("");
  const [time, setTime] = useState("");
  const [wrong, setWrong] = useState({ predictions: "", prediction: "", truth: "", tolerance: "" });
  const filters = useMemo(() => completeFilter({ columns, values: () => [] }), [columns]);
  const conditions = useMemo(() => completeSQL(new Map([["data", columns]])), [columns]);
  const names = (text: string) => text.split(",").map((each) => each.trim()).filter(Boolean);
  const sum = parts.reduce((all, part) => all + Number(part.share || 0), 0);

  const make = useMutation(async (): Promise<Slice[]> => {
    const about = { over, description, purpose };
    if (kind === "split") {
      const body = {
        kind: split,
        parts: parts.map((part) => ({ name: part.name.trim(), fraction: Number(part.share) })),
        seed: Number(seed) || 0,
        ...(unit ? { unit: names(unit) } : {}),
        ...(split === "stratified" ? { by: names(by) } : {}),
        ...(split === "time" ? { time } : {}),
      };
      return (await post("/api/v1/slices/split", { json: { prefix: name.trim(), split: body, ...about } })).items;
    }
    const rule: SliceRule = kind === "filter" ? { filter: filterText } : kind === "where" ? { where } : {
      wrong: {
        predictions: wrong.predictions,
        prediction: wrong.prediction,
        truth: wrong.truth,
        ...(wrong.tolerance ? { tolerance: Number(wrong.tolerance) } : {}),
      },
    };
    return [await post("/api/v1/slices", { json: { name: name.trim(), ...rule, ...about } })];
  }, {
    invalidates: ["/api/v1/slices"],
    onDone: (made) => {
      toast.done(`Made ${made.map((each) => each.ref).join(", ")}.`);
      onClose();
      if (made[0]) navigate(slicePath(project, made[0].name));
    },
  });
  const options = (
    only?: string,
  ) => [
    { value: "", label: "choose…" },
    ...columns.filter((column) => !only || kindOf(column.type) === only).map((column) => ({
      value: column.name,
      label: column.name,
    })),
  ];
  return (
    <Dialog
      open
      onClose={onClose}
      title={slice ? `Next version of ${slice.name}` : "New slice or split"}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" busy={make.running} disabled={name.trim() === ""} onClick={() => void make.run()}>
            {kind === "split" ? `Make ${parts.length} slices` : slice ? "Make the next version" : "Make slice"}
          </Button>
        </>
      }
    >
      <div className="stack">
        <Segmented
          label="Rule"
          value={kind}
          onChange={setKind}
          options={[
            { id: "filter", label: "Filter" },
            { id: "where", label: "SQL" },
            ...(slice ? [] : [{ id: "split" as const, label: "Split" }]),
            { id: "wrong", label: "Mistakes" },
          ]}
        />
        <Field label={kind === "split" ? "The slices' names begin with" : "Name"} required>
          <Input value={name} onChange={setName} disabled={slice !== undefined} autoFocus={!slice} />
        </Field>
        {kind === "filter" && (
          <div className="field">
            <span className="field-label">Rows that fit</span>
            <Editor
              single
              language="filter"
              label="Filter"
              value={filterText}
              onChange={setFilter}
              complete={filters}
              placeholder="price > 2 AND store = 'North'"
            />
          </div>
        )}
        {kind === "where" && (
          <div className="field">
            <span className="field-label">Condition (what follows WHERE)</span>
            <Editor
              language="sql"
              rows={3}
              label="Condition"
              value={where}
              onChange={setWhere}
              complete={conditions}
              placeholder="dayofweek(day) IN (0, 6)"
            />
          </div>
        )}
        {kind === "split" && (
          <>
            <Segmented
              label="How rows are dealt out"
              value={split}
              onChange={setSplit}
              options={[{ id: "random", label: "By chance" }, {
                id: "stratified",
                label: "Same shares in each stratum",
              }, { id: "time", label: "By time" }]}
            />
            <div className="stack split-parts">
              {parts.map((part, index) => (
                <div key={index} className="row">
                  <Input
                    aria-label={`Name of part ${index + 1}`}
                    value={part.name}
                    onChange={(next) =>
                      setParts(parts.map((each, at) => at === index ? { ...each, name: next } : each))}
                  />
                  <Input
                    aria-label={`Share of part ${index + 1}`}
                    inputMode="decimal"
                    value={part.share}
                    onChange={(next) =>
                      setParts(parts.map((each, at) => at === index ? { ...each, share: next } : each))}
                  />
                  <IconButton
                    icon="close"
                    label="Remove the part"
                    small
                    disabled={parts.length === 1}
                    onClick={() => setParts(parts.filter((_, at) => at !== index))}
                  />
                </div>
              ))}
              <div className="row">
                <Button small icon="plus" onClick={() => setParts([...parts, { name: "validation", share: "0" }])}>
                  Part
                </Button>
                <span className={sum > 1.0000001 ? "small tone-bad" : "small muted"}>
                  {Math.round(sum * 1000) / 10} % of the rows
                </span>
              </div>
            </div>
            {split === "time"
              ? (
                <Field label="Column of times" required>
                  <Select value={time} onChange={setTime} options={options("time")} />
                </Field>
              )
              : (
                <div className="grid-2">
                  <Field label="Seed">
                    <Input value={seed} onChange={setSeed} inputMode="numeric" />
                  </Field>
                  <Field label="Rows that stay together" help="Columns with commas, such as household_id.">
                    <Input value={unit} onChange={setUnit} />
                  </Field>
                </div>
              )}
            {split === "stratified" && (
              <Field label="Strata: columns with commas" required>
                <Input value={by} onChange={setBy} />
              </Field>
            )}
          </>
        )}
        {kind === "wrong" && (
          <>
            <Field label="Dataset of predictions" required help="Rows are matched by the dataset's key.">
              <Input
                value={wrong.predictions}
                onChange={(predictions) => setWrong({ ...wrong, predictions })}
                placeholder="dataset:scored"
              />
            </Field>
            <div className="grid-2">
              <Field label="Prediction's column" required>
                <Input value={wrong.prediction} onChange={(prediction) => setWrong({ ...wrong, prediction })} />
              </Field>
              <Field label="True value" required>
                <Select value={wrong.truth} onChange={(truth) => setWrong({ ...wrong, truth })} options={options()} />
              </Field>
              <Field label="Tolerance" help="How far off is still right.">
                <Input
                  value={wrong.tolerance}
                  onChange={(tolerance) => setWrong({ ...wrong, tolerance })}
                  inputMode="decimal"
                />
              </Field>
            </div>
          </>
        )}
        <Field label="What it is">
          <TextArea rows={2} value={description} onChange={setDescription} />
        </Field>
        <Field label="What it is for" help="training, evaluation, a gate …">
          <Input value={purpose} onChange={setPurpose} />
        </Field>
        {make.error && <Notice tone="bad">{make.error.message}</Notice>}
      </div>
    </Dialog>
  );
}
