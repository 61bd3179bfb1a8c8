import { useEffect, useMemo, useState } from "react";
import { get } from "../api/client.ts";
import { useFetch } from "../api/hooks.ts";
import type { PageProps } from "../app/feature.ts";
import { parseRef } from "../app/refs.ts";
import { flag, list, number, oneOf, text, useUrlState } from "../app/urlState.ts";
import { Button } from "../kit/Button.tsx";
import { Checkbox, Input, SearchInput, Select } from "../kit/Field.tsx";
import { plural } from "../kit/format.ts";
import { collapse, Graph, type GraphEdge, type GraphNode } from "../kit/graph/index.ts";
import { Icon } from "../kit/Icon.tsx";
import { PageLayout } from "../kit/Page.tsx";
import { Empty, Failed, Notice, Skeleton } from "../kit/States.tsx";
import { Segmented } from "../kit/Tabs.tsx";
import { type LineageEdge, mostEdges } from "./api.ts";
import { lookOf } from "./kinds.ts";
import { LineageList } from "./LineageList.tsx";
import { connected, graphOf, group, kindOf, type LineageNode, nameOf, without } from "./model.ts";
import { NodePanel } from "./NodePanel.tsx";
import { Start } from "./Start.tsx";

/** Steps that reach from a prediction to the source files, and not through alerts and retrainings to all that ever was. */
const nearEnough = 6;

type Drawn = GraphNode & { node: LineageNode; folded: number };

export default function LineagePage({ params: { project } }: PageProps<"/p/:project/lineage">) {
  const [ref, setRef] = useUrlState("ref", text, "");
  const [typed, setTyped] = useState(ref);
  useEffect(() => setTyped(ref), [ref]);
  const go = (next: string) => setRef(next.trim(), { push: true });
  return (
    <PageLayout
      title="Lineage"
      fill
    >
      <form
        className="lineage-ask"
        onSubmit={(event) => {
          event.preventDefault();
          if (typed.trim()) go(typed);
        }}
      >
        <Input
          mono
          value={typed}
          onChange={setTyped}
          placeholder="model:restock@5, prediction:…, dataset:sales@3"
          aria-label="A ref"
        />
        <Button submit kind={ref ? "plain" : "primary"} icon="search" disabled={typed.trim() === ""}>Trace</Button>
      </form>

      {ref === "" ? <Start project={project} onChoose={go} /> : <Lineage key={ref} root={ref} onRoot={go} />}
    </PageLayout>
  );
}

/** The edges, and the exact thing that the ref stands for: a name without a version is its newest. */
async function ask(
  root: string,
  direction: "upstream" | "downstream" | "both",
  depth: number,
  signal: AbortSignal,
): Promise<{ root: string; edges: LineageEdge[] }> {
  const directions = direction === "both" ? ["upstream", "downstream"] : [direction];
  const answers = await Promise.all(
    directions.map((each) =>
      get("/api/v1/lineage/{ref}", { path: { ref: root }, query: { direction: each, depth }, signal })
    ),
  );
  return { root: answers[0]?.ref ?? root, edges: answers.flatMap((answer) => answer.edges) };
}

