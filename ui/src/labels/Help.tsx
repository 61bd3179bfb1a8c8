import { Key } from "../kit/Badge.tsx";
import { Dialog } from "../kit/Dialog.tsx";
import { Markdown } from "../kit/Markdown.tsx";
import type { LabelKind, LabelSchema } from "./api.ts";

const common: [string, string][] = [["↵", "submit"], ["s", "skip"], ["u", "take back the last answer"], [
  "?",
  "this help",
]];
const ofShapes: [string, string][] = [
  ["[ ]", "choose the shape before, the next one"],
  ["Delete", "remove the chosen shape"],
  ["Ctrl Z", "undo in this item"],
  ["Esc", "choose none"],
];
const byKind: Partial<Record<LabelKind, [string, string][]>> = {
  boxes: [
    ...ofShapes,
    ["← ↑ → ↓", "move the chosen box by a pixel, with Shift by ten, with Alt its lower right corner"],
    ["Wheel", "zoom; Space and drag moves the picture"],
  ],
  polygons: [
    ...ofShapes,
    ["↵", "close the outline"],
    ["Backspace", "take the last corner back"],
    ["Wheel", "zoom; Space and drag moves the picture"],
  ],
  spans: ofShapes,
  ranges: [...ofShapes, ["← →", "move the chosen part, with Shift by ten, with Alt its end"]],
  text: [["Ctrl ↵", "submit while writing"]],
};

/** What annotators are told, and the keys. */
export function Help({ open, onClose, schema }: { open: boolean; onClose: () => void; schema: LabelSchema }) {
  const keys = [...(byKind[schema.kind] ?? []), ...common];
  return (
    <Dialog open={open} onClose={onClose} title={`How to label: ${schema.name}`} size="medium">
      <div className="stack">
        {schema.instructions
          ? <Markdown text={schema.instructions} />
          : <p className="faint">The schema has no instructions.</p>}
        <table className="help-keys">
          <tbody>
            {(schema.classes ?? []).slice(0, 60).map((one) => (
              <tr key={one.name}>
                <td>{one.hotkey ? <Key>{one.hotkey}</Key> : null}</td>
                <td>
                  <span className="swatch" style={{ background: one.colour }} /> {one.name}
                  {one.about && <span className="faint">: {one.about}</span>}
                </td>
              </tr>
            ))}
            {keys.map(([key, what]) => (
              <tr key={key + what}>
                <td>
                  <Key>{key}</Key>
                </td>
                <td>{what}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Dialog>
  );
}
