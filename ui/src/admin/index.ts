import type { Feature } from "../app/feature.ts";

const feature: Feature = {
  name: "admin",
  nav: [{ id: "admin", label: "Admin", icon: "admin", to: (project) => `/p/${encodeURIComponent(project)}/admin` }],
};

export default feature;
