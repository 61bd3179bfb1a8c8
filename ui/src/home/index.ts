import { type Feature, route } from "../app/feature.ts";

const feature: Feature = {
  name: "home",
  nav: [{ id: "home", label: "Home", icon: "home", to: (project) => `/p/${encodeURIComponent(project)}` }],
  routes: [
    route("/", "Projects", () => import("./ProjectsPage.tsx")),
    route("/p/:project", "Home", () => import("./HomePage.tsx")),
  ],
  actions: [
    {
      id: "new-project",
      title: "New project",
      icon: "plus",
      keywords: "create charter goals",
      run: ({ navigate }) => navigate("/?new=1"),
    },
  ],
  refs: [{ kind: "project", icon: "folder", path: (ref) => `/p/${encodeURIComponent(ref.name)}` }],
};

export default feature;
