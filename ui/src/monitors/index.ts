import "./api.ts";
import { get } from "../api/client.ts";
import { type Feature, route } from "../app/feature.ts";
import { pathTo } from "../app/paths.ts";

const feature: Feature = {
  name: "monitors",
  nav: [{
    id: "monitors",
    label: "Monitors",
    icon: "monitor",
    to: (project) => pathTo("/p/:project/monitors", { project }),
  }],
  routes: [
    route("/p/:project/monitors", "Monitors", () => import("./MonitorsPage.tsx")),
    route("/p/:project/monitors/:name", "Monitor", () => import("./MonitorPage.tsx")),
    route("/p/:project/alerts/:id", "Alert", () => import("./AlertPage.tsx")),
  ],
  refs: [
    {
      kind: "monitor",
      icon: "monitor",
      path: (ref, project) => pathTo("/p/:project/monitors/:name", { project, name: ref.name }),
      project: async (ref, signal) =>
        (await get("/api/v1/monitors/{name}", { path: { name: ref.name }, signal })).project,
    },
    {
      kind: "alert",
      icon: "bell",
      path: (ref, project) => pathTo("/p/:project/alerts/:id", { project, id: ref.name }),
      project: async (ref, signal) => (await get("/api/v1/alerts/{id}", { path: { id: ref.name }, signal })).project,
    },
  ],
  actions: [{
    id: "monitor.alerts",
    title: "Open alerts",
    keywords: "drift warning",
    icon: "bell",
    when: ({ project }) => project !== null,
    run: ({ project, navigate }) =>
      navigate(pathTo("/p/:project/monitors", { project: project ?? "" }) + "?tab=alerts"),
  }],
  search: async (text, project, signal) => {
    const { items } = await get("/api/v1/monitors", { query: { project, limit: 200 }, signal });
    return items.filter(({ name, endpoint }) => `${name} ${endpoint}`.toLowerCase().includes(text.toLowerCase()))
      .slice(0, 10).map((monitor) => ({
        ref: `monitor:${monitor.name}`,
        title: monitor.name,
        detail: `watches ${monitor.endpoint}, ${monitor.lastStatus ?? "never evaluated"}`,
        icon: "monitor" as const,
      }));
  },
};

export default feature;
