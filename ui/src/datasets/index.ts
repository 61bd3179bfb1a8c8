import { get } from "../api/client.ts";
import { type Feature, type Found, route } from "../app/feature.ts";
import { navigate } from "../app/router.tsx";
import { pathTo } from "../app/paths.ts";
import type {} from "./api.ts";
import type {} from "./slices/api.ts";
import type {} from "./sources/api.ts";
import { datasetPath, slicePath, sourcePath } from "./paths.ts";

const feature: Feature = {
  name: "datasets",
  nav: [{
    id: "datasets",
    label: "Datasets",
    icon: "dataset",
    to: (project) => pathTo("/p/:project/datasets", { project }),
  }],
  routes: [
    route("/p/:project/datasets", "Datasets", () => import("./list/DatasetsPage.tsx")),
    route("/p/:project/datasets/:name", "Dataset", () => import("./DatasetPage.tsx")),
    route("/p/:project/datasets/:name/merges/:id", "Merge", () => import("./merge/MergePage.tsx")),
    route("/p/:project/slices/:name", "Slice", () => import("./slices/SlicePage.tsx")),
    route("/p/:project/sources/:name", "Source", () => import("./sources/SourcePage.tsx")),
    route("/p/:project/compare-data", "Side by side", () => import("./compare/ComparePage.tsx")),
  ],
  refs: [
    {
      kind: "dataset",
      icon: "dataset",
      path: (ref, project) => datasetPath(project, ref.name, { v: ref.selector }),
      project: (ref, signal) =>
        get("/api/v1/datasets/{name}", { path: { name: ref.name }, signal }).then((dataset) => dataset.project),
    },
    {
      kind: "slice",
      icon: "filter",
      path: (ref, project) => slicePath(project, ref.name),
      project: (ref, signal) =>
        get("/api/v1/slices/{name}", { path: { name: ref.name }, signal }).then((slice) => slice.project),
    },
    {
      kind: "source",
      icon: "source",
      path: (ref, project) => sourcePath(project, ref.name),
      project: (ref, signal) =>
        get("/api/v1/sources/{name}", { path: { name: ref.name }, signal }).then((source) => source.project),
    },
  ],
  actions: [
    {
      id: "datasets.import",
      title: "Add data: upload files as a dataset",
      keywords: "import csv parquet drop",
      icon: "upload",
      when: ({ project }) => project !== null,
      run: ({ project }) => navigate(pathTo("/p/:project/datasets", { project: project ?? "" }) + "?add=1"),
    },
  ],
  search: async (text, project, signal): Promise<Found[]> => {
    const wanted = text.toLowerCase();
    const [datasets, slices, sources] = await Promise.all([
      get("/api/v1/datasets", { query: { project, limit: 200 }, signal }),
      get("/api/v1/slices", { query: { project }, signal }),
      get("/api/v1/sources", { query: { project }, signal }),
    ]);
    const all: Found[] = [
      ...datasets.items.map((each): Found => ({
        title: each.name,
        detail: each.latest === null ? "dataset" : `dataset, version ${each.latest}`,
        icon: "dataset",
        to: datasetPath(project, each.name),
      })),
      ...slices.items.map((each): Found => ({
        title: each.name,
        detail: `slice of ${each.dataset}`,
        icon: "filter",
        to: slicePath(project, each.name),
      })),
      ...sources.items.map((each): Found => ({
        title: each.name,
        detail: "source",
        icon: "source",
        to: sourcePath(project, each.name),
      })),
    ];
    return all.filter((each) => each.title.toLowerCase().includes(wanted)).slice(0, 10);
  },
};

export default feature;
