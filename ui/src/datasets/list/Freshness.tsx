import { Badge } from "../../kit/Badge.tsx";
import { Time } from "../../kit/Values.tsx";
import type { Source } from "../sources/api.ts";

/** Whether what a source should bring is there, late, or cannot be read. */
export function Freshness({ source }: { source: Source }) {
  const { freshness, problem } = source;
  if (problem) return <Badge tone="bad" icon="error" title={problem}>cannot be read</Badge>;
  if (freshness.late) {
    return (
      <Badge tone="warn" icon="clock" title={`Due ${freshness.due ?? ""}`}>
        late: due <Time at={freshness.due} />
      </Badge>
    );
  }
  if (freshness.due) {
    return (
      <Badge tone="good" icon="check">
        next <Time at={freshness.due} />
      </Badge>
    );
  }
  return freshness.changed
    ? (
      <span className="faint small">
        changed <Time at={freshness.changed} />
      </span>
    )
    : <span className="faint small">no period</span>;
}
