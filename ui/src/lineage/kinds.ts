import type { IconName } from "../kit/Icon.tsx";

/** How kinds of things are drawn; colours from the palette that colour-blind readers can tell apart. */
const looks: Record<string, { icon: IconName; color: string }> = {
  dataset: { icon: "dataset", color: "var(--cat-1)" },
  slice: { icon: "filter", color: "var(--cat-6)" },
  file: { icon: "file", color: "var(--cat-8)" },
  object: { icon: "file", color: "var(--cat-8)" },
  source: { icon: "source", color: "var(--cat-8)" },
  run: { icon: "experiment", color: "var(--cat-5)" },
  "logged-model": { icon: "model", color: "var(--cat-5)" },
  model: { icon: "model", color: "var(--cat-3)" },
  prompt: { icon: "edit", color: "var(--cat-3)" },
  pipeline: { icon: "pipeline", color: "var(--cat-4)" },
  "pipeline-run": { icon: "play", color: "var(--cat-4)" },
  endpoint: { icon: "endpoint", color: "var(--cat-2)" },
  prediction: { icon: "target", color: "var(--cat-2)" },
  monitor: { icon: "monitor", color: "var(--cat-7)" },
  alert: { icon: "bell", color: "var(--cat-7)" },
  event: { icon: "ledger", color: "var(--cat-8)" },
};

export const lookOf = (kind: string): { icon: IconName; color: string } =>
  looks[kind] ?? { icon: "link", color: "var(--cat-8)" };
