import { useState } from "react";
import { post } from "../../api/client.ts";
import { type QueryState, useMutation } from "../../api/hooks.ts";
import { navigate } from "../../app/router.tsx";
import { Button } from "../../kit/Button.tsx";
import { Badge } from "../../kit/Badge.tsx";
import { arraySource, type Column, DataGrid } from "../../kit/grid/index.ts";
import { Empty, Failed } from "../../kit/States.tsx";
import { Time } from "../../kit/Values.tsx";
import { Freshness } from "../list/Freshness.tsx";
import { sourcePath } from "../paths.ts";
import type { Source } from "./api.ts";
import { SourceForm } from "./SourceForm.tsx";

export function SourcesList({ project, query }: { project: string; query: QueryState<{ items: Source[] }> }) {
  const [makes, setMakes] = useState(false);
  const make = useMutation((body: Record<string, unknown>) => post("/api/v1/sources", { json: body }), {
    invalidates: ["/api/v1/sources"],
    onDone: (source) => navigate(sourcePath(project, source.name)),
  });
  if (query.error && !query.data) return <Failed error={query.error} retry={query.refresh} />;
  return (
    <>
      <div className="list-tools">
        <span className="grow small muted">
          Where data comes from. Each read makes a version only if something changed.
        </span>
        <Button icon="plus" onClick={() => setMakes(true)}>New source</Button>
      </div>
      {makes && (
        <SourceForm
          project={project}
          busy={make.running}
          error={make.error}
          onClose={() => setMakes(false)}
          onSave={(body) => void make.run(body)}
        />
      )}
      <div className="fill">
        <DataGrid
          label="Sources"
          columns={columns}
          source={{ ...arraySource(query.data?.items ?? []), loading: query.loading }}
          rowKey={(row) => row.name}
          rowHeight={40}
          onOpen={(row) => navigate(sourcePath(project, row.name))}
          empty={
            <Empty icon="source" title="No source yet">
              A source is where data comes from: files on the server, a URL, S3, PostgreSQL or SQLite. It is read when
              you say so or on a schedule, and tells when it is late.
            </Empty>
          }
        />
      </div>
    </>
  );
}

const columns: Column<Source>[] = [
  { id: "name", header: "Name", value: (row) => row.name, cell: (row) => <b>{row.name}</b>, pinned: true, width: 200 },
  { id: "kind", header: "Kind", value: (row) => row.kind, cell: (row) => <Badge>{row.kind}</Badge>, width: 90 },
  {
    id: "freshness",
    header: "Freshness",
    value: (row) => row.freshness.due,
    cell: (row) => <Freshness source={row} />,
    width: 200,
  },
  { id: "into", header: "Into", value: (row) => row.settings.dataset, width: 160 },
  { id: "mode", header: "Mode", value: (row) => row.settings.mode, width: 90 },
  {
    id: "schedule",
    header: "Schedule (UTC)",
    value: (row) => row.settings.schedule,
    cell: (row) =>
      row.settings.schedule ? <code>{row.settings.schedule}</code> : <span className="faint">by hand</span>,
    width: 140,
  },
  {
    id: "imported",
    header: "Read",
    value: (row) => row.lastImported,
    cell: (row) => <Time at={row.lastImported} />,
    width: 120,
  },
  {
    id: "location",
    header: "Location",
    value: (row) => row.location,
    cell: (row) => <code className="ellipsis" title={row.location}>{row.location}</code>,
    width: 420,
  },
];
