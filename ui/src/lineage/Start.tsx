import { useMemo } from "react";
import { useQuery } from "../api/hooks.ts";
import { Empty } from "../kit/States.tsx";
import { Icon } from "../kit/Icon.tsx";
import { Time } from "../kit/Values.tsx";
import { lookOf } from "./kinds.ts";
import { kindOf } from "./model.ts";

const wanted = ["model", "dataset", "pipeline-run", "endpoint", "monitor", "alert", "run"];

/** Where to begin: what the project made last, by kind. */
export function Start({ project, onChoose }: { project: string; onChoose: (ref: string) => void }) {
  const events = useQuery("/api/v1/events", { query: { project, limit: 200 } });
  const byKind = useMemo(() => {
    const found = new Map<string, Map<string, string>>();
    for (const event of events.data?.items ?? []) {
      const kind = kindOf(event.subject);
      if (!wanted.includes(kind)) continue;
      const list = found.get(kind) ?? new Map<string, string>();
      if (!list.has(event.subject) && list.size < 6) list.set(event.subject, event.time);
      found.set(kind, list);
    }
    return wanted.flatMap((kind) => found.has(kind) ? [[kind, [...found.get(kind) ?? []]] as const] : []);
  }, [events.data]);
  return (
    <div className="stack stack-loose">
      <p className="muted">
        Name anything, from a prediction to a source file, and see what it was made from and what was made of it. These
        were touched last:
      </p>
      {byKind.length === 0 && !events.loading && (
        <Empty icon="lineage" title="Nothing happened in this project yet">What is made leaves edges here.</Empty>
      )}
      <div className="grid-3">
        {byKind.map(([kind, refs]) => (
          <section key={kind} className="panel">
            <header className="panel-head">
              <h2 className="panel-title">
                <span style={{ color: lookOf(kind).color }}>
                  <Icon name={lookOf(kind).icon} />
                </span>
                {kind.replace("-", " ")}
              </h2>
            </header>
            <ul className="panel-body">
              {refs.map(([ref, time]) => (
                <li key={ref}>
                  <button type="button" className="lineage-neighbour row" onClick={() => onChoose(ref)} title={ref}>
                    <span className="mono ellipsis grow">{ref.slice(kind.length + 1)}</span>
                    <span className="faint small">
                      <Time at={time} />
                    </span>
                  </button>
                </li>
              ))}
            </ul>
          </section>
        ))}
      </div>
    </div>
  );
}
