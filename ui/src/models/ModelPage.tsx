import { useMemo, useState } from "react";
import type { PageProps } from "../app/feature.ts";
import { pathTo } from "../app/paths.ts";
import { Link, navigate } from "../app/router.tsx";
import { list, oneOf, useUrlState } from "../app/urlState.ts";
import { useMay } from "../app/project.ts";
import { usePages, useQuery } from "../api/hooks.ts";
import { StateBadge } from "../kit/Badge.tsx";
import { Button, ButtonLink } from "../kit/Button.tsx";
import { type Column, DataGrid, pagesSource, type Selection } from "../kit/grid/index.ts";
import { plural } from "../kit/format.ts";
import { PageLayout, Panel } from "../kit/Page.tsx";
import { Empty, Failed, Loaded, Skeleton } from "../kit/States.tsx";
import { Tabs } from "../kit/Tabs.tsx";
import { Num, RefLink, Time } from "../kit/Values.tsx";
import { AliasBadge } from "./AliasBadge.tsx";
import { AliasTimeline } from "./AliasTimeline.tsx";
import { describeModel, type Model, type Version } from "./api.ts";
import { Card } from "./Card.tsx";
import { ModelMenu } from "./ModelMenu.tsx";
import { comparePath, routes, versionPath } from "./paths.ts";
import { PolicyPanel } from "./PolicyPanel.tsx";

export default function ModelPage({ params }: PageProps<typeof routes.model>) {
  const query = useQuery(
    "/api/v1/models/{name}",
    { path: { name: params.model } },
    { live: ["model."], about: (event) => event.subject.includes(params.model) },
  );
  if (query.error && !query.data) return <Failed error={query.error} retry={query.refresh} />;
  if (!query.data) return <Skeleton rows={8} />;
  return <ModelView project={params.project} model={query.data} />;
}

function ModelView({ project, model }: { project: string; model: Model }) {
  const [tab, setTab] = useUrlState("tab", oneOf("versions", "history", "card"), "versions");
  const mayWrite = useMay("models.write", model.project);
  const champion = model.aliases["champion"];
  return (
    <PageLayout
      title={model.name}
      crumbs={[{ label: "Models", to: pathTo(routes.models, { project }) }]}
      badges={Object.entries(model.aliases).map(([alias, version]) => (
        <AliasBadge key={alias} alias={alias} version={version} to={versionPath(project, model.name, version)} />
      ))}
      sub={
        <span>
          {champion === undefined ? "No champion yet." : `Version ${champion} is the champion.`} Owned by{" "}
          {model.owner}, changed <Time at={model.updated} />
        </span>
      }
      tools={<ModelMenu project={project} model={model} />}
    >
      <Tabs
        label="Parts of the model"
        value={tab}
        onChange={(next) => setTab(next, { push: true })}
        tabs={[
          { id: "versions", label: "Versions" },
          { id: "history", label: "Who was in use when" },
          { id: "card", label: "Card and policy" },
        ]}
      >
        {tab === "versions" && <Versions project={project} model={model} />}
        {tab === "history" && <History project={project} model={model} />}
        {tab === "card" && (
          <div className="model-card-columns">
            <Card
              title="Card"
              text={model.description}
              placeholder="Nobody has said yet what this model is for, what it must not be used for and what it was made from."
              mayEdit={mayWrite}
              save={(text) => describeModel(model.name, text)}
            />
            <PolicyPanel model={model} />
          </div>
        )}
      </Tabs>
    </PageLayout>
  );
}

function History({ project, model }: { project: string; model: Model }) {
  const query = useQuery(
    "/api/v1/models/{name}/history",
    { path: { name: model.name } },
    { live: ["model."], about: (event) => event.subject.includes(model.name) },
  );
  return (
    <Panel>
      <Loaded query={query}>
        {({ items }) =>
          items.length === 0
            ? (
              <Empty icon="tag" title="No alias was ever given">
                An alias such as champion says which version is in use; this page then shows since when, by whom and
                why.
              </Empty>
            )
            : <AliasTimeline project={project} model={model.name} history={items} />}
      </Loaded>
    </Panel>
  );
}

