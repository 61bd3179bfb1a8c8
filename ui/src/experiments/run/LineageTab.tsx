import { useQuery } from "../../api/hooks.ts";
import { ButtonLink } from "../../kit/Button.tsx";
import { Panel } from "../../kit/Page.tsx";
import { Loaded } from "../../kit/States.tsx";
import { RefLink } from "../../kit/Values.tsx";
import { useProject } from "../../app/project.ts";

/** The neighbours of something in the graph of what was made from what; all of the graph is on the lineage page. */
export function LineageTab({ reference }: { reference: string }) {
  const project = useProject();
  return (
    <div className="stack stack-loose">
      <div className="grid-2">
        <Neighbours
          reference={reference}
          direction="upstream"
          title="Made from"
          none="Nothing is recorded before it."
        />
        <Neighbours
          reference={reference}
          direction="downstream"
          title="Led to"
          none="Nothing was made from it so far."
        />
      </div>
      {project && (
        <div>
          <ButtonLink
            icon="lineage"
            to={`/p/${encodeURIComponent(project)}/lineage?ref=${encodeURIComponent(reference)}`}
          >
            Open the whole graph
          </ButtonLink>
        </div>
      )}
    </div>
  );
}

interface Edge {
  source: string;
  target: string;
  relation: string;
}

function Neighbours(
  { reference, direction, title, none }: {
    reference: string;
    direction: "upstream" | "downstream";
    title: string;
    none: string;
  },
) {
  const query = useQuery(
    "/api/v1/lineage/{ref}",
    { path: { ref: reference }, query: { direction, depth: 3 } },
    { fresh: 10_000 },
  );
  return (
    <Panel title={title}>
      <Loaded query={query} compact>
        {(data) => {
          const edges = (data as unknown as { edges: Edge[] }).edges;
          const others = [
            ...new Map(edges.map((edge) => {
              const other = direction === "upstream" ? edge.source : edge.target;
              return [other, edge] as const;
            })),
          ].filter(([ref]) => ref !== reference);
          return others.length === 0 ? <p className="faint">{none}</p> : (
            <ul className="stack">
              {others.map(([ref, edge]) => (
                <li key={ref} className="row row-between">
                  <RefLink value={ref} />
                  <span className="faint small">{edge.relation}</span>
                </li>
              ))}
            </ul>
          );
        }}
      </Loaded>
    </Panel>
  );
}
