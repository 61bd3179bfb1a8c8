import { useMemo } from "react";
import { Button } from "../kit/Button.tsx";
import { arraySource, type Column, DataGrid } from "../kit/grid/index.ts";
import { Empty } from "../kit/States.tsx";
import { RefLink } from "../kit/Values.tsx";
import type { LineageEdge } from "./api.ts";
import { distances, kindOf } from "./model.ts";

interface Row {
  ref: string;
  kind: string;
  steps: number;
  how: string;
}

/** The same as a list: what each thing is, how far it is, how it is tied to its neighbours. */
export function LineageList(
  { root, edges, hidden, search, onRoot }: {
    root: string;
    edges: readonly LineageEdge[];
    hidden: readonly string[];
    search: string;
    onRoot: (ref: string) => void;
  },
) {
  const rows = useMemo(() => {
    const steps = distances(edges, root);
    const ties = new Map<string, string[]>();
    for (const { source, target, relation } of edges) {
      const tie = ties.get(target);
      const words = `${relation} ${source}`;
      if (tie) tie.push(words);
      else ties.set(target, [words]);
    }
    const wanted = search.trim().toLowerCase();
    return [...steps].map(([ref, count]): Row => ({
      ref,
      kind: kindOf(ref),
      steps: count,
      how: (ties.get(ref) ?? []).join(", "),
    }))
      .filter((row) => !hidden.includes(row.kind) && (wanted === "" || row.ref.toLowerCase().includes(wanted)));
  }, [edges, root, hidden, search]);
  const columns = useMemo((): Column<Row>[] => [
    { id: "steps", header: "Steps", width: 70, align: "end", pinned: true, value: (row) => row.steps },
    { id: "kind", header: "Kind", width: 120, value: (row) => row.kind },
    { id: "ref", header: "What", width: 340, value: (row) => row.ref, cell: (row) => <RefLink value={row.ref} /> },
    {
      id: "how",
      header: "Made from",
      width: 520,
      grow: true,
      value: (row) => row.how,
      cell: (row) => <span className="mono small ellipsis" title={row.how}>{row.how || "–"}</span>,
    },
    {
      id: "trace",
      header: "",
      name: "Trace",
      width: 80,
      cell: (row) => row.ref !== root && <Button small kind="quiet" onClick={() => onRoot(row.ref)}>Trace</Button>,
    },
  ], [root, onRoot]);
  return (
    <DataGrid
      label={`Lineage of ${root}`}
      columns={columns}
      source={arraySource(rows)}
      rowKey={(row) => row.ref}
      empty={<Empty icon="search" title="Nothing fits">Show more kinds or clear the search.</Empty>}
    />
  );
}
