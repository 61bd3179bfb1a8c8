import "./api.ts";
import { type Action, type Feature, route } from "../app/feature.ts";
import { pathTo } from "../app/paths.ts";

const tab = (id: string, title: string, keywords: string): Action => ({
  id: `admin.${id}`,
  title,
  keywords,
  icon: "admin",
  when: ({ project }) => project !== null,
  run: ({ project, navigate }) => navigate(pathTo("/p/:project/admin", { project: project ?? "" }) + `?tab=${id}`),
});

const feature: Feature = {
  name: "admin",
  nav: [{ id: "admin", label: "Admin", icon: "admin", to: (project) => pathTo("/p/:project/admin", { project }) }],
  routes: [route("/p/:project/admin", "Admin", () => import("./AdminPage.tsx"))],
  actions: [
    tab("members", "Members and roles", "users accounts access permission"),
    tab("tokens", "Tokens", "api key access"),
    tab("storage", "Storage and garbage collection", "disk objects gc clean"),
    tab("jobs", "Jobs and queues", "running waiting work"),
    tab("webhooks", "Webhooks", "notify http hook"),
    tab("secrets", "Secrets", "password credential source"),
    tab("server", "Server health", "metrics memory latency status"),
  ],
};

export default feature;
