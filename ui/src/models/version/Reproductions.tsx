import { useMay } from "../../app/project.ts";
import { post } from "../../api/client.ts";
import { useMutation, useQuery } from "../../api/hooks.ts";
import { StateBadge } from "../../kit/Badge.tsx";
import { Button } from "../../kit/Button.tsx";
import { Panel } from "../../kit/Page.tsx";
import { Loaded, Notice } from "../../kit/States.tsx";
import { Duration, RefLink, Time } from "../../kit/Values.tsx";
import type { Model, VersionDetail } from "../api.ts";

/** Reruns of the recipe: whether the same data and code still give the same model. */
export function Reproductions({ model, version }: { model: Model; version: VersionDetail }) {
  const mayRun = useMay("pipelines.run", model.project);
  const path = { name: model.name, version: version.version };
  const query = useQuery(
    "/api/v1/models/{name}/versions/{version}/reproductions",
    { path },
    { live: ["model.reproduction.", "model.reproduced"] },
  );
  const start = useMutation(() => post("/api/v1/models/{name}/versions/{version}/reproduce", { path, json: {} }), {
    invalidates: ["/api/v1/models"],
    onDone: () => query.refresh(),
  });
  const isMade = version.recipe.pipelineRun !== null;
  return (
    <Panel
      title="Reproductions"
      tools={mayRun && isMade
        ? <Button small icon="play" busy={start.running} onClick={() => void start.run()}>Reproduce</Button>
        : null}
    >
      <div className="stack">
        {start.error && <Notice tone="bad">{start.error.message}</Notice>}
        <Loaded query={query} compact>
          {({ items }) =>
            items.length === 0
              ? (
                <p className="faint">
                  {isMade
                    ? "Nobody has run the recipe again. “Reproduce” runs the recorded pipeline on the recorded data and compares the files and metrics."
                    : "Only versions that a pipeline made can be reproduced: their recipe has everything that it takes."}
                </p>
              )
              : (
                <table className="model-table">
                  <thead>
                    <tr>
                      <th scope="col">Verdict</th>
                      <th scope="col">Started</th>
                      <th scope="col">Took</th>
                      <th scope="col">Pipeline run</th>
                      <th scope="col">What it showed</th>
                    </tr>
                  </thead>
                  <tbody>
                    {items.map((each) => (
                      <tr key={each.id}>
                        <td>
                          <StateBadge state={each.verdict ?? each.state} />
                        </td>
                        <td>
                          <Time at={each.created} /> by {each.startedBy}
                        </td>
                        <td>
                          <Duration from={each.created} to={each.ended} />
                        </td>
                        <td>
                          <RefLink value={each.pipelineRun} />
                        </td>
                        <td className="small">
                          {each.problem ??
                            (each.result &&
                              `${each.result.filesCompared} files and ${each.result.metricsCompared} metrics compared`)}
                          {each.result?.firstDifference && (
                            <div className="tone-bad">
                              {each.result.firstDifference.name}: {each.result.firstDifference.recorded} then,{" "}
                              {each.result.firstDifference.rerun} now
                            </div>
                          )}
                        </td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              )}
        </Loaded>
      </div>
    </Panel>
  );
}
