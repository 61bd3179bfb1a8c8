import "./api.ts";
import { get } from "../api/client.ts";
import { type Feature, type Found, route } from "../app/feature.ts";
import { pathTo } from "../app/paths.ts";
import { literal } from "./fields.ts";
import { experimentPath, routes, runPath } from "./paths.ts";

const feature: Feature = {
  name: "experiments",
  nav: [{
    id: "experiments",
    label: "Experiments",
    icon: "experiment",
    to: (project) => pathTo(routes.experiments, { project }),
  }],
  routes: [
    route(routes.experiments, "Experiments", () => import("./ExperimentsPage.tsx")),
    route(routes.experiment, "Experiment", () => import("./ExperimentPage.tsx")),
    route(routes.report, "Report", () => import("./reports/ReportPage.tsx")),
    route(routes.run, "Run", () => import("./run/RunPage.tsx")),
    route(routes.compare, "Comparison of runs", () => import("./compare/ComparePage.tsx")),
  ],
  refs: [
    {
      kind: "run",
      icon: "experiment",
      path: (ref, project) => runPath(project, ref.name),
      project: (ref, signal) =>
        get("/api/v1/runs/{id}", { path: { id: ref.name }, signal }).then((run) => run.project, () => null),
    },
    {
      kind: "experiment",
      icon: "experiment",
      path: (ref, project) => experimentPath(project, ref.name),
      project: (ref, signal) =>
        get("/api/v1/experiments/{id}", { path: { id: ref.name }, signal })
          .then((experiment) => experiment.project, () => null),
    },
  ],
  search: async (text, project, signal): Promise<Found[]> => {
    const name = literal(`%${text}%`);
    const experiments = await get("/api/v1/experiments", {
      query: { project, filter: `name ILIKE ${name}`, limit: 5 },
      signal,
    });
    const all = await get("/api/v1/experiments", { query: { project, limit: 20 }, signal });
    const runs = all.items.length === 0 ? { items: [] } : await get("/api/v1/runs", {
      query: {
        experiment: all.items.map((experiment) => experiment.id),
        filter: `run_name ILIKE ${name} OR run_id = ${literal(text)}`,
        limit: 5,
      },
      signal,
    });
    return [
      ...experiments.items.map((experiment): Found => ({
        ref: experiment.ref,
        title: experiment.name,
        detail: "experiment",
        icon: "experiment",
        to: experimentPath(project, experiment.id),
      })),
      ...runs.items.map((run): Found => ({
        ref: run.ref,
        title: run.name,
        detail: `run · ${run.status.toLowerCase()}`,
        icon: "experiment",
        to: runPath(project, run.id),
      })),
    ];
  },
};

export default feature;
