import { type KeyboardEvent, useRef, useState } from "react";
import { post, remove } from "../../api/client.ts";
import { useMutation, usePages, useQuery } from "../../api/hooks.ts";
import type { PageProps } from "../../app/feature.ts";
import { pathTo } from "../../app/paths.ts";
import { navigate } from "../../app/router.tsx";
import { oneOf, text, useUrlState } from "../../app/urlState.ts";
import { Badge, Key } from "../../kit/Badge.tsx";
import { Button } from "../../kit/Button.tsx";
import { Confirm } from "../../kit/Dialog.tsx";
import { Select } from "../../kit/Field.tsx";
import { plural } from "../../kit/format.ts";
import { PageLayout } from "../../kit/Page.tsx";
import { Empty, Failed, Notice, Skeleton } from "../../kit/States.tsx";
import { Segmented } from "../../kit/Tabs.tsx";
import { toast } from "../../kit/Toast.tsx";
import { Progress } from "../../kit/Values.tsx";
import { VirtualList } from "../grid/VirtualList.tsx";
import { datasetPath, mergePath } from "../paths.ts";
import type { Conflict, Decision, Merge, MergeRule, Resolution, Take } from "./api.ts";
import { ConflictRow } from "./ConflictRow.tsx";
import { Rules } from "./Rules.tsx";
import { SchemaConflicts } from "./SchemaConflicts.tsx";
import { restoring, withoutRule } from "./undo.ts";

const lineHeight = 84;

/** The conflicts of a merge: base, ours and theirs, who made which; decided by hand, by rule, and undone. */
export default function MergePage(
  { params: { project, name, id } }: PageProps<"/p/:project/datasets/:name/merges/:id">,
) {
  const merge = useQuery("/api/v1/merges/{id}", { path: { id } }, { fresh: 0 });
  const crumbs = [{ label: "Datasets", to: pathTo("/p/:project/datasets", { project }) }, {
    label: name,
    to: datasetPath(project, name, { tab: "merges" }),
  }];
  if (merge.error && !merge.data) {
    return (
      <PageLayout title="Merge" crumbs={crumbs}>
        <Failed error={merge.error} retry={merge.refresh} />
      </PageLayout>
    );
  }
  if (!merge.data) {
    return (
      <PageLayout title="Merge" crumbs={crumbs}>
        <Skeleton rows={8} />
      </PageLayout>
    );
  }
  return <Screen key={id} project={project} name={name} merge={merge.data} refresh={merge.refresh} crumbs={crumbs} />;
}

interface Done {
  what: string;
  before: { id: number; decision: Decision | null }[];
}

