import { useMemo, useState } from "react";
import { Button } from "../../kit/Button.tsx";
import { Dialog } from "../../kit/Dialog.tsx";
import { Checkbox, Field, Input, Select } from "../../kit/Field.tsx";
import { Segmented } from "../../kit/Tabs.tsx";
import type { Run } from "../api.ts";
import { isSystemMetric, type Keys, metricField, paramField } from "../fields.ts";
import { isPanel, type Panel, panelNames, type PanelType, proposed } from "./panels.ts";

export interface PanelDialogProps {
  /** The chart to change; null: a new one. */
  panel: Panel | null;
  keys: Keys;
  numericParams: readonly string[];
  runs: readonly Run[];
  onClose: () => void;
  onSave: (panel: Panel) => void;
}

const types = Object.keys(panelNames) as PanelType[];

/** Asks what a chart shows. */
export function PanelDialog({ panel, keys, numericParams, onClose, onSave }: PanelDialogProps) {
  const [draft, setDraft] = useState<Panel>(panel ?? proposed("scatter", keys, numericParams));
  const numbers = useMemo(() => [
    ...keys.metrics.filter((key) => !isSystemMetric(key)).map((key) => ({ value: metricField(key).id, label: key })),
    ...numericParams.map((key) => ({ value: paramField(key).id, label: `${key} (parameter)` })),
    { value: "start_time", label: "start time" },
    { value: "duration", label: "duration" },
    ...keys.metrics.filter(isSystemMetric).map((key) => ({ value: metricField(key).id, label: key })),
  ], [keys, numericParams]);
  const anything = useMemo(() => [
    ...numbers,
    ...keys.params.filter((key) => !numericParams.includes(key)).map((key) => ({
      value: paramField(key).id,
      label: `${key} (parameter)`,
    })),
    { value: "status", label: "status" },
    { value: "user_id", label: "user" },
  ], [numbers, keys, numericParams]);
  return (
    <Dialog
      open
      onClose={onClose}
      title={panel ? "Change the chart" : "Add a chart"}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" disabled={!isPanel(draft)} onClick={() => onSave(draft)}>
            {panel ? "Change" : "Add"}
          </Button>
        </>
      }
    >
      <div className="stack">
        <div className="panel-types">
          <Segmented
            label="Kind of chart"
            value={draft.type}
            onChange={(type) => setDraft(proposed(type, keys, numericParams))}
            options={types.map((type) => ({ id: type, label: panelNames[type] }))}
          />
        </div>
        <PanelFields draft={draft} onChange={setDraft} numbers={numbers} anything={anything} metrics={keys.metrics} />
      </div>
    </Dialog>
  );
}

type Choice = { value: string; label: string };

function PanelFields(
  { draft, onChange, numbers, anything, metrics }: {
    draft: Panel;
    onChange: (panel: Panel) => void;
    numbers: Choice[];
    anything: Choice[];
    metrics: string[];
  },
) {
  const choose = (label: string, value: string, options: Choice[], set: (value: string) => void) => (
    <Field label={label}>
      <Select value={value} onChange={set} options={options} />
    </Field>
  );
  switch (draft.type) {
    case "line":
      return (
        <Many
          label="Metrics on one chart"
          chosen={draft.metrics}
          options={metrics.map((key) => ({ value: key, label: key }))}
          onChange={(chosen) => onChange({ ...draft, metrics: chosen })}
        />
      );
    case "bar":
      return choose("Value", draft.field, numbers, (field) => onChange({ ...draft, field }));
    case "scatter":
      return (
        <div className="grid-3">
          {choose("Horizontal", draft.x, anything, (x) => onChange({ ...draft, x }))}
          {choose("Vertical", draft.y, numbers, (y) => onChange({ ...draft, y }))}
          {choose("Colour", draft.color ?? "", [{ value: "", label: "by run" }, ...anything], (color) => {
            const { color: _, ...rest } = draft;
            onChange(color ? { ...rest, color } : rest);
          })}
        </div>
      );
    case "parallel":
      return (
        <>
          <Many
            label="Axes, from left to right"
            chosen={draft.fields}
            options={anything}
            onChange={(fields) => onChange({ ...draft, fields })}
          />
          {choose("Colour by", draft.color, numbers, (color) => onChange({ ...draft, color }))}
        </>
      );
    case "contour":
      return (
        <div className="grid-3">
          {choose("Horizontal", draft.x, numbers, (x) => onChange({ ...draft, x }))}
          {choose("Vertical", draft.y, numbers, (y) => onChange({ ...draft, y }))}
          {choose("Height", draft.z, numbers, (z) => onChange({ ...draft, z }))}
        </div>
      );
    case "confusion":
      return (
        <>
          <Field
            label="Artifact"
            help="JSON with labels and a matrix, or a logged table with one column of truth and one of predictions."
          >
            <Input mono value={draft.path} onChange={(path) => onChange({ ...draft, path })} />
          </Field>
          <div className="grid-2">
            <Field label="Column of the truth" help="Only for tables.">
              <Input value={draft.actual ?? ""} onChange={(actual) => onChange({ ...draft, actual })} />
            </Field>
            <Field label="Column of the predictions" help="Only for tables.">
              <Input value={draft.predicted ?? ""} onChange={(predicted) => onChange({ ...draft, predicted })} />
            </Field>
          </div>
        </>
      );
    case "images":
      return (
        <Field label="Key" help="As given to mlflow.log_image(image, key=…).">
          <Input value={draft.key} onChange={(key) => onChange({ ...draft, key })} />
        </Field>
      );
    case "table":
      return (
        <Field label="Artifact" help="A table from mlflow.log_table, or a CSV file.">
          <Input mono value={draft.path} onChange={(path) => onChange({ ...draft, path })} />
        </Field>
      );
  }
}

function Many(
  { label, chosen, options, onChange }: {
    label: string;
    chosen: readonly string[];
    options: Choice[];
    onChange: (chosen: string[]) => void;
  },
) {
  return (
    <fieldset className="field">
      <legend className="field-label">{label}</legend>
      <div className="many-fields">
        {options.map((option) => (
          <Checkbox
            key={option.value}
            checked={chosen.includes(option.value)}
            onChange={(isChosen) =>
              onChange(isChosen ? [...chosen, option.value] : chosen.filter((each) => each !== option.value))}
          >
            {option.label}
          </Checkbox>
        ))}
      </div>
    </fieldset>
  );
}
