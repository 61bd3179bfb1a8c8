import { useMemo, useState } from "react";
import { useFetch } from "../../api/hooks.ts";
import { get } from "../../api/client.ts";
import { useProject } from "../../app/project.ts";
import { parseRef, shortRef } from "../../app/refs.ts";
import { resolverOf } from "../../app/registry.ts";
import { navigate } from "../../app/router.tsx";
import { oneOf, useUrlState } from "../../app/urlState.ts";
import { Button } from "../../kit/Button.tsx";
import { Checkbox } from "../../kit/Field.tsx";
import { Graph, type GraphNode } from "../../kit/graph/index.ts";
import { Icon } from "../../kit/Icon.tsx";
import { Empty, Failed, Skeleton } from "../../kit/States.tsx";
import { Segmented } from "../../kit/Tabs.tsx";
import { fold, type LineageEdge } from "./fold.ts";

interface Node extends GraphNode {
  ref: string;
  detail: string;
}

interface Answer {
  edges: LineageEdge[];
}

/** What a version was made from and what was made of it. A row of versions of one thing is folded into one node. */
export function LineageGraph({ refText }: { refText: string }) {
  const project = useProject() ?? "";
  const [depth, setDepth] = useUrlState("depth", oneOf("1", "3", "all"), "1");
  const [folds, setFolds] = useState(true);
  const [selected, setSelected] = useState<string | null>(null);
  const query = { depth: depth === "all" ? 1000 : Number(depth) };
  const up = useFetch(
    `lineage up ${refText} ${depth}`,
    (signal) => get("/api/v1/lineage/{ref}", { path: { ref: refText }, query, signal }) as Promise<Answer>,
    { live: ["dataset.version.created"] },
  );
  const down = useFetch(
    `lineage down ${refText} ${depth}`,
    (signal) =>
      get("/api/v1/lineage/{ref}", {
        path: { ref: refText },
        query: { ...query, direction: "downstream" },
        signal,
      }) as Promise<Answer>,
  );
  const graph = useMemo(() => {
    const edges = [...up.data?.edges ?? [], ...down.data?.edges ?? []];
    return folds ? fold(edges, refText) : fold(edges, refText, Infinity);
  }, [up.data, down.data, folds, refText]);
  const nodes = useMemo(
    () =>
      graph.nodes.map((each): Node => ({
        id: each.id,
        ref: each.ref,
        detail: each.detail,
        label: each.id,
        width: 200,
        height: 44,
      })),
    [graph],
  );
  const edges = useMemo(
    () => graph.edges.map((each) => ({ from: each.source, to: each.target, label: each.relation })),
    [graph],
  );
  const error = up.error ?? down.error;
  if (error && !up.data) return <Failed error={error} retry={up.refresh} />;
  if (up.loading || down.loading) return <Skeleton rows={8} />;
  return (
    <div className="history">
      <div className="list-tools">
        <Segmented
          label="Steps"
          value={depth}
          onChange={setDepth}
          options={[{ id: "1", label: "1 step" }, { id: "3", label: "3 steps" }, { id: "all", label: "All" }]}
        />
        <Checkbox checked={folds} onChange={setFolds}>Fold versions of one thing</Checkbox>
        <span className="grow" />
        <Button
          icon="lineage"
          onClick={() => navigate(`/p/${encodeURIComponent(project)}/lineage?ref=${encodeURIComponent(refText)}`)}
        >
          Explore
        </Button>
      </div>
      {nodes.length <= 1
        ? (
          <Empty icon="lineage" title="Nothing around it">
            It was made from nothing that the server knows, and nothing was made of it yet.
          </Empty>
        )
        : (
          <div className="history-list lineage-graph">
            <Graph
              label={`Lineage of ${refText}`}
              nodes={nodes}
              edges={edges}
              selected={selected}
              onSelect={setSelected}
              focus={refText}
              onOpen={(node) => {
                const ref = parseRef(node.ref);
                const resolver = ref && resolverOf(ref.kind);
                if (ref && resolver) navigate(resolver.path(ref, project));
              }}
              renderNode={(node) => {
                const ref = parseRef(node.ref);
                const icon = (ref && resolverOf(ref.kind)?.icon) ?? "file";
                return (
                  <div className={`lineage-node${node.id === refText ? " lineage-here" : ""}`} title={node.ref}>
                    <Icon name={icon} size={15} />
                    <span className="grow ellipsis">
                      <b>{ref ? shortRef({ ...ref, selector: null }) : node.ref}</b>
                      <span className="lineage-detail">{node.detail}</span>
                    </span>
                  </div>
                );
              }}
            />
          </div>
        )}
    </div>
  );
}
