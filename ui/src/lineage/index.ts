import "./api.ts";
import { type Feature, route } from "../app/feature.ts";
import { pathTo } from "../app/paths.ts";

const feature: Feature = {
  name: "lineage",
  nav: [{
    id: "lineage",
    label: "Lineage",
    icon: "lineage",
    to: (project) => pathTo("/p/:project/lineage", { project }),
  }],
  routes: [route("/p/:project/lineage", "Lineage", () => import("./LineagePage.tsx"))],
  actions: [{
    id: "lineage.open",
    title: "Trace where something came from",
    keywords: "lineage provenance graph upstream downstream",
    icon: "lineage",
    when: ({ project }) => project !== null,
    run: ({ project, navigate }) => navigate(pathTo("/p/:project/lineage", { project: project ?? "" })),
  }],
};

export default feature;
