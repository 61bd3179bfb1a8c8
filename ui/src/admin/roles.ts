/** The roles of the server (docs/access.md), from the least to the most. */
export const roles = ["viewer", "annotator", "data-scientist", "ml-engineer", "operator", "owner", "admin"] as const;
export type RoleName = typeof roles[number];

export const roleMeanings: Record<RoleName, string> = {
  viewer: "reads everything in the project",
  annotator: "labels and gives feedback",
  "data-scientist": "works on data, experiments, models, pipelines and monitors",
  "ml-engineer": "as a data scientist, and approves models and manages webhooks",
  operator: "runs pipelines, endpoints and monitors; collects garbage, checks the ledger",
  owner: "everything in the project, members and rules included",
  admin: "everything on this server",
};
