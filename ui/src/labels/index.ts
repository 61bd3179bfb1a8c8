import "./api.ts";
import { get } from "../api/client.ts";
import { type Feature, route } from "../app/feature.ts";
import { labellingPath, taskPath } from "./paths.ts";

const feature: Feature = {
  name: "labels",
  nav: [{ id: "labelling", label: "Labelling", icon: "label", to: labellingPath }],
  routes: [
    route("/p/:project/labelling", "Labelling", () => import("./LabellingPage.tsx")),
    route("/p/:project/labelling/:task", "Label task", () => import("./TaskPage.tsx")),
    route("/p/:project/labelling/:task/work", "Label", () => import("./WorkPage.tsx")),
    route("/p/:project/labelling/:task/items/:item", "Review", () => import("./ItemPage.tsx")),
  ],
  refs: [
    { kind: "label-task", icon: "label", path: (ref, project) => taskPath(project, ref.name) },
    { kind: "label-schema", icon: "label", path: (_, project) => labellingPath(project) + "?tab=schemas" },
  ],
  actions: [{
    id: "labels.new-task",
    title: "New label task",
    keywords: "annotate annotation",
    icon: "label",
    when: ({ project }) => project !== null,
    run: ({ project, navigate }) => navigate(labellingPath(project ?? "") + "?new=task"),
  }],
  search: async (text, project, signal) => {
    const page = await get("/api/v1/label-tasks", { query: { project, limit: 200 }, signal });
    return page.items.filter((task) => task.name.includes(text.toLowerCase())).slice(0, 10).map((task) => ({
      ref: task.ref,
      title: task.name,
      detail: `${task.complete} of ${task.items} items`,
      icon: "label" as const,
      to: taskPath(project, task.name),
    }));
  },
};

export default feature;