function Lineage({ root: asked, onRoot }: { root: string; onRoot: (ref: string) => void }) {
  const [direction, setDirection] = useUrlState("dir", oneOf("upstream", "both", "downstream"), "both");
  const [depth, setDepth] = useUrlState("depth", number, nearEnough);
  const [view, setView] = useUrlState("view", oneOf("graph", "list"), "graph");
  const [hidden, setHidden] = useUrlState("hide", list, []);
  const [folded, setFolded] = useUrlState("fold", list, []);
  const [opened, setOpened] = useUrlState("open", list, []);
  const [single, setSingle] = useUrlState("single", flag, false);
  const [chosen, setChosen] = useUrlState("node", text, "");
  const [search, setSearch] = useUrlState("q", text, "");
  const [at, setAt] = useState(0);
  const query = useFetch(`lineage ${asked} ${direction} ${depth}`, (signal) => ask(asked, direction, depth, signal), {
    fresh: 30_000,
  });
  const root = query.data?.root ?? asked;
  const edges = query.data?.edges;
  const whole = useMemo(() => edges ? graphOf(root, edges) : null, [edges, root]);
  const kinds = useMemo(() => {
    const counts = new Map<string, number>();
    for (const node of whole?.nodes ?? []) counts.set(node.kind, (counts.get(node.kind) ?? 0) + 1);
    return [...counts].sort((a, b) => b[1] - a[1]);
  }, [whole]);
  const shown = useMemo(() => {
    if (!whole) return null;
    const filtered = without(whole, new Set(hidden), root);
    return single ? filtered : group(filtered, new Set([root]), new Set(opened));
  }, [whole, hidden, single, opened, root]);
  const { nodes, drawn } = useMemo(() => fold(shown, folded, root), [shown, folded, root]);
  const found = useMemo(() => {
    const wanted = search.trim().toLowerCase();
    return wanted === ""
      ? []
      : nodes.filter(({ node }) => node.members.some((member) => member.toLowerCase().includes(wanted)));
  }, [nodes, search]);
  const highlight = useMemo(() => {
    if (found.length > 0) return new Set(found.map((node) => node.id));
    return chosen && nodes.some((node) => node.id === chosen) ? connected(drawn, chosen) : null;
  }, [found, chosen, nodes, drawn]);
  const selected = nodes.find((node) => node.id === chosen);
  const toggle = (values: string[], value: string) =>
    values.includes(value) ? values.filter((each) => each !== value) : [...values, value];

  if (query.error) return <Failed error={query.error} retry={query.refresh} />;
  if (!shown || !edges) return <Skeleton height={400} />;
  if (edges.length === 0) return <Nothing root={root} onRoot={onRoot} />;
  const next = () => {
    const node = found[at % found.length];
    if (!node) return;
    setChosen(node.id);
    setAt(at + 1);
  };
  return (
    <>
      <div className="row row-wrap row-between">
        <div className="row row-wrap">
          <Segmented
            label="Direction"
            value={direction}
            onChange={setDirection}
            options={[{ id: "upstream", label: "made from" }, { id: "both", label: "both ways" }, {
              id: "downstream",
              label: "made of it",
            }]}
          />
          <Select
            aria-label="How far"
            value={String(depth)}
            onChange={(value) => setDepth(Number(value))}
            options={[1, 2, 3, 6, 10, 20, 50].map((value) => ({ value: String(value), label: plural(value, "step") }))}
          />
          <Segmented
            label="View"
            value={view}
            onChange={setView}
            options={[{ id: "graph", label: "Graph" }, { id: "list", label: "List" }]}
          />
        </div>
        <form
          className="row"
          onSubmit={(event) => {
            event.preventDefault();
            next();
          }}
        >
          <SearchInput
            value={search}
            onChange={(value) => {
              setSearch(value);
              setAt(0);
            }}
            placeholder="Find in it"
            aria-label="Find in the graph"
          />
          {search && (
            <span className="faint small tabular" role="status">
              {found.length === 0 ? "none" : `${Math.min(at, found.length) || 1} of ${found.length}`}
            </span>
          )}
          {found.length > 0 && <Button small submit>Next</Button>}
        </form>
      </div>
      <div className="row row-wrap lineage-kinds" role="group" aria-label="Kinds of things">
        {kinds.map(([kind, count]) => {
          const look = lookOf(kind);
          const isOff = hidden.includes(kind);
          return (
            <button
              key={kind}
              type="button"
              aria-pressed={!isOff}
              className={isOff ? "lineage-kind lineage-off" : "lineage-kind"}
              onClick={() => setHidden(toggle(hidden, kind))}
            >
              <span style={{ color: look.color }}>
                <Icon name={look.icon} size={13} />
              </span>{" "}
              {kind.replace("-", " ")} <span className="faint tabular">{count}</span>
            </button>
          );
        })}
        <Checkbox checked={!single} onChange={(checked) => setSingle(!checked)}>group what is alike</Checkbox>
        <span className="faint small">
          {nodes.length < (whole?.nodes.length ?? 0)
            ? `${nodes.length} of ${whole?.nodes.length} drawn`
            : plural(nodes.length, "thing")}
        </span>
      </div>
      {edges.length >= mostEdges && (
        <Notice tone="warn">
          There is more: the server stops at {mostEdges} edges. Choose fewer steps or start nearer.
        </Notice>
      )}
      {view === "list"
        ? (
          <div className="fill">
            <LineageList root={root} edges={edges} hidden={hidden} search={search} onRoot={onRoot} />
          </div>
        )
        : (
          <div className={selected ? "fill lineage-split" : "fill"}>
            <div className="panel lineage-graph">
              <Graph
                label={`Lineage of ${root}`}
                nodes={nodes}
                edges={drawn}
                direction="LR"
                selected={chosen || null}
                onSelect={(id) => setChosen(id ?? "")}
                onOpen={({ node }) => node.members.length > 1 ? setOpened([...opened, node.id]) : onRoot(node.id)}
                highlight={highlight}
                focus={root}
                renderNode={({ node, folded: count }) => (
                  <NodeBox node={node} isRoot={node.id === root} folded={count} />
                )}
              />
            </div>
            {selected && (
              <NodePanel
                node={selected.node}
                edges={shown.edges}
                isRoot={selected.id === root}
                isFolded={folded.includes(selected.id)}
                onChoose={setChosen}
                onRoot={onRoot}
                onFold={() => setFolded(toggle(folded, selected.id))}
                onOpen={() => {
                  setOpened([...opened, selected.id]);
                  setChosen("");
                }}
                onClose={() => setChosen("")}
              />
            )}
          </div>
        )}
    </>
  );
}

