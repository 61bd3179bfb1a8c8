import "./api.ts";
import { get } from "../api/client.ts";
import { type Feature, type Found, route } from "../app/feature.ts";
import { pathTo } from "../app/paths.ts";
import { modelPath, routes, versionPath } from "./paths.ts";

const feature: Feature = {
  name: "models",
  nav: [{ id: "models", label: "Models", icon: "model", to: (project) => pathTo(routes.models, { project }) }],
  routes: [
    route(routes.models, "Models", () => import("./ModelsPage.tsx")),
    route(routes.model, "Model", () => import("./ModelPage.tsx")),
    route(routes.version, "Model version", () => import("./version/VersionPage.tsx")),
    route(routes.compare, "Comparison of versions", () => import("./compare/CompareVersionsPage.tsx")),
  ],
  refs: [{
    kind: "model",
    icon: "model",
    path: (ref, project) => ref.selector ? versionPath(project, ref.name, ref.selector) : modelPath(project, ref.name),
    project: (ref, signal) =>
      get("/api/v1/models/{name}", { path: { name: ref.name }, signal }).then((model) => model.project, () => null),
  }],
  search: async (text, project, signal): Promise<Found[]> => {
    const name = text.replaceAll("'", "''");
    const models = await get("/api/v1/models", {
      query: { project, filter: `name ILIKE '%${name}%'`, limit: 8 },
      signal,
    });
    return models.items.map((model): Found => {
      const champion = model.aliases["champion"];
      return {
        ref: model.ref,
        title: model.name,
        detail: champion === undefined ? "model" : `model · champion is version ${champion}`,
        icon: "model",
        to: modelPath(project, model.name),
      };
    });
  },
};

export default feature;
