import { type FormEvent, useState } from "react";
import type { ApiError } from "../api/errors.ts";
import { Button } from "./Button.tsx";
import { Checkbox, Field, Input, Select, TextArea } from "./Field.tsx";
import { type FormField, type FormValue, initialValues, readValues } from "./formValues.ts";
import { Notice } from "./States.tsx";

export type { FormField } from "./formValues.ts";

export interface FormProps {
  fields: readonly FormField[];
  /** The button's verb: "Create", "Predict". */
  action: string;
  /** Values by field name, of the fields' types; what was left empty is absent. */
  onSubmit: (values: Record<string, FormValue>) => void | Promise<unknown>;
  busy?: boolean;
  /** A refusal; if it names a field of the form, it stands there. */
  error?: ApiError | undefined;
  onCancel?: () => void;
  /** Several fields a line where there is room. */
  columns?: boolean;
}

/** A form made from a list of typed fields: a model's signature, a pipeline's parameters. Checks before it sends. */
export function Form({ fields, action, onSubmit, busy, error, onCancel, columns }: FormProps) {
  const [texts, setTexts] = useState(() => initialValues(fields));
  const [problems, setProblems] = useState<Record<string, string>>({});
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const read = readValues(fields, texts);
    setProblems(read.problems);
    const first = Object.keys(read.problems)[0];
    if (first === undefined) void onSubmit(read.values);
    else event.currentTarget.querySelector<HTMLElement>(`[name="${CSS.escape(first)}"]`)?.focus();
  };
  const set = (name: string, value: string) => {
    setTexts((old) => ({ ...old, [name]: value }));
    setProblems(({ [name]: _, ...rest }) => rest);
  };
  const isOfForm = error?.field && fields.some(({ name }) => name === error.field);
  return (
    <form className="form" onSubmit={submit} noValidate>
      <div className={columns ? "form-columns" : "stack"}>
        {fields.map((field) => {
          const value = texts[field.name] ?? "";
          const problem = problems[field.name] ?? (error?.field === field.name ? error.message : undefined);
          if (field.type === "boolean") {
            return (
              <div key={field.name} className="field">
                <Checkbox checked={value === "true"} onChange={(on) => set(field.name, String(on))}>
                  {field.label ?? field.name}
                </Checkbox>
                {field.help && <div className="field-help">{field.help}</div>}
              </div>
            );
          }
          return (
            <Field
              key={field.name}
              label={field.label ?? field.name}
              help={field.help}
              error={problem}
              required={field.required}
            >
              {field.options
                ? (
                  <Select
                    name={field.name}
                    value={value}
                    onChange={(next) => set(field.name, next)}
                    options={[
                      ...(field.required ? [] : [{ value: "", label: "–" }]),
                      ...field.options.map((option) => ({ value: option, label: option })),
                    ]}
                  />
                )
                : field.type === "json" || field.multiline
                ? (
                  <TextArea
                    name={field.name}
                    value={value}
                    mono={field.type === "json"}
                    placeholder={field.placeholder}
                    onChange={(next) => set(field.name, next)}
                  />
                )
                : (
                  <Input
                    name={field.name}
                    value={value}
                    placeholder={field.placeholder}
                    mono={field.type === "ref"}
                    inputMode={field.type === "integer" ? "numeric" : field.type === "number" ? "decimal" : undefined}
                    onChange={(next) => set(field.name, next)}
                  />
                )}
            </Field>
          );
        })}
      </div>
      {error && !isOfForm && <Notice tone="bad">{error.message}</Notice>}
      <div className="row row-end">
        {onCancel && <Button onClick={onCancel}>Cancel</Button>}
        <Button kind="primary" submit busy={busy}>{action}</Button>
      </div>
    </form>
  );
}
