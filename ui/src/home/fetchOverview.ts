import { get } from "../api/client.ts";
import { ApiError } from "../api/errors.ts";
import type { Listed, ModelSeen, ModelVersionSeen, Overview } from "./overview.ts";

/** Rows of each listing that are looked at; more are told as "200+". */
const limit = 200;
/** Models whose newest version is looked at. */
const mostModels = 12;

/** Everything that Home says of a project's stages, asked at once. What one may not see counts as empty. */
export async function fetchOverview(project: string, signal: AbortSignal): Promise<Overview> {
  const query = { project, limit };
  const models = listed<ModelSeen>(get("/api/v1/models", { query, signal }));
  const experiments = listed<{ id: string }>(get("/api/v1/experiments", { query, signal }));
  const [sources, datasets, labelTasks, pipelines, pipelineRuns, runs, newest, endpoints, monitors, alerts] =
    await Promise.all([
      listed<Overview["sources"]["items"][number]>(get("/api/v1/sources", { query: { project }, signal })),
      listed<Overview["datasets"]["items"][number]>(get("/api/v1/datasets", { query, signal })),
      listed<Overview["labelTasks"]["items"][number]>(get("/api/v1/label-tasks", { query, signal })),
      listed<unknown>(get("/api/v1/pipelines", { query: { project }, signal })),
      listed<Overview["pipelineRuns"]["items"][number]>(
        get("/api/v1/pipeline-runs", { query: { project, limit: 50 }, signal }),
      ),
      experiments.then(({ items }) =>
        items.length === 0 ? { items: [], more: false } : listed<Overview["runs"]["items"][number]>(
          get("/api/v1/runs", { query: { experiment: items.slice(0, 50).map(({ id }) => id), limit }, signal }),
        )
      ),
      models.then(({ items }) => newestVersions(items.slice(0, mostModels), signal)),
      listed<Overview["endpoints"]["items"][number]>(get("/api/v1/endpoints", { query, signal })),
      listed<Overview["monitors"]["items"][number]>(get("/api/v1/monitors", { query, signal })),
      listed<Overview["alerts"]["items"][number]>(get("/api/v1/alerts", { query: { project, limit: 50 }, signal })),
    ]);
  return {
    sources,
    datasets,
    labelTasks,
    pipelines,
    pipelineRuns,
    experiments: await experiments,
    runs,
    models: await models,
    newest,
    endpoints,
    monitors,
    alerts,
  };
}

async function newestVersions(models: readonly ModelSeen[], signal: AbortSignal): Promise<ModelVersionSeen[]> {
  const pages = await Promise.all(
    models.map(({ name }) =>
      listed<ModelVersionSeen>(get("/api/v1/models/{name}/versions", { path: { name }, query: { limit: 1 }, signal }))
    ),
  );
  return pages.flatMap(({ items }) => items);
}

async function listed<T>(asked: Promise<unknown>): Promise<Listed<T>> {
  try {
    const page = await asked as { items: T[]; next?: string };
    return { items: page.items, more: page.next !== undefined };
  } catch (error) {
    if (error instanceof ApiError && error.code === "forbidden") return { items: [], more: false };
    throw error;
  }
}
