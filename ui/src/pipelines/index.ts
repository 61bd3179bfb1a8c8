import "./api.ts";
import { get } from "../api/client.ts";
import { type Feature, route } from "../app/feature.ts";
import { pathTo } from "../app/paths.ts";

const feature: Feature = {
  name: "pipelines",
  nav: [{
    id: "pipelines",
    label: "Pipelines",
    icon: "pipeline",
    to: (project) => pathTo("/p/:project/pipelines", { project }),
  }],
  routes: [
    route("/p/:project/pipelines", "Pipelines", () => import("./PipelinesPage.tsx")),
    route("/p/:project/pipelines/:name", "Pipeline", () => import("./PipelinePage.tsx")),
    route("/p/:project/pipelines/:name/edit", "Edit pipeline", () => import("./EditPage.tsx")),
    route("/p/:project/pipeline-new", "New pipeline", () => import("./NewPage.tsx")),
    route("/p/:project/pipeline-runs/:id", "Pipeline run", () => import("./RunPage.tsx")),
  ],
  refs: [
    {
      kind: "pipeline",
      icon: "pipeline",
      path: (ref, project) =>
        pathTo("/p/:project/pipelines/:name", { project, name: ref.name }) +
        (ref.selector ? `?version=${encodeURIComponent(ref.selector)}` : ""),
      project: async (ref, signal) =>
        (await get("/api/v1/pipelines/{name}", { path: { name: ref.name }, signal })).project,
    },
    {
      kind: "pipeline-run",
      icon: "play",
      path: (ref, project) => pathTo("/p/:project/pipeline-runs/:id", { project, id: ref.name }),
      project: async (ref, signal) =>
        (await get("/api/v1/pipeline-runs/{id}", { path: { id: ref.name }, signal })).project,
    },
  ],
  actions: [{
    id: "pipeline.new",
    title: "New pipeline",
    keywords: "create yaml dag",
    icon: "pipeline",
    when: ({ project }) => project !== null,
    run: ({ project, navigate }) => navigate(pathTo("/p/:project/pipeline-new", { project: project ?? "" })),
  }, {
    id: "pipeline.runs",
    title: "Pipeline runs that run now",
    keywords: "queue jobs",
    icon: "play",
    when: ({ project }) => project !== null,
    run: ({ project, navigate }) =>
      navigate(pathTo("/p/:project/pipelines", { project: project ?? "" }) + "?tab=runs&state=running"),
  }],
  search: async (text, project, signal) => {
    const { items } = await get("/api/v1/pipelines", { query: { project }, signal });
    const wanted = text.toLowerCase();
    return items.filter(({ name, definition }) =>
      name.toLowerCase().includes(wanted) || (definition.description ?? "").toLowerCase().includes(wanted)
    ).slice(0, 10).map(({ name, version, definition }) => ({
      ref: `pipeline:${name}`,
      title: name,
      detail: `version ${version}, ${definition.steps.length} steps`,
      icon: "pipeline" as const,
    }));
  },
};

export default feature;
