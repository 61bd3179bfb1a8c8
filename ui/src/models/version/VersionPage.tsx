import { useState } from "react";
import type { PageProps } from "../../app/feature.ts";
import { pathTo } from "../../app/paths.ts";
import { oneOf, useUrlState } from "../../app/urlState.ts";
import { useMay } from "../../app/project.ts";
import { useQuery } from "../../api/hooks.ts";
import { Badge, StateBadge } from "../../kit/Badge.tsx";
import { Button, ButtonLink } from "../../kit/Button.tsx";
import { PageLayout } from "../../kit/Page.tsx";
import { Failed, Skeleton } from "../../kit/States.tsx";
import { Tabs } from "../../kit/Tabs.tsx";
import { RefLink, Time } from "../../kit/Values.tsx";
import { LineageTab } from "../../experiments/run/LineageTab.tsx";
import { AliasBadge } from "../AliasBadge.tsx";
import { describeVersion, type Model, type VersionDetail } from "../api.ts";
import { Card } from "../Card.tsx";
import { comparePath, modelPath, routes } from "../paths.ts";
import { SwitchDialog } from "../SwitchDialog.tsx";
import { Approvals } from "./Approvals.tsx";
import { Deployments } from "./Deployments.tsx";
import { Evaluations } from "./Evaluations.tsx";
import { FilesTab } from "./FilesTab.tsx";
import { RecipeView } from "./RecipeView.tsx";
import { Reproductions } from "./Reproductions.tsx";
import { SignatureView } from "./SignatureView.tsx";
import { VersionMenu } from "./VersionMenu.tsx";

export default function VersionPage({ params }: PageProps<typeof routes.version>) {
  const live = { live: ["model."], about: (event: { subject: string }) => event.subject.includes(params.model) };
  const model = useQuery("/api/v1/models/{name}", { path: { name: params.model } }, live);
  const version = useQuery(
    "/api/v1/models/{name}/versions/{version}",
    { path: { name: params.model, version: params.version } },
    live,
  );
  const error = version.error ?? model.error;
  if (error && !(model.data && version.data)) return <Failed error={error} retry={version.refresh} />;
  if (!model.data || !version.data) return <Skeleton rows={8} />;
  return <VersionView project={params.project} model={model.data} version={version.data} />;
}

function VersionView({ project, model, version }: { project: string; model: Model; version: VersionDetail }) {
  const [tab, setTab] = useUrlState("tab", oneOf("overview", "recipe", "files", "lineage"), "overview");
  const [isSwitching, setSwitching] = useState(false);
  const mayWrite = useMay("models.write", model.project);
  const mayPromote = useMay("models.promote", model.project);
  const champion = model.aliases["champion"];
  return (
    <PageLayout
      title={`${model.name}, version ${version.version}`}
      crumbs={[
        { label: "Models", to: pathTo(routes.models, { project }) },
        { label: model.name, to: modelPath(project, model.name) },
      ]}
      badges={
        <>
          <StateBadge state={version.approval} />
          {version.aliases.map((alias) => <AliasBadge key={alias} alias={alias} />)}
          {version.stage !== "None" && <Badge>{version.stage}</Badge>}
        </>
      }
      sub={
        <span className="row row-wrap">
          <span>
            Registered <Time at={version.created} /> by {version.owner} from
          </span>
          <RefLink value={version.recipe.pipelineRun ?? version.run ?? version.loggedModel ?? version.source} />
        </span>
      }
      tools={
        <>
          {champion !== undefined && champion !== version.version && (
            <ButtonLink icon="swap" to={comparePath(project, model.name, champion, version.version)}>
              Compare with the champion
            </ButtonLink>
          )}
          {mayPromote && <Button kind="primary" icon="tag" onClick={() => setSwitching(true)}>Put into use</Button>}
          <VersionMenu project={project} model={model} version={version} />
        </>
      }
    >
      <Tabs
        label="Parts of the version"
        value={tab}
        onChange={setTab}
        tabs={[
          { id: "overview", label: "Overview" },
          { id: "recipe", label: "Recipe" },
          { id: "files", label: "Files", count: version.files.length },
          { id: "lineage", label: "Lineage" },
        ]}
      >
        {tab === "overview" && (
          <div className="version-columns">
            <div className="stack stack-loose">
              <Evaluations project={project} model={model} version={version} />
              <SignatureView signature={version.signature} />
              <Card
                title="Card"
                text={version.description}
                placeholder="Nobody has said yet what is new in this version."
                mayEdit={mayWrite}
                save={(text) => describeVersion(model.name, version.version, text)}
              />
            </div>
            <div className="stack stack-loose">
              <Approvals model={model} version={version} />
              <Deployments project={project} model={model} version={version} />
            </div>
          </div>
        )}
        {tab === "recipe" && (
          <div className="stack stack-loose">
            <RecipeView version={version} />
            <Reproductions model={model} version={version} />
          </div>
        )}
        {tab === "files" && <FilesTab version={version} />}
        {tab === "lineage" && <LineageTab reference={version.ref} />}
      </Tabs>
      {isSwitching && <SwitchDialog model={model} version={version} onClose={() => setSwitching(false)} />}
    </PageLayout>
  );
}
