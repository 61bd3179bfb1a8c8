import { useState } from "react";
import type { PageProps } from "../../app/feature.ts";
import { pathTo } from "../../app/paths.ts";
import { Link } from "../../app/router.tsx";
import { number, useUrlState } from "../../app/urlState.ts";
import { useMay } from "../../app/project.ts";
import { useQuery } from "../../api/hooks.ts";
import { StateBadge } from "../../kit/Badge.tsx";
import { Button, IconButton } from "../../kit/Button.tsx";
import { Select } from "../../kit/Field.tsx";
import { PageLayout, Panel } from "../../kit/Page.tsx";
import { Failed, Skeleton } from "../../kit/States.tsx";
import { Time } from "../../kit/Values.tsx";
import { AliasBadge } from "../AliasBadge.tsx";
import type { Model, VersionDetail } from "../api.ts";
import { modelPath, routes, versionPath } from "../paths.ts";
import { SwitchDialog } from "../SwitchDialog.tsx";
import { Approvals } from "../version/Approvals.tsx";
import { RecipeDifferences } from "./RecipeDifferences.tsx";
import { SameRows } from "./SameRows.tsx";

/** Two versions of a model: how they do on the same rows, and what was different when they were made. */
export default function CompareVersionsPage({ params }: PageProps<typeof routes.compare>) {
  const { project } = params;
  const [left, setLeft] = useUrlState("left", number, 1);
  const [right, setRight] = useUrlState("right", number, 2);
  const live = { live: ["model."], about: (event: { subject: string }) => event.subject.includes(params.model) };
  const model = useQuery("/api/v1/models/{name}", { path: { name: params.model } }, live);
  const versions = useQuery(
    "/api/v1/models/{name}/versions",
    { path: { name: params.model }, query: { limit: 200 } },
    live,
  );
  const path = "/api/v1/models/{name}/versions/{version}";
  const a = useQuery(path, { path: { name: params.model, version: left } }, live);
  const b = useQuery(path, { path: { name: params.model, version: right } }, live);
  const error = [model, a, b].find((query) => query.error && !query.data)?.error;
  const options = (versions.data?.items ?? []).map((version) => ({
    value: String(version.version),
    label: `version ${version.version}${version.aliases.length > 0 ? ` (${version.aliases.join(", ")})` : ""}`,
  }));
  return (
    <PageLayout
      title={`Compare versions of ${params.model}`}
      crumbs={[
        { label: "Models", to: pathTo(routes.models, { project }) },
        { label: params.model, to: modelPath(project, params.model) },
      ]}
      tools={
        <>
          <Select
            aria-label="Left version"
            value={String(left)}
            onChange={(value) => setLeft(Number(value))}
            options={options}
          />
          <IconButton
            icon="swap"
            label="Swap the sides"
            onClick={() => {
              setLeft(right);
              setRight(left);
            }}
          />
          <Select
            aria-label="Right version"
            value={String(right)}
            onChange={(value) => setRight(Number(value))}
            options={options}
          />
        </>
      }
    >
      {error
        ? <Failed error={error} retry={a.refresh} />
        : model.data && a.data && b.data
        ? <Comparison project={project} model={model.data} left={a.data} right={b.data} />
        : <Skeleton rows={8} />}
    </PageLayout>
  );
}

function Comparison(
  { project, model, left, right }: { project: string; model: Model; left: VersionDetail; right: VersionDetail },
) {
  const [switching, setSwitching] = useState<VersionDetail | null>(null);
  const mayPromote = useMay("models.promote", model.project);
  return (
    <div className="stack stack-loose">
      <div className="grid-2">
        {[left, right].map((version, index) => (
          <Panel key={index}>
            <div className="row row-between row-wrap">
              <div>
                <div className="row row-wrap">
                  <Link to={versionPath(project, model.name, version.version)}>
                    <strong>version {version.version}</strong>
                  </Link>
                  <StateBadge state={version.approval} />
                  {version.aliases.map((alias) => <AliasBadge key={alias} alias={alias} />)}
                </div>
                <div className="small muted">
                  registered <Time at={version.created} /> by {version.owner}
                </div>
              </div>
              {mayPromote && model.aliases["champion"] !== version.version && (
                <Button
                  icon="tag"
                  onClick={() => setSwitching(version)}
                >
                  Put into use
                </Button>
              )}
            </div>
          </Panel>
        ))}
      </div>
      <SameRows left={left} right={right} />
      <RecipeDifferences left={left} right={right} />
      <div className="grid-2">
        <Approvals model={model} version={left} />
        <Approvals model={model} version={right} />
      </div>
      {switching && <SwitchDialog model={model} version={switching} onClose={() => setSwitching(null)} />}
    </div>
  );
}
