import "./api.ts";
import { get } from "../api/client.ts";
import { type Feature, route } from "../app/feature.ts";
import { pathTo } from "../app/paths.ts";

const feature: Feature = {
  name: "endpoints",
  nav: [{
    id: "endpoints",
    label: "Endpoints",
    icon: "endpoint",
    to: (project) => pathTo("/p/:project/endpoints", { project }),
  }],
  routes: [
    route("/p/:project/endpoints", "Endpoints", () => import("./EndpointsPage.tsx")),
    route("/p/:project/endpoints/:name", "Endpoint", () => import("./EndpointPage.tsx")),
    route("/p/:project/predictions/:id", "Prediction", () => import("./PredictionPage.tsx")),
  ],
  refs: [
    {
      kind: "endpoint",
      icon: "endpoint",
      path: (ref, project) => pathTo("/p/:project/endpoints/:name", { project, name: ref.name }),
      project: async (ref, signal) =>
        (await get("/api/v1/endpoints/{name}", { path: { name: ref.name }, signal })).project,
    },
    {
      kind: "prediction",
      icon: "target",
      path: (ref, project) => pathTo("/p/:project/predictions/:id", { project, id: ref.name }),
      project: async (ref, signal) =>
        (await get("/api/v1/predictions/{id}", { path: { id: ref.name }, signal })).project,
    },
  ],
  search: async (text, project, signal) => {
    const { items } = await get("/api/v1/endpoints", { query: { project, limit: 200 }, signal });
    return items.filter(({ name }) => name.toLowerCase().includes(text.toLowerCase())).slice(0, 10).map((endpoint) => ({
      ref: endpoint.ref,
      title: endpoint.name,
      detail: `${endpoint.model}, ${endpoint.state}`,
      icon: "endpoint" as const,
    }));
  },
};

export default feature;
