import type { Feature } from "../app/feature.ts";

const feature: Feature = {
  name: "lineage",
  nav: [{
    id: "lineage",
    label: "Lineage",
    icon: "lineage",
    to: (project) => `/p/${encodeURIComponent(project)}/lineage`,
  }],
};

export default feature;
