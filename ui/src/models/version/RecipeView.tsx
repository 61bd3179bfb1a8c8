import { Panel } from "../../kit/Page.tsx";
import { CopyButton, Digest, KeyValues, Num, RefLink } from "../../kit/Values.tsx";
import { byName } from "../../experiments/fields.ts";
import type { VersionDetail } from "../api.ts";

/** From what and how the version was made, as it was written down when it was registered. */
export function RecipeView({ version }: { version: VersionDetail }) {
  const { recipe } = version;
  const { code } = recipe;
  const params = byName(Object.keys(recipe.params));
  const metrics = byName(Object.keys(recipe.metrics).filter((key) => !key.startsWith("system/")));
  const none = (text: string) => <p className="faint">{text}</p>;
  return (
    <div className="recipe">
      <Panel title="Data">
        {recipe.inputs.length === 0 ? none("No dataset is recorded.") : (
          <ul className="stack">
            {recipe.inputs.map((input, index) => (
              <li key={index} className="row row-between">
                <RefLink value={input.name} />
                <span className="row">
                  {input.context && <span className="small muted">{input.context}</span>}
                  <Digest value={input.digest} />
                </span>
              </li>
            ))}
          </ul>
        )}
      </Panel>
      <Panel title="Made by">
        <KeyValues
          items={[
            ["Run", version.run && <RefLink key="run" value={version.run} />],
            ["Logged model", version.loggedModel && <RefLink key="model" value={version.loggedModel} />],
            ["Pipeline run", recipe.pipelineRun && <RefLink key="pipelineRun" value={recipe.pipelineRun} />],
            ["Pipeline", recipe.pipeline && <RefLink key="pipeline" value={recipe.pipeline} />],
            ["Step", recipe.step],
            ["Source", <code key="source" className="ref">{version.source}</code>],
          ]}
        />
      </Panel>
      <Panel title="Code">
        {Object.values(code).every((value) => value === null) ? none("Nothing is recorded of the code.") : (
          <KeyValues
            items={[
              ["Entry point", code.entryPoint && <code key="entry">{code.entryPoint}</code>],
              ["Repository", code.gitRepository],
              ["Branch", code.gitBranch],
              [
                "Commit",
                code.gitCommit && (
                  <span key="commit" className="row">
                    <code>{code.gitCommit.slice(0, 12)}</code>
                    <CopyButton text={code.gitCommit} />
                  </span>
                ),
              ],
              ["Code of the pipeline", code.pipelineCode && <Digest key="code" value={code.pipelineCode} />],
            ]}
          />
        )}
      </Panel>
      <Panel title="Environment">
        {Object.keys(recipe.environment).length === 0 ? none("No environment is recorded.") : (
          <KeyValues
            items={[
              ["All of it", recipe.environmentDigest && <Digest key="all" value={recipe.environmentDigest} />],
              ...byName(Object.keys(recipe.environment)).map((name): [string, React.ReactNode] => [
                name,
                <Digest key={name} value={recipe.environment[name]} />,
              ]),
            ]}
          />
        )}
      </Panel>
      <Panel title="Parameters">
        {params.length === 0 ? none("No parameter is recorded.") : (
          <KeyValues
            items={[
              ...(recipe.seed !== null
                ? [["Seed", <code key="seed">{recipe.seed}</code>] as [string, React.ReactNode]]
                : []),
              ...params.map((key): [string, React.ReactNode] => [key, <code key={key}>{recipe.params[key]}</code>]),
            ]}
          />
        )}
      </Panel>
      <Panel title="Metrics of training">
        {metrics.length === 0
          ? none("No metric is recorded.")
          : <KeyValues items={metrics.map((key) => [key, <Num key={key} value={recipe.metrics[key]} digits={6} />])} />}
      </Panel>
    </div>
  );
}
