import { Key } from "../../kit/Badge.tsx";
import { wordsOf } from "../values.ts";
import { classByKey, type EditorProps, useKeys } from "./editor.ts";

/** One class, or any number of them: a key or a click each. */
export function ChoiceEditor({ schema, value, onChange, readOnly }: EditorProps) {
  const isMany = schema.kind === "multi-class";
  const chosen = isMany ? wordsOf(value) : typeof value === "string" ? [value] : [];
  const choose = (name: string) => {
    if (!isMany) return onChange(name, true);
    const names = chosen.includes(name) ? chosen.filter((one) => one !== name) : [...chosen, name];
    onChange((schema.classes ?? []).map((one) => one.name).filter((one) => names.includes(one)));
  };
  useKeys((_, event) => {
    const name = classByKey(schema, event);
    if (name === undefined) return false;
    choose(name);
    return true;
  }, !readOnly);
  return (
    <div className="choices" role={isMany ? "group" : "radiogroup"} aria-label="Classes">
      {(schema.classes ?? []).map((one) => {
        const isChosen = chosen.includes(one.name);
        return (
          <button
            key={one.name}
            type="button"
            role={isMany ? "checkbox" : "radio"}
            aria-checked={isChosen}
            title={one.about}
            className={isChosen ? "choice choice-chosen" : "choice"}
            disabled={readOnly}
            onClick={() => choose(one.name)}
          >
            <span className="swatch" style={{ background: one.colour }} />
            <span className="choice-name">{one.name}</span>
            {one.hotkey && !readOnly && <Key>{one.hotkey}</Key>}
          </button>
        );
      })}
    </div>
  );
}
