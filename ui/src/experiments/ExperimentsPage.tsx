import { useMemo, useState } from "react";
import type { PageProps } from "../app/feature.ts";
import { Link, navigate } from "../app/router.tsx";
import { text, useUrlState } from "../app/urlState.ts";
import { post } from "../api/client.ts";
import { useMutation, usePages } from "../api/hooks.ts";
import { Button } from "../kit/Button.tsx";
import { Field, Input, SearchInput } from "../kit/Field.tsx";
import { FormDialog } from "../kit/FormDialog.tsx";
import { arraySource, type Column, DataGrid } from "../kit/grid/index.ts";
import { Icon } from "../kit/Icon.tsx";
import { PageLayout } from "../kit/Page.tsx";
import { Empty } from "../kit/States.tsx";
import { Time } from "../kit/Values.tsx";
import type { Experiment } from "./api.ts";
import { LastRuns } from "./LastRuns.tsx";
import { experimentPath, routes } from "./paths.ts";
import { reportsOf } from "./reports/store.ts";
import { type ListRow, rowsIn } from "./folders.ts";

export default function ExperimentsPage({ params: { project } }: PageProps<typeof routes.experiments>) {
  const [search, setSearch] = useUrlState("search", text, "");
  const [folder, setFolder] = useUrlState("in", text, "");
  const [isNew, setNew] = useState(false);
  const pages = usePages("/api/v1/experiments", { query: { project } }, { live: ["experiment."], limit: 1000 });
  const rows = useMemo(() => rowsIn(pages.items, folder, search), [pages.items, folder, search]);
  const columns = useMemo(() => experimentColumns(project, (into) => setFolder(into, { push: true })), [project]);
  const source = useMemo(
    () => ({ ...arraySource(rows), loading: pages.loading, error: pages.error, retry: pages.refresh }),
    [rows, pages.loading, pages.error, pages.refresh],
  );
  const parts = folder === "" ? [] : folder.split("/");
  return (
    <PageLayout
      fill
      title="Experiments"
      sub="Groups of runs: what was tried, with what, and how it went."
      tools={
        <>
          <SearchInput
            aria-label="Find experiments"
            placeholder="Find experiments"
            value={search}
            onChange={setSearch}
          />
          <Button kind="primary" icon="plus" onClick={() => setNew(true)}>New experiment</Button>
        </>
      }
    >
      {parts.length > 0 && search === "" && (
        <nav className="folder-crumbs" aria-label="Folder">
          <button type="button" className="link" onClick={() => setFolder("")}>All</button>
          {parts.map((part, index) => (
            <span key={index} className="row">
              <span className="faint">/</span>
              <button type="button" className="link" onClick={() => setFolder(parts.slice(0, index + 1).join("/"))}>
                {part}
              </button>
            </span>
          ))}
        </nav>
      )}
      <div className="fill">
        <DataGrid
          label="Experiments"
          columns={columns}
          source={source}
          rowHeight={40}
          rowKey={(row) => row.kind === "folder" ? "folder " + row.path : row.experiment.id}
          onOpen={(row) =>
            row.kind === "folder"
              ? setFolder(row.path, { push: true })
              : navigate(experimentPath(project, row.experiment.id))}
          empty={search ? <Empty icon="search" title="No experiment has such a name" /> : (
            <Empty
              icon="experiment"
              title="No experiments yet"
              action={<Button kind="primary" icon="plus" onClick={() => setNew(true)}>New experiment</Button>}
            >
              <p>
                Training code makes one with <code>mlflow.set_experiment("{project}/first")</code>, or make one here.
              </p>
            </Empty>
          )}
        />
      </div>
      {isNew && <NewExperiment project={project} folder={folder} onClose={() => setNew(false)} />}
    </PageLayout>
  );
}

function experimentColumns(project: string, open: (folder: string) => void): Column<ListRow>[] {
  const of = (row: ListRow): Experiment | null => row.kind === "experiment" ? row.experiment : null;
  return [
    {
      id: "name",
      header: "Name",
      width: 320,
      pinned: true,
      grow: true,
      value: (row) => row.name,
      cell: (row) =>
        row.kind === "folder"
          ? (
            <button type="button" className="link row" onClick={() => open(row.path)}>
              <Icon name="folder" size={15} />
              <span>{row.name}</span>
              <span className="faint small">{row.count}</span>
            </button>
          )
          : (
            <Link to={experimentPath(project, row.experiment.id)} className="row ellipsis">
              <Icon name="experiment" size={15} />
              <span className="ellipsis">{row.name}</span>
            </Link>
          ),
    },
    {
      id: "runs",
      header: "Newest runs",
      width: 220,
      cell: (row) => row.kind === "experiment" ? <LastRuns project={project} experiment={row.experiment.id} /> : null,
    },
    {
      id: "reports",
      header: "Reports",
      width: 80,
      align: "end",
      value: (row) => row.kind === "experiment" ? reportsOf(row.experiment).length || null : null,
    },
    {
      id: "created",
      header: "Created",
      width: 120,
      value: (row) => of(row)?.created,
      cell: (row) => row.kind === "experiment" ? <Time at={row.experiment.created} /> : null,
    },
    {
      id: "id",
      header: "Id",
      width: 80,
      align: "end",
      value: (row) => of(row)?.id,
      cell: (row) => <span className="mono faint">{of(row)?.id}</span>,
    },
  ];
}

function NewExperiment({ project, folder, onClose }: { project: string; folder: string; onClose: () => void }) {
  const [name, setName] = useState(folder ? folder + "/" : "");
  const create = useMutation((wanted: string) => post("/api/v1/experiments", { json: { name: wanted, project } }), {
    invalidates: ["/api/v1/experiments"],
    onDone: (experiment) => navigate(experimentPath(project, experiment.id)),
  });
  return (
    <FormDialog
      title="New experiment"
      action="Create"
      onClose={onClose}
      onSubmit={() => void create.run(name.trim())}
      ready={name.trim() !== ""}
      busy={create.running}
      error={create.error}
    >
      <Field label="Name" required help="Unique on the server. A slash makes folders: vision/digits.">
        <Input value={name} onChange={setName} autoFocus />
      </Field>
    </FormDialog>
  );
}
