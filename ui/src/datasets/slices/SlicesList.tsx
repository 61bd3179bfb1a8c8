import type { QueryState } from "../../api/hooks.ts";
import { navigate } from "../../app/router.tsx";
import { arraySource, type Column, DataGrid } from "../../kit/grid/index.ts";
import { Badge } from "../../kit/Badge.tsx";
import { Empty, Failed } from "../../kit/States.tsx";
import { RefLink, Time } from "../../kit/Values.tsx";
import { slicePath } from "../paths.ts";
import type { Slice } from "./api.ts";

export function SlicesList({ project, query }: { project: string; query: QueryState<{ items: Slice[] }> }) {
  if (query.error && !query.data) return <Failed error={query.error} retry={query.refresh} />;
  return (
    <div className="fill">
      <DataGrid
        label="Slices"
        columns={columns}
        source={{ ...arraySource(query.data?.items ?? []), loading: query.loading }}
        rowKey={(row) => row.name}
        rowHeight={40}
        onOpen={(row) => navigate(slicePath(project, row.name))}
        empty={
          <Empty icon="filter" title="No slice yet">
            A slice is a named query over a dataset: what a model is trained on, what it is judged by. Open a dataset,
            filter its rows, and keep them with <b>Save as slice</b>.
          </Empty>
        }
      />
    </div>
  );
}

const columns: Column<Slice>[] = [
  { id: "name", header: "Name", value: (row) => row.name, cell: (row) => <b>{row.name}</b>, pinned: true, width: 220 },
  { id: "version", header: "Version", value: (row) => row.version, align: "end", width: 80 },
  { id: "over", header: "Of", value: (row) => row.over, cell: (row) => <RefLink value={row.over} />, width: 200 },
  {
    id: "rule",
    header: "Rows",
    value: (row) => row.summary,
    cell: (row) => <code className="ellipsis">{row.summary}</code>,
    width: 320,
  },
  {
    id: "purpose",
    header: "For",
    value: (row) => row.purpose,
    cell: (row) => row.purpose ? <Badge>{row.purpose}</Badge> : <span className="faint">–</span>,
    width: 120,
  },
  { id: "owner", header: "Owner", value: (row) => row.owner, width: 100 },
  {
    id: "created",
    header: "Changed",
    value: (row) => row.created,
    cell: (row) => <Time at={row.created} />,
    width: 120,
  },
  { id: "description", header: "Description", value: (row) => row.description, width: 280 },
];
