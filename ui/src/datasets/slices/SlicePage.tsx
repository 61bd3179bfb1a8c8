import { useState } from "react";
import { useQuery } from "../../api/hooks.ts";
import type { PageProps } from "../../app/feature.ts";
import { pathTo } from "../../app/paths.ts";
import { oneOf, useUrlState } from "../../app/urlState.ts";
import { Badge } from "../../kit/Badge.tsx";
import { Button } from "../../kit/Button.tsx";
import { formatPercent } from "../../kit/format.ts";
import { PageLayout } from "../../kit/Page.tsx";
import { Failed, Skeleton } from "../../kit/States.tsx";
import { Tabs } from "../../kit/Tabs.tsx";
import { RefLink, Time } from "../../kit/Values.tsx";
import { LineageGraph } from "../lineage/LineageGraph.tsx";
import { RowsView } from "../rows/RowsView.tsx";
import { LeakageCheck } from "./LeakageCheck.tsx";
import { SliceDialog } from "./SliceDialog.tsx";

/** One slice: its rule in words, the rows it has now, whether it leaks into another, and who uses it. */
export default function SlicePage({ params: { project, name } }: PageProps<"/p/:project/slices/:name">) {
  const [tab, setTab] = useUrlState("tab", oneOf("rows", "leakage", "lineage"), "rows");
  const [changes, setChanges] = useState(false);
  const slice = useQuery("/api/v1/slices/{name}", { path: { name } }, { live: ["slice."] });
  const size = useQuery("/api/v1/slices/{name}/size", { path: { name } }, {
    live: ["slice.", "dataset.version.created"],
  });
  const head = useQuery("/api/v1/datasets/{name}/versions/{version}", {
    path: { name: slice.data?.dataset ?? "", version: "latest" },
  }, { skip: !slice.data });
  const crumbs = [{ label: "Datasets", to: pathTo("/p/:project/datasets", { project }) }, {
    label: "Slices",
    to: pathTo("/p/:project/datasets", { project }) + "?tab=slices",
  }];
  if (slice.error && !slice.data) {
    return (
      <PageLayout title={name} crumbs={crumbs}>
        <Failed error={slice.error} retry={slice.refresh} />
      </PageLayout>
    );
  }
  const data = slice.data;
  return (
    <PageLayout
      title={name}
      crumbs={crumbs}
      fill
      badges={data && (
        <>
          <Badge>version {data.version}</Badge>
          {data.purpose && <Badge tone="accent">{data.purpose}</Badge>}
        </>
      )}
      sub={data && (
        <span className="facts">
          {size.data && (
            <span>
              <b>{size.data.rows.toLocaleString("en")}</b> of {size.data.of.toLocaleString("en")}{" "}
              rows ({formatPercent(size.data.rows / Math.max(1, size.data.of))})
            </span>
          )}
          <span className="row">
            of <RefLink value={data.over} />
          </span>
          <code className="ellipsis slice-rule" title={data.summary}>{data.summary}</code>
          <span>
            {data.owner}, <Time at={data.created} />
          </span>
          {data.description && <span className="facts-message" title={data.description}>{data.description}</span>}
        </span>
      )}
      tools={data && <Button icon="edit" onClick={() => setChanges(true)}>Change</Button>}
    >
      <Tabs
        label="Parts of the slice"
        value={tab}
        onChange={setTab}
        tabs={[{ id: "rows", label: "Rows" }, { id: "leakage", label: "Leakage" }, { id: "lineage", label: "Lineage" }]}
      />
      {!data || !head.data
        ? <Skeleton rows={10} />
        : tab === "rows"
        ? <RowsView key={data.ref} place={{ kind: "slice", name, version: null }} columns={head.data.columns} />
        : tab === "leakage"
        ? <LeakageCheck slice={data} columns={head.data.columns} />
        : <LineageGraph refText={data.ref} />}
      {changes && data && head.data && (
        <SliceDialog
          project={project}
          over={data.over}
          columns={head.data.columns}
          slice={data}
          onClose={() => setChanges(false)}
        />
      )}
    </PageLayout>
  );
}
