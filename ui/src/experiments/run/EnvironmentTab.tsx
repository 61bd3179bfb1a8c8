import { useFetch } from "../../api/hooks.ts";
import { Panel } from "../../kit/Page.tsx";
import { Empty, Loaded } from "../../kit/States.tsx";
import { CopyButton } from "../../kit/Values.tsx";
import type { Run } from "../api.ts";
import { listArtifacts, textOf } from "../artifacts/read.ts";

const files = ["requirements.txt", "conda.yaml", "python_env.yaml", "pip-freeze.txt", "environment.yaml"];
const facts: [tag: string, name: string][] = [
  ["mlflow.source.name", "Entry point"],
  ["mlflow.source.type", "Started as"],
  ["mlflow.source.git.repoURL", "Repository"],
  ["mlflow.source.git.branch", "Branch"],
  ["mlflow.source.git.commit", "Commit"],
  ["mlflow.user", "User"],
  ["mlflow.docker.image.uri", "Image"],
  ["mlflow.project.entryPoint", "Project entry point"],
];

/** With what code and which packages the run ran, as far as it logged them. */
export function EnvironmentTab({ run }: { run: Run }) {
  const known = facts.filter(([tag]) => run.tags[tag]);
  const found = useFetch(
    `environment of ${run.id}`,
    async (signal) => {
      const owners = [
        { kind: "run" as const, id: run.id },
        ...(run.modelOutputs ?? []).map((id) => ({ kind: "model" as const, id })),
      ];
      const texts = await Promise.all(owners.map(async (owner) => {
        const there = (await listArtifacts(owner, "", signal)).map((item) => item.path);
        return await Promise.all(
          files.filter((path) => there.includes(path)).map(async (path) => ({
            path: owner.kind === "model" ? `logged model / ${path}` : path,
            text: await textOf(owner, path, signal),
          })),
        );
      }));
      return texts.flat();
    },
    { fresh: 60_000 },
  );
  return (
    <div className="stack stack-loose">
      <Panel title="Code">
        {known.length === 0 ? <p className="faint">The run logged nothing about its code.</p> : (
          <dl className="about">
            {known.map(([tag, name]) => (
              <div key={tag} className="about-row">
                <dt>{name}</dt>
                <dd className="row">
                  <code className="ellipsis">{run.tags[tag]}</code>
                  <CopyButton text={run.tags[tag] ?? ""} />
                </dd>
              </div>
            ))}
          </dl>
        )}
      </Panel>
      <Loaded query={found} compact>
        {(list) =>
          list.length === 0
            ? (
              <Empty compact icon="code" title="No list of packages">
                A run that logs a model has one; others log a requirements.txt as an artifact.
              </Empty>
            )
            : list.map(({ path, text }) => (
              <Panel key={path} title={path} tools={<CopyButton text={text} />} flush>
                <pre className="file-text" tabIndex={0}>{text}</pre>
              </Panel>
            ))}
      </Loaded>
    </div>
  );
}
