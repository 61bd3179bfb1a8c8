import { useState } from "react";
import { Link } from "../app/router.tsx";
import { categoryCss } from "../kit/chart/color.ts";
import { formatDuration, formatTime } from "../kit/format.ts";
import { Segmented } from "../kit/Tabs.tsx";
import { Time, useNow } from "../kit/Values.tsx";
import type { Reign } from "./api.ts";
import { versionPath } from "./paths.ts";
import { isLegible, timeline } from "./timeline.ts";

/** Who was champion when: a lane for each alias, and the same as a list. */
export function AliasTimeline(
  { project, model, history }: { project: string; model: string; history: readonly Reign[] },
) {
  const now = useNow();
  const [chosen, setChosen] = useState<"scale" | "order" | null>(null);
  const view = chosen ?? (isLegible(history, now) ? "scale" : "order");
  const { lanes, ticks } = timeline(history, now, view === "scale");
  const [first] = ticks;
  const last = ticks.at(-1);
  return (
    <div className="stack">
      <div
        className="timeline"
        role="group"
        aria-label={`Aliases of ${model} over time; the list below says the same.`}
      >
        {lanes.map((lane) => (
          <div key={lane.alias} className="timeline-lane">
            <span className="timeline-alias ellipsis" title={lane.alias}>{lane.alias}</span>
            <div className="timeline-track">
              {lane.reigns.map(({ reign, from, to }) => (
                <Link
                  key={reign.from}
                  to={versionPath(project, model, reign.version)}
                  className={reign.until === null ? "timeline-reign timeline-now" : "timeline-reign"}
                  style={{
                    left: `${from * 100}%`,
                    width: `max(4px, ${(to - from) * 100}%)`,
                    background: `color-mix(in srgb, ${categoryCss((reign.version - 1) % 8)} 24%, var(--surface))`,
                    borderColor: categoryCss((reign.version - 1) % 8),
                  }}
                  title={`Version ${reign.version}: ${formatTime(Date.parse(reign.from))} to ${
                    reign.until ? formatTime(Date.parse(reign.until)) : "now"
                  }, ${reign.reason} by ${reign.setBy}`}
                  tabIndex={-1}
                >
                  v{reign.version}
                </Link>
              ))}
            </div>
          </div>
        ))}
        <div className="timeline-lane">
          <span className="timeline-alias" />
          <span className="row row-between grow small faint">
            <span>{first && formatTime(first.time)}</span>
            <span>{last && last.time === now ? "now" : last && formatTime(last.time)}</span>
          </span>
        </div>
      </div>
      <div className="row row-end">
        <Segmented
          label="Width of the stretches"
          value={view}
          onChange={setChosen}
          options={[
            { id: "scale", label: "To scale", title: "A day is as wide as any other" },
            { id: "order", label: "In order", title: "Each stretch between two changes is as wide as any other" },
          ]}
        />
      </div>
      <div className="reigns" tabIndex={0} role="region" aria-label="History of the aliases">
        <table className="model-table">
          <thead>
            <tr>
              <th scope="col">Alias</th>
              <th scope="col">Version</th>
              <th scope="col">Since</th>
              <th scope="col">Until</th>
              <th scope="col" className="num">For</th>
              <th scope="col">Set by</th>
              <th scope="col">Why</th>
            </tr>
          </thead>
          <tbody>
            {history.map((reign) => (
              <tr key={reign.alias + reign.from}>
                <td>{reign.alias}</td>
                <td>
                  <Link to={versionPath(project, model, reign.version)}>version {reign.version}</Link>
                </td>
                <td>
                  <Time at={reign.from} exact />
                </td>
                <td>{reign.until ? <Time at={reign.until} exact /> : <strong>now</strong>}</td>
                <td className="num">
                  {formatDuration((reign.until ? Date.parse(reign.until) : now) - Date.parse(reign.from))}
                </td>
                <td>{reign.setBy}</td>
                <td>{reign.reason}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}
