import { eventDetail, type EventGroup, eventTone, eventVerb, groupEvents } from "../api/eventText.ts";
import type { PagesState } from "../api/hooks.ts";
import type { LedgerEvent } from "../api/types.ts";
import { parseRef } from "../app/refs.ts";
import { Button } from "../kit/Button.tsx";
import { Empty, Failed, Skeleton } from "../kit/States.tsx";
import { RefLink, Time } from "../kit/Values.tsx";

/** What happened lately, bursts folded. */
export function Activity({ pages }: { pages: PagesState<LedgerEvent> }) {
  if (pages.loading) {
    return (
      <div className="activity">
        <Skeleton rows={8} />
      </div>
    );
  }
  if (pages.error && pages.items.length === 0) return <Failed error={pages.error} retry={pages.refresh} compact />;
  if (pages.items.length === 0) return <Empty icon="ledger" title="Nothing happened yet" compact />;
  return (
    <>
      <ol className="activity">
        {groupEvents(pages.items).map((group) => <ActivityRow key={group.event.id} group={group} />)}
      </ol>
      {pages.more && (
        <div className="activity-more">
          <Button kind="quiet" small busy={pages.fetching} onClick={pages.loadMore}>Earlier</Button>
        </div>
      )}
    </>
  );
}

function ActivityRow({ group: { event, events } }: { group: EventGroup }) {
  const detail = eventDetail(event);
  const ref = parseRef(event.subject);
  return (
    <li className="activity-row">
      <span className={`activity-dot activity-${eventTone(event)}`} aria-hidden />
      <span className="activity-text">
        <span className="activity-actor">{event.actor}</span> {eventVerb(event.type)} <RefLink value={event.subject} />
        {events.length > 1 && (
          <span className="activity-count">{events.length} {ref?.selector ? "versions" : "times"}</span>
        )}
        {detail && <span className="muted small activity-detail">{detail}</span>}
      </span>
      <span className="activity-time small faint">
        <Time at={event.time} />
      </span>
    </li>
  );
}