function Versions({ project, model }: { project: string; model: Model }) {
  const pages = usePages(
    "/api/v1/models/{name}/versions",
    { path: { name: model.name } },
    { live: ["model."], about: (event) => event.subject.includes(model.name) },
  );
  const [chosen, setChosen] = useUrlState("chosen", list, []);
  const [isWide, setWide] = useState(false);
  const selection = useMemo<Selection>(() => new Set(chosen), [chosen]);
  const columns = useMemo(
    () => versionColumns(project, model, pages.items, isWide),
    [project, model, pages.items, isWide],
  );
  const [left, right] = [...chosen].map(Number).sort((a, b) => a - b);
  const champion = model.aliases["champion"];
  return (
    <div className="stack">
      <div className="row row-wrap">
        <span className="muted small grow">
          {chosen.length === 2
            ? `Versions ${left} and ${right} chosen`
            : "Choose two versions to compare them on the same rows."}
        </span>
        <Button small kind="quiet" onClick={() => setWide(!isWide)}>
          {isWide ? "Hide metrics" : "Show metrics of training"}
        </Button>
        {chosen.length === 2 && left !== undefined && right !== undefined
          ? (
            <ButtonLink kind="primary" icon="swap" to={comparePath(project, model.name, left, right)}>
              Compare
            </ButtonLink>
          )
          : champion !== undefined && pages.items[0] && pages.items[0].version !== champion && (
            <ButtonLink icon="swap" to={comparePath(project, model.name, champion, pages.items[0].version)}>
              Compare the newest with the champion
            </ButtonLink>
          )}
      </div>
      <DataGrid
        label="Versions"
        columns={columns}
        source={pagesSource(pages)}
        rowHeight={40}
        autoHeight={640}
        rowKey={(version) => String(version.version)}
        selection={selection}
        // The two that were chosen last.
        onSelection={(next) => setChosen([...next].slice(-2))}
        onOpen={(version) => navigate(versionPath(project, model.name, version.version))}
        empty={
          <Empty icon="model" title="No versions yet">
            <p>
              Register one: <code>mlflow.register_model("runs:/RUN/model", "{model.name}")</code>
            </p>
          </Empty>
        }
      />
      {pages.items.length > 0 && (
        <p className="small faint">{plural(pages.items.length, "version")}{pages.more ? " and more" : ""}</p>
      )}
    </div>
  );
}

function versionColumns(
  project: string,
  model: Model,
  versions: readonly Version[],
  isWide: boolean,
): Column<Version>[] {
  const metrics = isWide
    ? [...new Set(versions.flatMap((version) => Object.keys(version.recipe.metrics)))].filter((key) =>
      !key.startsWith("system/")
    )
    : [];
  return [
    {
      id: "version",
      header: "Version",
      width: 120,
      pinned: true,
      value: (version) => version.version,
      cell: (version) => (
        <Link to={versionPath(project, model.name, version.version)}>
          <strong>version {version.version}</strong>
        </Link>
      ),
    },
    {
      id: "aliases",
      header: "In use as",
      width: 190,
      value: (version) => version.aliases.join(", "),
      cell: (version) => (
        <span className="row">{version.aliases.map((alias) => <AliasBadge key={alias} alias={alias} />)}</span>
      ),
    },
    {
      id: "approval",
      header: "Approval",
      width: 120,
      value: (version) => version.approval,
      cell: (version) => <StateBadge state={version.approval} />,
    },
    ...metrics.map((key): Column<Version> => ({
      id: "metric " + key,
      header: key,
      name: key,
      width: Math.min(180, Math.max(96, key.length * 7.5 + 24)),
      align: "end",
      value: (version) => version.recipe.metrics[key],
      cell: (version) => <Num value={version.recipe.metrics[key]} />,
    })),
    {
      id: "from",
      header: "Made by",
      width: 230,
      grow: true,
      value: (version) => version.recipe.pipelineRun ?? version.run ?? version.source,
      cell: (version) => (
        <span className="row ellipsis">
          {version.recipe.pipelineRun
            ? <RefLink value={version.recipe.pipelineRun} />
            : <RefLink value={version.run ?? null} />}
          {version.description && <span className="faint small ellipsis">{version.description.split("\n")[0]}</span>}
        </span>
      ),
    },
    { id: "owner", header: "Registered by", width: 150, value: (version) => version.owner },
    {
      id: "created",
      header: "When",
      width: 110,
      value: (version) => version.created,
      cell: (version) => <Time at={version.created} />,
    },
  ];
}
