import type { LedgerEvent } from "./types.ts";
import { parseRef } from "../app/refs.ts";

/** What happened, as the end of a sentence that begins with who did it and ends with the subject: "made version". */
const verbs: Record<string, string> = {
  "account.created": "made account",
  "dataset.created": "made dataset",
  "dataset.version.created": "made version",
  "dataset.merge.started": "began a merge of",
  "dataset.contract.set": "set the contract of",
  "dataset.retention.set": "set the retention of",
  "dataset.branch.set": "set a branch of",
  "endpoint.created": "made endpoint",
  "endpoint.version.switched": "switched",
  "experiment.created": "made experiment",
  "labels.published": "published labels of",
  "model.alias.set": "gave an alias to",
  "model.alias.removed": "took an alias from",
  "model.approved": "approved",
  "model.rejected": "rejected",
  "model.created": "made model",
  "model.evaluated": "evaluated",
  "model.logged": "logged",
  "model.policy.set": "set the policy of",
  "model.promoted": "promoted",
  "model.promotion.refused": "was refused the promotion of",
  "model.reproduced": "reproduced",
  "model.reproduction.started": "began to reproduce",
  "model.reproduction.failed": "could not reproduce",
  "model.version.created": "registered",
  "model.version.deleted": "deleted",
  "monitor.alert": "raised an alert of",
  "monitor.alert.acknowledged": "took on an alert of",
  "monitor.alert.resolved": "resolved an alert of",
  "monitor.version.created": "set monitor",
  "pipeline.run.created": "started",
  "pipeline.run.succeeded": "finished",
  "pipeline.run.failed": "failed in",
  "pipeline.run.cancelled": "cancelled",
  "pipeline.version.created": "put pipeline",
  "project.created": "made project",
  "project.goal.measured": "measured a goal of",
  "project.member.granted": "gave a role in",
  "project.member.removed": "took a role in",
  "run.created": "started",
  "run.finished": "finished",
  "source.created": "registered",
  "source.imported": "imported",
  "token.issued": "issued",
  "token.revoked": "revoked",
};

export function eventVerb(type: string): string {
  const short = type.replace(/^slipway\./, "");
  const known = verbs[short];
  if (known) return known;
  // `experiment.renamed` → "renamed"; `dataset.quality` → "noted quality of".
  const last = short.split(".").at(-1) ?? short;
  return last.endsWith("ed") ? last.replaceAll("-", " ") : `noted ${last.replaceAll("-", " ")} of`;
}

export type EventTone = "neutral" | "good" | "warn" | "bad" | "info";

export function eventTone(event: LedgerEvent): EventTone {
  const short = event.type.replace(/^slipway\./, "");
  if (short === "monitor.alert" || /\b(failed|refused|rejected|logging-failed)$/.test(short)) return "bad";
  if (short === "run.finished" && event.data["status"] !== "FINISHED") return "bad";
  if (/\b(deleted|removed|purged|revoked|abandoned|cancelled)$/.test(short)) return "warn";
  if (/\b(promoted|approved|switched|resolved|published|succeeded|reproduced)$/.test(short)) return "good";
  return "neutral";
}

/** The detail of an event that is worth a word: rows, a value, an alias. */
export function eventDetail({ type, data }: LedgerEvent): string | null {
  const short = type.replace(/^slipway\./, "");
  const text = (name: string) => typeof data[name] === "string" ? data[name] as string : null;
  const count = (name: string) => typeof data[name] === "number" ? (data[name] as number).toLocaleString("en") : null;
  switch (short) {
    case "dataset.version.created":
      return count("rows") ? `${count("rows")} rows` : count("files") ? `${count("files")} files` : text("recipe");
    case "model.alias.set":
    case "model.promoted":
      return text("alias");
    case "endpoint.version.switched":
      return text("to") ? `to ${text("to")?.replace(/^model:/, "")}` : null;
    case "project.goal.measured":
      return text("goal") ? `${text("goal")} ${count("value") ?? ""}`.trim() : null;
    case "pipeline.run.created":
    case "pipeline.run.succeeded":
    case "pipeline.run.failed":
      return text("problem") ?? text("pipeline");
    case "source.imported":
      return text("version");
    case "run.finished":
      return text("status")?.toLowerCase() ?? null;
    default:
      return text("comment") ?? text("reason") ?? text("problem");
  }
}

export interface EventGroup {
  /** The newest. */
  event: LedgerEvent;
  /** All of them, newest first. */
  events: LedgerEvent[];
}

/**
 * Neighbours that say the same of the same thing, as one: forty new versions of a dataset are one line. Within a burst
 * other things may come between: `reach` is how many groups back one looks.
 */
export function groupEvents(events: readonly LedgerEvent[], reach = 6): EventGroup[] {
  const groups: EventGroup[] = [];
  const keys: string[] = [];
  for (const event of events) {
    const ref = parseRef(event.subject);
    const isLong = ref !== null && ref.name.length > 24;
    const key = `${event.type} ${event.actor} ${ref ? `${ref.kind}:${isLong ? "" : ref.name}` : event.subject}`;
    const at = keys.lastIndexOf(key);
    const known = at >= 0 && keys.length - at <= reach ? groups[at] : undefined;
    if (known) known.events.push(event);
    else {
      groups.push({ event, events: [event] });
      keys.push(key);
    }
  }
  return groups;
}
