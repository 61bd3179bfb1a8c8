import { type Feature, route } from "../app/feature.ts";

const feature: Feature = {
  name: "home",
  nav: [{ id: "home", label: "Home", icon: "home", to: (project) => `/p/${encodeURIComponent(project)}` }],
  routes: [
    route("/", "Projects", () => import("./ProjectsPage.tsx")),
    route("/p/:project", "Home", () => import("./HomePage.tsx")),
  ],
  refs: [{ kind: "project", icon: "folder", path: (ref) => `/p/${encodeURIComponent(ref.name)}` }],
};

export default feature;
