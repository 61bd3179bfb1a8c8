import { useMemo, useState } from "react";
import type { PageProps } from "../app/feature.ts";
import { Link, navigate } from "../app/router.tsx";
import { text, useUrlState } from "../app/urlState.ts";
import { post } from "../api/client.ts";
import { useMutation, usePages, useQuery } from "../api/hooks.ts";
import { StateBadge } from "../kit/Badge.tsx";
import { Button } from "../kit/Button.tsx";
import { Field, Input, SearchInput, TextArea } from "../kit/Field.tsx";
import { FormDialog } from "../kit/FormDialog.tsx";
import { arraySource, type Column, DataGrid, pagesSource } from "../kit/grid/index.ts";
import { Icon } from "../kit/Icon.tsx";
import { PageLayout } from "../kit/Page.tsx";
import { Empty } from "../kit/States.tsx";
import { Time } from "../kit/Values.tsx";
import { AliasBadge } from "./AliasBadge.tsx";
import type { Model } from "./api.ts";
import { modelPath, routes, versionPath } from "./paths.ts";

export default function ModelsPage({ params: { project } }: PageProps<typeof routes.models>) {
  const [search, setSearch] = useUrlState("search", text, "");
  const [isNew, setNew] = useState(false);
  const pages = usePages("/api/v1/models", { query: { project } }, { live: ["model."] });
  const columns = useMemo(() => modelColumns(project), [project]);
  const wanted = search.trim().toLowerCase();
  const source = wanted
    ? arraySource(pages.items.filter((model) => model.name.toLowerCase().includes(wanted)))
    : pagesSource(pages);
  return (
    <PageLayout
      fill
      title="Models"
      sub="Registered models: which version is in use, who approved it, and what waits for a decision."
      tools={
        <>
          <SearchInput aria-label="Find models" placeholder="Find models" value={search} onChange={setSearch} />
          <Button kind="primary" icon="plus" onClick={() => setNew(true)}>New model</Button>
        </>
      }
    >
      <div className="fill">
        <DataGrid
          label="Models"
          columns={columns}
          source={source}
          rowHeight={44}
          rowKey={(model) => model.name}
          onOpen={(model) => navigate(modelPath(project, model.name))}
          empty={wanted ? <Empty icon="search" title="No model has such a name" /> : (
            <Empty
              icon="model"
              title="No models yet"
              action={<Button kind="primary" icon="plus" onClick={() => setNew(true)}>New model</Button>}
            >
              <p>
                Training code registers one with{" "}
                <code>mlflow.sklearn.log_model(model, registered_model_name="…")</code>; pipelines do by an output{" "}
                <code>model:NAME</code>.
              </p>
            </Empty>
          )}
        />
      </div>
      {isNew && <NewModel project={project} onClose={() => setNew(false)} />}
    </PageLayout>
  );
}

function modelColumns(project: string): Column<Model>[] {
  return [
    {
      id: "name",
      header: "Name",
      width: 260,
      pinned: true,
      grow: true,
      value: (model) => model.name,
      cell: (model) => (
        <span className="model-name">
          <Link to={modelPath(project, model.name)} className="row ellipsis">
            <Icon name="model" size={15} />
            <span className="ellipsis">{model.name}</span>
          </Link>
          {model.description && <span className="small faint ellipsis">{firstLine(model.description)}</span>}
        </span>
      ),
    },
    {
      id: "aliases",
      header: "In use",
      width: 260,
      value: (model) => Object.entries(model.aliases).map(([alias, version]) => `${alias} → ${version}`).join(", "),
      cell: (model) =>
        Object.keys(model.aliases).length === 0 ? <span className="faint">no alias</span> : (
          <span className="row">
            {Object.entries(model.aliases).map(([alias, version]) => (
              <AliasBadge key={alias} alias={alias} version={version} to={versionPath(project, model.name, version)} />
            ))}
          </span>
        ),
    },
    {
      id: "newest",
      header: "Newest version",
      width: 220,
      cell: (model) => <NewestVersion project={project} model={model.name} />,
    },
    {
      id: "policy",
      header: "Approvals needed",
      width: 140,
      align: "end",
      value: (model) => model.policy.approvalsRequired,
      cell: (model) => model.policy.approvalsRequired || <span className="faint">none</span>,
    },
    { id: "owner", header: "Owner", width: 120, value: (model) => model.owner },
    {
      id: "updated",
      header: "Changed",
      width: 110,
      value: (model) => model.updated,
      cell: (model) => <Time at={model.updated} />,
    },
  ];
}

function firstLine(text: string): string {
  return (text.split("\n").find((line) => line.trim() !== "") ?? "").replace(/[*_`#]/g, "");
}

function NewestVersion({ project, model }: { project: string; model: string }) {
  const query = useQuery(
    "/api/v1/models/{name}/versions",
    { path: { name: model }, query: { limit: 1 } },
    { live: ["model."], about: (event) => event.subject.includes(model), fresh: 30_000 },
  );
  const newest = query.data?.items[0];
  if (query.data && !newest) return <span className="faint">no version</span>;
  if (!newest) return null;
  return (
    <span className="row">
      <Link to={versionPath(project, model, newest.version)}>version {newest.version}</Link>
      <StateBadge state={newest.approval} />
      <span className="small muted">
        <Time at={newest.created} />
      </span>
    </span>
  );
}

function NewModel({ project, onClose }: { project: string; onClose: () => void }) {
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const create = useMutation(() => post("/api/v1/models", { json: { name: name.trim(), project, description } }), {
    invalidates: ["/api/v1/models"],
    onDone: (model) => navigate(modelPath(project, model.name)),
  });
  return (
    <FormDialog
      title="New model"
      action="Create"
      onClose={onClose}
      onSubmit={() => void create.run()}
      ready={name.trim() !== ""}
      busy={create.running}
      error={create.error}
    >
      <Field label="Name" required help="Unique on the server; versions are numbered by themselves.">
        <Input value={name} onChange={setName} autoFocus />
      </Field>
      <Field label="What it is for" help="Markdown.">
        <TextArea value={description} onChange={setDescription} />
      </Field>
    </FormDialog>
  );
}
