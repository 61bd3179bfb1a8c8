import type { Feature } from "../app/feature.ts";

const feature: Feature = {
  name: "ledger",
  nav: [{ id: "ledger", label: "Ledger", icon: "ledger", to: (project) => `/p/${encodeURIComponent(project)}/ledger` }],
};

export default feature;
