import { RefLink } from "../kit/Values.tsx";
import type { PipelineRun } from "./api.ts";

/** Why a run was started: a person, a schedule, an event, a rerun of a recipe. */
export function Cause({ run }: { run: Pick<PipelineRun, "cause" | "actor"> }) {
  const { cause, actor } = run;
  if (cause === null) return <span>by {actor}</span>;
  if (cause === "schedule" || cause.startsWith("schedule")) return <span>on schedule</span>;
  if (cause.startsWith("request:")) {
    const what = cause.slice("request:".length);
    return <span title={cause}>{what.startsWith("reproduction-") ? "reproduces a model" : "by request"}, {actor}</span>;
  }
  return (
    <span className="row" style={{ gap: 4 }}>
      because of <RefLink value={cause} />
    </span>
  );
}
