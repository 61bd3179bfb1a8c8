import { lazy, Suspense, useState } from "react";
import { useQuery } from "../api/hooks.ts";
import type { PageProps } from "../app/feature.ts";
import { pathTo } from "../app/paths.ts";
import { oneOf, text, useUrlState } from "../app/urlState.ts";
import { Badge } from "../kit/Badge.tsx";
import { Button } from "../kit/Button.tsx";
import { plural } from "../kit/format.ts";
import { PageLayout } from "../kit/Page.tsx";
import { Empty, Failed, Notice, Skeleton } from "../kit/States.tsx";
import { Tabs } from "../kit/Tabs.tsx";
import { Bytes, Digest, Time } from "../kit/Values.tsx";
import type { Dataset, Version } from "./api.ts";
import type { DatasetTab } from "./paths.ts";
import { QualityBadge } from "./quality/QualityBadge.tsx";
import { RowsView } from "./rows/RowsView.tsx";
import { AddData } from "./upload/AddData.tsx";
import { VersionMenu } from "./VersionMenu.tsx";
import { VersionPicker } from "./VersionPicker.tsx";

const tabs: readonly { id: DatasetTab; label: string }[] = [
  { id: "rows", label: "Rows" },
  { id: "history", label: "History" },
  { id: "diff", label: "Diff" },
  { id: "merges", label: "Merges" },
  { id: "quality", label: "Quality" },
  { id: "slices", label: "Slices" },
  { id: "lineage", label: "Lineage" },
  { id: "card", label: "Card" },
  { id: "settings", label: "Settings" },
];

const History = lazy(() => import("./history/History.tsx"));
const Diff = lazy(() => import("./diff/Diff.tsx"));
const Merges = lazy(() => import("./merge/Merges.tsx"));
const Quality = lazy(() => import("./quality/Quality.tsx"));
const DatasetSlices = lazy(() => import("./slices/DatasetSlices.tsx"));
const Lineage = lazy(() => import("./lineage/Lineage.tsx"));
const Card = lazy(() => import("./card/Card.tsx"));
const Settings = lazy(() => import("./settings/Settings.tsx"));

/** What the parts of a dataset's page are given. */
export interface PartProps {
  project: string;
  dataset: Dataset;
  version: Version;
}

/** One dataset: a version's rows or files, and everything around them. */
export default function DatasetPage({ params: { project, name } }: PageProps<"/p/:project/datasets/:name">) {
  const [chosen, setChosen] = useUrlState("v", text, "");
  const [tab, setTab] = useUrlState<DatasetTab>("tab", oneOf(...tabs.map((each) => each.id)), "rows");
  const [adds, setAdds] = useState(false);
  const about = (event: { subject: string }) => event.subject.startsWith(`dataset:${name}`);
  const dataset = useQuery("/api/v1/datasets/{name}", { path: { name } }, { live: ["dataset."], about });
  const version = useQuery(
    "/api/v1/datasets/{name}/versions/{version}",
    { path: { name, version: chosen || "main" } },
    { skip: !dataset.data || dataset.data.latest === null, live: ["dataset."], about },
  );
  const crumbs = [{ label: "Datasets", to: pathTo("/p/:project/datasets", { project }) }];
  if (dataset.error && !dataset.data) {
    return (
      <PageLayout title={name} crumbs={crumbs}>
        <Failed error={dataset.error} retry={dataset.refresh} />
      </PageLayout>
    );
  }
  const data = version.data;
  return (
    <PageLayout
      title={name}
      crumbs={crumbs}
      fill
      badges={
        <>
          <VersionPicker
            dataset={name}
            version={data}
            chosen={chosen}
            onChoose={(next) => setChosen(next, { push: true })}
          />
          {data && <QualityBadge project={project} version={data} />}
          {data?.deleted && <Badge tone="warn" icon="trash">files given up</Badge>}
        </>
      }
      sub={data ? <Facts version={data} dataset={dataset.data} /> : dataset.data?.description || " "}
      tools={
        <>
          <Button icon="upload" onClick={() => setAdds(true)}>Add</Button>
          {data && dataset.data && <VersionMenu project={project} dataset={dataset.data} version={data} />}
        </>
      }
    >
      <Tabs
        label="Parts of the dataset"
        tabs={tabs.map((each) =>
          each.id === "rows" && dataset.data?.kind === "files" ? { ...each, label: "Files" } : each
        )}
        value={tab}
        onChange={(next) => setTab(next, { push: true })}
      />
      {dataset.data?.latest === null
        ? (
          <Empty
            icon="dataset"
            title="No version yet"
            action={
              <Button
                kind="primary"
                icon="upload"
                onClick={() => setAdds(true)}
              >
                Add data
              </Button>
            }
          >
            The dataset has a name and nothing else. Its first version comes with the first rows or files.
          </Empty>
        )
        : version.error && !data
        ? <Failed error={version.error} retry={version.refresh} />
        : !data || !dataset.data
        ? <Skeleton rows={10} />
        : (
          <Suspense fallback={<Skeleton rows={8} />}>
            {data.deleted && tab === "rows"
              ? (
                <Notice tone="warn">
                  The files of this version were given up{" "}
                  <Time at={data.deleted} />. Its schema, recipe, author and lineage stay.
                </Notice>
              )
              : tab === "rows"
              ? (
                <RowsView
                  key={data.dataset}
                  place={{ kind: "dataset", name, version: data.version }}
                  columns={data.columns}
                />
              )
              : <Part tab={tab} project={project} dataset={dataset.data} version={data} />}
          </Suspense>
        )}
      {adds && (
        <AddData
          project={project}
          files={[]}
          dataset={name}
          branch={data?.branch ?? "main"}
          onClose={() => setAdds(false)}
        />
      )}
    </PageLayout>
  );
}

function Part({ tab, ...props }: PartProps & { tab: DatasetTab }) {
  switch (tab) {
    case "history":
      return <History {...props} />;
    case "diff":
      return <Diff {...props} />;
    case "merges":
      return <Merges {...props} />;
    case "quality":
      return <Quality {...props} />;
    case "slices":
      return <DatasetSlices {...props} />;
    case "lineage":
      return <Lineage {...props} />;
    case "card":
      return <Card {...props} />;
    case "settings":
      return <Settings {...props} />;
    default:
      return null;
  }
}

function Facts({ version, dataset }: { version: Version; dataset: Dataset | undefined }) {
  return (
    <span className="facts">
      <span>
        <b>{version.rows.toLocaleString("en")}</b> rows
      </span>
      <span>{plural(version.columns.length, "column")}</span>
      <span>
        <Bytes value={version.sizeBytes} /> in {plural(version.files, "file")}
      </span>
      <span>
        made <Time at={version.created} /> by {version.author} ({version.recipe.kind})
      </span>
      {dataset && dataset.key.length > 0 && (
        <span>
          key <code>{dataset.key.join(", ")}</code>
        </span>
      )}
      <Digest value={version.digest} length={8} />
      {version.message && <span className="facts-message ellipsis" title={version.message}>“{version.message}”</span>}
    </span>
  );
}
