import { Panel } from "../../kit/Page.tsx";
import { byName } from "../../experiments/fields.ts";
import type { VersionDetail } from "../api.ts";
import { typeText } from "../version/SignatureView.tsx";

interface Line {
  part: string;
  name: string;
  left: string | undefined;
  right: string | undefined;
}

/** What was different when the two versions were made: data, code, parameters, environment, signature, files. */
export function RecipeDifferences({ left, right }: { left: VersionDetail; right: VersionDetail }) {
  const lines = recipeLines(left, right);
  const changed = lines.filter((line) => line.left !== line.right);
  return (
    <Panel title="What was different" flush={changed.length > 0}>
      {changed.length === 0
        ? <p className="faint">Their recipes, signatures and files are the same ({lines.length} facts compared).</p>
        : (
          <div className="evaluation-scroll" tabIndex={0} role="region" aria-label="Differences of the recipes">
            <table className="model-table">
              <thead>
                <tr>
                  <th scope="col">Part</th>
                  <th scope="col">What</th>
                  <th scope="col">version {left.version}</th>
                  <th scope="col">version {right.version}</th>
                </tr>
              </thead>
              <tbody>
                {changed.map((line) => (
                  <tr key={line.part + line.name}>
                    <td className="small muted">{line.part}</td>
                    <td>{line.name}</td>
                    <td>
                      <Value text={line.left} />
                    </td>
                    <td>
                      <Value text={line.right} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      {changed.length > 0 && (
        <p className="small faint same-rows-rest">{lines.length - changed.length} more facts are the same.</p>
      )}
    </Panel>
  );
}

function Value({ text }: { text: string | undefined }) {
  if (text === undefined) return <span className="faint">–</span>;
  return (
    <code className="difference-value" title={text}>
      {/^[0-9a-f]{40,}$/.test(text) ? text.slice(0, 12) + "…" : text}
    </code>
  );
}

function recipeLines(left: VersionDetail, right: VersionDetail): Line[] {
  const part = (name: string, of: (version: VersionDetail) => Record<string, string | null | undefined>): Line[] => {
    const [a, b] = [of(left), of(right)];
    return byName(new Set([...Object.keys(a), ...Object.keys(b)]))
      .map((key) => ({ part: name, name: key, left: a[key] ?? undefined, right: b[key] ?? undefined }));
  };
  return [
    ...part("data", (version) =>
      Object.fromEntries(
        version.recipe.inputs.map((
          input,
        ) => [
          `${input.name.replace(/@.*$/, "")}${input.context ? ` (${input.context})` : ""}`,
          input.name + (input.digest ? ` ${input.digest.slice(0, 8)}` : ""),
        ]),
      )),
    ...part("parameter", (version) => version.recipe.params),
    ...part("code", (version) => ({ ...version.recipe.code, pipeline: version.recipe.pipeline })),
    ...part("environment", (version) => version.recipe.environment),
    ...part("signature", (version) =>
      Object.fromEntries(
        (["inputs", "outputs"] as const).flatMap((side) =>
          (version.signature?.[side] ?? []).map((
            field,
            index,
          ) => [`${side} ${field.name ?? index + 1}`, typeText(field)])
        ),
      )),
    ...part("file", (version) => Object.fromEntries(version.files.map((file) => [file.path, file.digest]))),
  ];
}
