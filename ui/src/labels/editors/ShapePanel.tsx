import { Key } from "../../kit/Badge.tsx";
import { IconButton } from "../../kit/Button.tsx";
import { Checkbox, Field, Input, Select } from "../../kit/Field.tsx";
import type { LabelAttribute, LabelSchema } from "../api.ts";
import type { Shape } from "../values.ts";
import { colourOf } from "./editor.ts";
import type { ShapesState } from "./shapes.ts";

/** The classes to draw with, and what was drawn: chosen, renamed, described, removed without the mouse on the picture. */
export function ShapePanel<S extends Shape>(
  { schema, state, describe, empty, readOnly }: {
    schema: LabelSchema;
    state: ShapesState<S>;
    /** Where a shape is, in words. */
    describe: (shape: S) => string;
    empty: string;
    readOnly?: boolean | undefined;
  },
) {
  return (
    <div className="shape-panel">
      {!readOnly && (
        <div className="choices choices-narrow" role="radiogroup" aria-label="Class of the next shape">
          {(schema.classes ?? []).map((one) => (
            <button
              key={one.name}
              type="button"
              role="radio"
              aria-checked={one.name === state.active}
              title={one.about}
              className={one.name === state.active ? "choice choice-chosen" : "choice"}
              onClick={() => {
                state.setActive(one.name);
                const shape = state.selected === null ? undefined : state.shapes[state.selected];
                if (shape && state.selected !== null) state.replace(state.selected, { ...shape, class: one.name });
              }}
            >
              <span className="swatch" style={{ background: one.colour }} />
              <span className="choice-name">{one.name}</span>
              {one.hotkey && <Key>{one.hotkey}</Key>}
            </button>
          ))}
        </div>
      )}
      {state.shapes.length === 0
        ? <p className="faint shape-none">{readOnly ? "None." : empty}</p>
        : (
          <ul className="shape-list" aria-label="What was drawn">
            {state.shapes.map((shape, index) => (
              <li key={index} className={index === state.selected ? "shape-row shape-row-chosen" : "shape-row"}>
                <button
                  type="button"
                  className="shape-name"
                  onClick={() =>
                    state.select(index)}
                >
                  <span className="swatch" style={{ background: colourOf(schema, shape.class) }} />
                  <span>{shape.class}</span>
                  <span className="faint ellipsis">{describe(shape)}</span>
                </button>
                {!readOnly && (
                  <IconButton
                    icon="trash"
                    small
                    label={`Remove ${shape.class}`}
                    onClick={() => state.remove(index)}
                  />
                )}
                {index === state.selected && (schema.attributes ?? []).map((attribute) => (
                  <AttributeField
                    key={attribute.name}
                    attribute={attribute}
                    value={shape.attributes?.[attribute.name]}
                    onChange={(value) => {
                      const { [attribute.name]: _, ...others } = shape.attributes ?? {};
                      state.replace(index, {
                        ...shape,
                        attributes: value === undefined ? others : { ...others, [attribute.name]: value },
                      });
                    }}
                  />
                ))}
              </li>
            ))}
          </ul>
        )}
    </div>
  );
}

function AttributeField(
  { attribute, value, onChange }: {
    attribute: LabelAttribute;
    value: string | number | boolean | undefined;
    onChange: (value: string | number | boolean | undefined) => void;
  },
) {
  if (attribute.kind === "flag") {
    return <Checkbox checked={value === true} onChange={onChange}>{attribute.name}</Checkbox>;
  }
  if (attribute.kind === "choice") {
    const options = [
      { value: "", label: "–" },
      ...(attribute.choices ?? []).map((one) => ({ value: one, label: one })),
    ];
    return (
      <Field label={attribute.name} required={attribute.required ?? false}>
        <Select value={String(value ?? "")} options={options} onChange={(text) => onChange(text || undefined)} />
      </Field>
    );
  }
  const take = (text: string) => {
    if (text === "") onChange(undefined);
    else if (attribute.kind === "text") onChange(text);
    else if (Number.isFinite(Number(text))) onChange(Number(text));
  };
  return (
    <Field label={attribute.name} required={attribute.required ?? false}>
      <Input value={String(value ?? "")} onChange={take} />
    </Field>
  );
}
