import { useEffect, useMemo, useState } from "react";
import { get } from "../api/client.ts";
import { type PagesState, useFetch, usePages } from "../api/hooks.ts";
import { useLive } from "../api/live.ts";
import { matchesType } from "../api/sse.ts";
import type { LedgerEvent } from "../api/types.ts";
import type { PageProps } from "../app/feature.ts";
import { useMay } from "../app/project.ts";
import { flag, oneOf, text, useUrlState } from "../app/urlState.ts";
import { Badge } from "../kit/Badge.tsx";
import { Button } from "../kit/Button.tsx";
import { Dialog } from "../kit/Dialog.tsx";
import { Checkbox, Input, SearchInput, Select } from "../kit/Field.tsx";
import { formatTime, plural } from "../kit/format.ts";
import { type Column, DataGrid, pagesSource } from "../kit/grid/index.ts";
import { JsonView } from "../kit/Json.tsx";
import { PageLayout } from "../kit/Page.tsx";
import { Empty, Notice } from "../kit/States.tsx";
import { Segmented } from "../kit/Tabs.tsx";
import { Digest, KeyValues, RefLink, Time } from "../kit/Values.tsx";
import { passes, summary, topics, typeName } from "./describe.ts";

const columns: Column<LedgerEvent>[] = [
  { id: "sequence", header: "#", name: "Number", width: 76, align: "end", pinned: true, value: (row) => row.sequence },
  {
    id: "time",
    header: "Time",
    width: 168,
    value: (row) => row.time,
    cell: (row) => <span className="tabular">{formatTime(Date.parse(row.time))}</span>,
  },
  {
    id: "type",
    header: "What happened",
    width: 220,
    value: (row) => typeName(row.type),
    cell: (row) => <span className={tone(row.type)}>{typeName(row.type)}</span>,
  },
  {
    id: "subject",
    header: "To what",
    width: 250,
    value: (row) => row.subject,
    cell: (row) => <RefLink value={row.subject} />,
  },
  { id: "actor", header: "By", width: 150, value: (row) => row.actor },
  {
    id: "data",
    header: "Details",
    width: 420,
    grow: true,
    value: (row) => summary(row.data),
    cell: (row) => <span className="small muted ellipsis">{summary(row.data)}</span>,
  },
  { id: "project", header: "Project", width: 110, hidden: true, value: (row) => row.project },
  {
    id: "hash",
    header: "Hash",
    width: 150,
    hidden: true,
    value: (row) => row.hash,
    cell: (row) => <Digest value={row.hash} />,
  },
];

const tone = (type: string) =>
  /failed|refused|alert$|rejected/.test(type) ? "tone-bad" : /deleted|removed|revoked/.test(type) ? "tone-warn" : "";

export default function LedgerPage({ params: { project } }: PageProps<"/p/:project/ledger">) {
  const [scope, setScope] = useUrlState("scope", oneOf("project", "all"), "project");
  const [topic, setTopic] = useUrlState("type", text, "");
  const [subject, setSubject] = useUrlState("subject", text, "");
  const [actor, setActor] = useUrlState("actor", text, "");
  const [words, setWords] = useUrlState("q", text, "");
  const [from, setFrom] = useUrlState("from", text, "");
  const [to, setTo] = useUrlState("to", text, "");
  const [isLive, setLive] = useUrlState("live", flag, true);
  const [open, setOpen] = useUrlState("event", text, "");
  const query = { project: scope === "project" ? project : null, type: topic || null, subject: subject || null };
  const pages = usePages("/api/v1/events", { query }, { limit: 200 });
  const fresh = useFresh(JSON.stringify(query), query, isLive, pages.items[0]?.sequence ?? null);
  const filter = useMemo(
    () => ({ actor, words: words.trim(), from: timeOf(from), to: timeOf(to) }),
    [actor, words, from, to],
  );
  const isFiltered = actor !== "" || words.trim() !== "" || from !== "" || to !== "";
  const all = useMemo(() => [...fresh, ...pages.items], [fresh, pages.items]);
  const rows = useMemo(() => isFiltered ? all.filter((event) => passes(event, filter)) : all, [
    all,
    filter,
    isFiltered,
  ]);
  const actors = useMemo(() => [...new Set(all.map((event) => event.actor))].sort(), [all]);
  const state: PagesState<LedgerEvent> = { ...pages, items: rows };
  const shown = all.find((event) => event.id === open);
  return (
    <PageLayout
      title="Ledger"
      fill
      sub="Every change of state, in the order in which it happened. Each event's hash covers the one before."
      tools={<Verify />}
    >
      <div className="row row-wrap ledger-filters">
        <Segmented
          label="Scope"
          value={scope}
          onChange={setScope}
          options={[{ id: "project", label: project }, { id: "all", label: "whole server" }]}
        />
        <Select
          aria-label="What happened"
          value={topic}
          onChange={setTopic}
          options={[
            { value: "", label: "everything" },
            ...topics.map((value) => ({ value, label: value.replace(".", "") })),
            ...(topic && !topics.includes(topic as typeof topics[number]) ? [{ value: topic, label: topic }] : []),
          ]}
        />
        <Input
          className="ledger-subject"
          mono
          value={subject}
          onChange={setSubject}
          placeholder="model:restock"
          aria-label="Subject; without a version: all of its versions"
        />
        <Select
          aria-label="Who"
          value={actor}
          onChange={setActor}
          options={[
            { value: "", label: "anybody" },
            ...[...new Set([...actors, ...(actor ? [actor] : [])])].map((value) => ({ value, label: value })),
          ]}
        />
        <Input type="datetime-local" aria-label="From" title="At or after" value={from} onChange={setFrom} />
        <Input type="datetime-local" aria-label="To" title="Before" value={to} onChange={setTo} />
        <SearchInput value={words} onChange={setWords} placeholder="Words" aria-label="Words in events" />
        <Checkbox checked={isLive} onChange={setLive}>live</Checkbox>
      </div>
      {isFiltered && pages.more && (
        <Notice action={<Button small busy={pages.fetching} onClick={pages.loadMore}>Look further back</Button>}>
          {plural(rows.length, "event")} of the newest {all.length}{" "}
          {rows.length === 1 ? "fits" : "fit"}; person, time and words are looked for in what is loaded.
        </Notice>
      )}
      <div className="fill">
        <DataGrid
          label="Events"
          columns={columns}
          source={{ ...pagesSource(state), ...(isFiltered ? { more: false } : {}) }}
          rowKey={(row) => row.id}
          onOpen={(row) => setOpen(row.id, { push: true })}
          empty={
            <Empty icon="ledger" title={isFiltered || topic || subject ? "No event fits" : "Nothing has happened yet"}>
              {isFiltered || topic || subject
                ? "Take a filter away to see more."
                : "The first change writes the first event."}
            </Empty>
          }
        />
      </div>
      {open && (
        <EventSheet
          id={open}
          known={shown}
          onClose={() => setOpen("")}
          onSubject={(value) => {
            setOpen("");
            setSubject(value);
          }}
        />
      )}
    </PageLayout>
  );
}

