import { Badge } from "../kit/Badge.tsx";
import type { LabelTask } from "./api.ts";

/** Whether a task hands out items. An open task is a good one: the kit's badge means open alerts. */
export function TaskState({ state }: { state: LabelTask["state"] }) {
  return <Badge tone={state === "open" ? "good" : state === "paused" ? "warn" : "neutral"}>{state}</Badge>;
}
