import { Panel } from "../../kit/Page.tsx";
import type { Signature, SignatureField } from "../api.ts";

/** What the model takes and gives. */
export function SignatureView({ signature }: { signature: Signature | null }) {
  const parts: [string, SignatureField[]][] = [
    ["Takes", signature?.inputs ?? []],
    ["Gives", signature?.outputs ?? []],
    ["Parameters", signature?.params ?? []],
  ];
  const known = parts.filter(([, fields]) => fields.length > 0);
  return (
    <Panel title="Signature" flush={known.length > 0}>
      {known.length === 0
        ? (
          <p className="faint">
            None. Log the model with <code>signature=</code> or{" "}
            <code>input_example=</code>, and endpoints check what they are sent.
          </p>
        )
        : (
          <table className="model-table">
            {known.map(([title, fields]) => (
              <tbody key={title}>
                <tr className="table-part">
                  <th colSpan={3} scope="colgroup">{title}</th>
                </tr>
                {fields.map((field, index) => (
                  <tr key={index}>
                    <td>{field.name ?? <span className="faint">{index + 1}</span>}</td>
                    <td>
                      <code>{typeText(field)}</code>
                    </td>
                    <td className="small muted">
                      {field.required === false ? "optional" : ""}
                      {field.default !== undefined ? `default ${JSON.stringify(field.default)}` : ""}
                    </td>
                  </tr>
                ))}
              </tbody>
            ))}
          </table>
        )}
    </Panel>
  );
}

/** A column's type, or a tensor's with its shape; -1 is any length. */
export function typeText(field: SignatureField): string {
  const tensor = field["tensor-spec"];
  if (!tensor) return field.type;
  return `${tensor.dtype}[${tensor.shape.map((length) => length === -1 ? "any" : String(length)).join(" × ")}]`;
}
