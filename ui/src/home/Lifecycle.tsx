import { Link } from "../app/router.tsx";
import { formatCount } from "../kit/format.ts";
import { Icon, type IconName } from "../kit/Icon.tsx";
import type { Health, Stage } from "./overview.ts";

const marks: Record<Health, IconName | null> = {
  good: "check",
  warn: "warning",
  bad: "error",
  info: "play",
  none: null,
};

/** The way from data to predictions and back, with what is there and how it is. */
export function Lifecycle({ stages }: { stages: readonly Stage[] }) {
  return (
    <section className="lifecycle" aria-label="Lifecycle">
      <ol className="lifecycle-stages">
        {stages.map((stage) => (
          <li key={stage.id} className="lifecycle-step">
            <Link to={stage.to} className={`lifecycle-stage lifecycle-${stage.health}`}>
              <span className="lifecycle-head">
                <Icon name={stage.icon} />
                {stage.title}
              </span>
              <span className="lifecycle-count">{formatCount(stage.count)}{stage.more ? "+" : ""}</span>
              <span className="lifecycle-lines">
                {stage.lines.map((line) => {
                  const mark = marks[line.health];
                  return (
                    <span key={line.text} className={`lifecycle-line lifecycle-line-${line.health}`}>
                      {mark && <Icon name={mark} size={12} />}
                      <span className="ellipsis">{line.text}</span>
                    </span>
                  );
                })}
                {stage.lines.length === 0 && <span className="lifecycle-line faint">none yet</span>}
              </span>
            </Link>
          </li>
        ))}
      </ol>
      <div className="lifecycle-back" aria-hidden>
        <span>what monitors find retrains</span>
      </div>
    </section>
  );
}