/** Leaves out what is only behind folded nodes, on either side of the start. */
function fold(
  graph: { nodes: LineageNode[]; edges: { from: string; to: string; relations: string[]; bridged: boolean }[] } | null,
  folded: string[],
  root: string,
): { nodes: Drawn[]; drawn: GraphEdge[] } {
  if (!graph) return { nodes: [], drawn: [] };
  const ids = graph.nodes.map((node) => node.id);
  const stops = new Set(folded.filter((id) => id !== root));
  const behind = collapse(ids, graph.edges, stops, [root], "backward");
  const ahead = collapse(ids, graph.edges, stops, [root], "forward");
  const stays = new Set(ids.filter((id) => behind.shown.has(id) && ahead.shown.has(id)));
  const nodes = graph.nodes.filter((node) => stays.has(node.id)).map((node): Drawn => {
    const { title, detail } = nameOf(node);
    return {
      id: node.id,
      node,
      folded: Math.max(behind.hidden.get(node.id) ?? 0, ahead.hidden.get(node.id) ?? 0),
      width: Math.max(120, Math.min(280, 58 + Math.max(title.length * 7.8, detail.length * 6.4))),
      height: 46,
      label: node.members.length > 1 ? `${title}, ${detail}` : node.id,
    };
  });
  const drawn = graph.edges.filter((edge) => stays.has(edge.from) && stays.has(edge.to)).map((edge): GraphEdge => ({
    from: edge.from,
    to: edge.to,
    ...(edge.relations.length > 0 ? { label: edge.relations.join(", ") } : {}),
    dashed: edge.bridged,
  }));
  return { nodes, drawn };
}

function NodeBox({ node, isRoot, folded }: { node: LineageNode; isRoot: boolean; folded: number }) {
  const { title, detail } = nameOf(node);
  const look = lookOf(node.kind);
  return (
    <div
      className={`lineage-node${isRoot ? " lineage-root" : ""}${node.members.length > 1 ? " lineage-group" : ""}`}
      style={{ borderLeftColor: look.color }}
    >
      <span style={{ color: look.color }}>
        <Icon name={look.icon} size={15} />
      </span>
      <span className="grow lineage-words">
        <span className="ellipsis lineage-title">{title}</span>
        <span className="ellipsis lineage-detail">{folded > 0 ? `${detail}, ${folded} folded` : detail}</span>
      </span>
    </div>
  );
}

/** No edges: most often a name without its version. */
function Nothing({ root, onRoot }: { root: string; onRoot: (ref: string) => void }) {
  const ref = parseRef(root);
  const isBare = ref !== null && ref.selector === null &&
    ["dataset", "model", "slice", "monitor", "pipeline"].includes(ref.kind);
  const newest = useFetch(`newest ${root}`, async (signal) => {
    const { items } = await get("/api/v1/events", { query: { subject: root, limit: 50 }, signal });
    return items.map((event) => event.subject).find((subject) =>
      kindOf(subject) === ref?.kind && subject.includes("@")
    ) ?? null;
  }, { skip: !isBare });
  const suggestion = newest.data;
  if (!ref) {
    return (
      <Empty icon="lineage" title="That is not a ref">
        A ref is a kind, a colon and a name: <code>model:restock@5</code>.
      </Empty>
    );
  }
  return (
    <Empty
      icon="lineage"
      title="Nothing is known of where it came from"
      action={suggestion && <Button kind="primary" onClick={() => onRoot(suggestion)}>Trace {suggestion}</Button>}
    >
      {isBare
        ? (
          <>
            Edges join exact versions, so name one: <code>{root}@1</code>.
          </>
        )
        : "It exists without having been made from anything here, or there is no such thing."}
    </Empty>
  );
}