function Screen(
  { project, name, merge, refresh, crumbs }: {
    project: string;
    name: string;
    merge: Merge;
    refresh: () => void;
    crumbs: { label: string; to: string }[];
  },
) {
  const path = { id: merge.id };
  const [column, setColumn] = useUrlState("column", text, "");
  const [state, setState] = useUrlState("state", oneOf("all", "open", "decided"), "all");
  const [at, setAt] = useState(0);
  const [local, setLocal] = useState<ReadonlyMap<number, Decision | null>>(new Map());
  const [done, setDone] = useState<Done[]>([]);
  const [gives, setGives] = useState(false);
  const list = useRef<HTMLDivElement>(null);
  const pages = usePages("/api/v1/merges/{id}/conflicts", {
    path,
    query: { column, state: state === "all" ? "" : state },
  }, { limit: 200, fresh: 0, skip: merge.schemaConflicts.length > 0 });
  const items = pages.items;
  const { counts } = merge;
  const isOpen = merge.state === "conflicts";
  const decisionOf = (conflict: Conflict) =>
    local.has(conflict.id) ? local.get(conflict.id) ?? null : conflict.decision;

  const resolve = useMutation(
    (resolutions: Resolution[]) => post("/api/v1/merges/{id}/resolutions", { path, json: { resolutions } }),
    { onDone: refresh },
  );
  const decide = async (conflict: Conflict, resolution: Resolution, decision: Decision | null) => {
    if (!isOpen) return;
    const before = decisionOf(conflict);
    setLocal((old) => new Map(old).set(conflict.id, decision));
    const answer = await resolve.run([resolution]);
    if (!answer) return setLocal((old) => new Map(old).set(conflict.id, before));
    setDone((old) => [...old, { what: `row ${keyText(conflict)}`, before: [{ id: conflict.id, decision: before }] }]);
  };
  const take = (conflict: Conflict, side: Take) =>
    void decide(conflict, { id: conflict.id, take: side }, { take: side, how: "hand" });
  const undo = async () => {
    const last = done.at(-1);
    if (!last) return;
    const answer = await resolve.run(restoring(last.before));
    if (!answer) return;
    setDone((old) => old.slice(0, -1));
    setLocal((old) => {
      const next = new Map(old);
      for (const { id, decision } of last.before) next.set(id, decision);
      return next;
    });
    toast.info(`Undone: ${last.what}.`);
  };
  const anew = () => {
    setLocal(new Map());
    pages.refresh();
    refresh();
  };
  const byRule = async (rule: Resolution) => {
    const answer = await resolve.run([rule]);
    if (!answer) return;
    toast.done(
      `${plural(counts.open - answer.counts.open, "conflict")} decided, ${
        answer.counts.open.toLocaleString("en")
      } open.`,
    );
    anew();
  };
  const dropRule = useMutation((rule: MergeRule) => withoutRule(merge, rule), {
    onDone: (next) => navigate(mergePath(project, name, next.id), { replace: true }),
  });
  const commit = useMutation(() => post("/api/v1/merges/{id}/commit", { path, json: {} }), {
    invalidates: ["/api/v1/datasets", "/api/v1/merges"],
    onDone: ({ version }) => {
      toast.done(`Merged: ${version.ref}.`);
      navigate(datasetPath(project, name, { tab: "history" }));
    },
  });
  const giveUp = useMutation(() => remove("/api/v1/merges/{id}", { path }), {
    invalidates: ["/api/v1/datasets", "/api/v1/merges"],
    onDone: () => navigate(datasetPath(project, name, { tab: "merges" })),
  });

  const go = (to: number) => {
    const next = Math.max(0, Math.min(to, items.length - 1));
    setAt(next);
    requestAnimationFrame(() =>
      list.current?.querySelector(`[data-conflict="${next}"]`)?.scrollIntoView({ block: "nearest" })
    );
  };
  const pressed = (event: KeyboardEvent) => {
    if (event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement || event.altKey) return;
    if ((event.ctrlKey || event.metaKey) && event.key === "z") {
      event.preventDefault();
      return void undo();
    }
    if (event.ctrlKey || event.metaKey) return;
    const conflict = items[at];
    const nextOpen = items.findIndex((each, index) => index > at && !decisionOf(each));
    const chooses = (side: Take) => {
      if (!conflict) return;
      take(conflict, side);
      go(nextOpen >= 0 ? nextOpen : at + 1);
    };
    const keys: Record<string, () => void> = {
      ArrowDown: () => go(at + 1),
      ArrowUp: () => go(at - 1),
      j: () => go(at + 1),
      k: () => go(at - 1),
      n: () => nextOpen >= 0 && go(nextOpen),
      o: () => chooses("ours"),
      t: () => chooses("theirs"),
      b: () => chooses("base"),
      u: () => conflict && void decide(conflict, { id: conflict.id, take: "open" }, null),
      v: () => list.current?.querySelector<HTMLElement>(`[data-conflict="${at}"] .conflict-other`)?.click(),
    };
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  };
  const columns = Object.entries(counts.byColumn);
  return (
    <PageLayout
      title={`${merge.from} → ${merge.into}`}
      crumbs={crumbs}
      fill
      badges={
        <Badge
          tone={merge.state === "merged"
            ? "good"
            : merge.state === "abandoned"
            ? "neutral"
            : counts.open > 0
            ? "warn"
            : "good"}
        >
          {merge.state === "conflicts"
            ? (counts.open > 0
              ? `${counts.open.toLocaleString("en")} of ${counts.conflicts.toLocaleString("en")} open`
              : "all decided")
            : merge.state}
        </Badge>
      }
      sub={`Version ${merge.theirs} into version ${merge.ours}${
        merge.base === null ? "" : `, both from version ${merge.base}`
      }. Rows are told apart by ${merge.key.join(", ")}.`}
      tools={isOpen && (
        <>
          <Button icon="refresh" disabled={done.length === 0} onClick={() => void undo()} title="Ctrl Z">Undo</Button>
          <Button kind="danger" onClick={() => setGives(true)}>Give up</Button>
          <Button
            kind="primary"
            icon="check"
            busy={commit.running}
            disabled={counts.open > 0 || merge.schemaConflicts.length > 0}
            onClick={() => void commit.run()}
          >
            Make the merged version
          </Button>
        </>
      )}
    >
      <Progress label="Decided" value={counts.conflicts === 0 ? 1 : 1 - counts.open / counts.conflicts} />
      {[resolve.error, commit.error, dropRule.error].map((error, index) =>
        error && <Notice key={index} tone="bad">{error.message}</Notice>
      )}
      {merge.schemaConflicts.length > 0
        ? (
          <SchemaConflicts
            merge={merge}
            busy={resolve.running}
            onTake={(column, side) => void byRule({ column, take: side })}
          />
        )
        : (
          <>
            {isOpen && (
              <Rules
                merge={merge}
                columns={columns.map(([each]) => each)}
                busy={resolve.running || dropRule.running}
                onRule={(rule) => void byRule(rule)}
                onDrop={(rule) => void dropRule.run(rule)}
              />
            )}
            <div className="list-tools">
              <Select
                aria-label="Column"
                value={column}
                onChange={(next) => {
                  setColumn(next);
                  setAt(0);
                }}
                options={[
                  { value: "", label: `All columns (${counts.open.toLocaleString("en")} open)` },
                  ...columns.map(([each, count]) => ({
                    value: each,
                    label: `${each} (${(counts.openByColumn[each] ?? 0).toLocaleString("en")} of ${
                      count.toLocaleString("en")
                    } open)`,
                  })),
                ]}
              />
              <Segmented
                label="State"
                value={state}
                onChange={(next) => {
                  setState(next);
                  setAt(0);
                  setLocal(new Map());
                }}
                options={[{ id: "all", label: "All" }, { id: "open", label: "Open" }, {
                  id: "decided",
                  label: "Decided",
                }]}
              />
              <span className="grow" />
              <span className="merge-keys faint small">
                <Key>↓</Key>
                <Key>↑</Key> move <Key>O</Key> ours <Key>T</Key> theirs <Key>B</Key> base <Key>V</Key> value{" "}
                <Key>U</Key> open again <Key>N</Key> next open
              </span>
            </div>
            <div className="history-list conflicts" ref={list} onKeyDown={pressed}>
              {pages.error && items.length === 0
                ? <Failed error={pages.error} retry={pages.refresh} />
                : pages.loading
                ? (
                  <div className="rows-wait">
                    <Skeleton rows={8} />
                  </div>
                )
                : items.length === 0
                ? <Empty icon="check" title={state === "open" ? "Nothing is open" : "No conflicts"} compact />
                : (
                  <VirtualList
                    count={items.length}
                    lineHeight={lineHeight}
                    label="Conflicts"
                    onRange={(_, last) => pages.more && last > items.length - 20 && pages.loadMore()}
                  >
                    {(line) => {
                      const conflict = items[line];
                      if (!conflict) return null;
                      return (
                        <ConflictRow
                          conflict={conflict}
                          decision={decisionOf(conflict)}
                          index={line}
                          isAt={line === at}
                          readOnly={!isOpen}
                          onFocus={() => setAt(line)}
                          onTake={(side) => take(conflict, side)}
                          onValue={(value) =>
                            void decide(conflict, { id: conflict.id, value }, { take: "value", value, how: "hand" })}
                          onOpen={() => void decide(conflict, { id: conflict.id, take: "open" }, null)}
                        />
                      );
                    }}
                  </VirtualList>
                )}
            </div>
          </>
        )}
      <Confirm
        open={gives}
        onClose={() => setGives(false)}
        title="Give this merge up?"
        action="Give up"
        error={giveUp.error}
        onConfirm={() => giveUp.run()}
      >
        <p>
          {plural(counts.conflicts - counts.open, "decision")} of {plural(counts.conflicts, "conflict")}{" "}
          are forgotten. Both branches stay as they are; the merge can be begun anew.
        </p>
      </Confirm>
    </PageLayout>
  );
}

function keyText(conflict: Conflict): string {
  return Object.values(conflict.key).map(String).join(", ");
}