const timeOf = (local: string): number | null => Number.isNaN(Date.parse(local)) ? null : Date.parse(local);

/** Events that came while the page was open, newest first; those that a page brought meanwhile are not there twice. */
function useFresh(
  key: string,
  query: { project: string | null; type: string | null; subject: string | null },
  isLive: boolean,
  newest: number | null,
): LedgerEvent[] {
  const [events, setEvents] = useState<LedgerEvent[]>([]);
  useEffect(() => setEvents([]), [key]);
  useLive(isLive ? ["*"] : [], (event) => {
    if (query.project && event.project !== query.project) return;
    if (query.type && !matchesType(event.type, [query.type])) return;
    if (query.subject && event.subject !== query.subject && event.subject.split("@")[0] !== query.subject) return;
    setEvents((old) => [event, ...old].slice(0, 5000));
  });
  return useMemo(() => events.filter((event) => newest === null || event.sequence > newest), [events, newest]);
}

/** Has the server recompute the chain; says since when it is known to be whole, and the head to note elsewhere. */
function Verify() {
  const [wanted, setWanted] = useUrlState("verify", flag, false);
  const may = useMay("ledger.verify", null);
  const result = useFetch("verify the ledger", async (signal) => {
    const answer = await get("/api/v1/audit/verify", { signal });
    return { ...answer, at: Date.now() };
  }, { skip: !wanted, fresh: 600_000 });
  if (!may) return null;
  const { data, error, fetching } = result;
  const fault = data?.fault;
  return (
    <div className="row row-wrap">
      {error && <span className="tone-bad small">{error.message}</span>}
      {data && data.whole && (
        <span className="row row-wrap small">
          <Badge tone="good" icon="check">whole</Badge>
          <span className="muted">
            {plural(data.events, "event")}, checked <Time at={data.at} />
          </span>
          <span className="row muted">
            head <Digest value={data.head} />
          </span>
        </span>
      )}
      {data && !data.whole && (
        <Notice tone="bad">
          The chain is broken: event {fault?.sequence},{" "}
          {fault?.problem}. Compare with a backup, and find out who could write to the database.
        </Notice>
      )}
      <Button icon="lock" busy={fetching} onClick={() => wanted ? result.refresh() : setWanted(true)}>
        {data ? "Verify again" : "Verify the chain"}
      </Button>
    </div>
  );
}

function EventSheet(
  { id, known, onClose, onSubject }: {
    id: string;
    known: LedgerEvent | undefined;
    onClose: () => void;
    onSubject: (subject: string) => void;
  },
) {
  // A link may lead to an event that is further back than what is loaded.
  const found = useFetch(`event ${id}`, async (signal) => {
    let after: string | undefined;
    for (let page = 0; page < 25; page++) {
      const answer = await get("/api/v1/events", { query: { limit: 500, after: after ?? null }, signal });
      const event = answer.items.find((each) => each.id === id);
      if (event) return event;
      if (!answer.next) break;
      after = answer.next;
    }
    return null;
  }, { skip: known !== undefined, fresh: 600_000 });
  const event = known ?? found.data;
  return (
    <Dialog open side onClose={onClose} title={event ? typeName(event.type) : "Event"} size="medium">
      {!event
        ? found.data === null
          ? (
            <Empty compact icon="ledger" title="It is not among the newest 12,500 events">
              Ask for it by its subject.
            </Empty>
          )
          : <p className="muted">Looking for it…</p>
        : (
          <div className="stack">
            <KeyValues
              items={[
                ["Number", event.sequence],
                ["Time", formatTime(Date.parse(event.time), true)],
                ["To what", <RefLink key="s" value={event.subject} />],
                ["By", event.actor],
                ["Project", event.project],
                ["Id", <code key="i">{event.id}</code>],
                ["Hash", <Digest key="h" value={event.hash} length={24} />],
              ]}
            />
            <div className="row">
              <Button small icon="filter" onClick={() => onSubject(event.subject.split("@")[0] ?? "")}>
                All about it
              </Button>
            </div>
            <h3>Details</h3>
            <JsonView value={event.data} depth={4} />
          </div>
        )}
    </Dialog>
  );
}
