import { Icon } from "../kit/Icon.tsx";
import { Link } from "../app/router.tsx";
import { Empty } from "../kit/States.tsx";
import { Time } from "../kit/Values.tsx";
import type { Waiting } from "./overview.ts";

/** What somebody has to do, and who. */
export function WaitingList({ items }: { items: readonly Waiting[] }) {
  if (items.length === 0) {
    return (
      <Empty icon="check" title="Nothing waits" compact>No alert, nothing late, nothing to approve or to label.</Empty>
    );
  }
  return (
    <ul className="waiting">
      {items.map((item) => (
        <li key={item.id}>
          <Link to={"/ref/" + encodeURIComponent(item.ref)} className="waiting-item">
            <span className={`waiting-icon waiting-${item.health}`}>
              <Icon name={item.icon} />
            </span>
            <span className="waiting-text">
              <span className="waiting-title">{item.title}</span>
              {item.detail && <span className="small muted">{item.detail}</span>}
              <span className="small faint">
                for {item.whom}
                {item.since && (
                  <>
                    , since <Time at={item.since} />
                  </>
                )}
              </span>
            </span>
          </Link>
        </li>
      ))}
    </ul>
  );
}
