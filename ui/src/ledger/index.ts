import "./api.ts";
import { type Feature, route } from "../app/feature.ts";
import { pathTo } from "../app/paths.ts";

const feature: Feature = {
  name: "ledger",
  nav: [{ id: "ledger", label: "Ledger", icon: "ledger", to: (project) => pathTo("/p/:project/ledger", { project }) }],
  routes: [route("/p/:project/ledger", "Ledger", () => import("./LedgerPage.tsx"))],
  refs: [{
    kind: "event",
    icon: "ledger",
    path: (ref, project) => pathTo("/p/:project/ledger", { project }) + `?event=${encodeURIComponent(ref.name)}`,
  }],
  actions: [{
    id: "ledger.verify",
    title: "Verify the ledger",
    keywords: "audit chain hash tamper",
    icon: "ledger",
    when: ({ project }) => project !== null,
    run: ({ project, navigate }) => navigate(pathTo("/p/:project/ledger", { project: project ?? "" }) + "?verify=1"),
  }],
};

export default feature;
