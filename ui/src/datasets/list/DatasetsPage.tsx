import { useMemo, useState } from "react";
import { usePages, useQuery } from "../../api/hooks.ts";
import type { PageProps } from "../../app/feature.ts";
import { navigate } from "../../app/router.tsx";
import { flag, oneOf, text, useUrlState } from "../../app/urlState.ts";
import { Button } from "../../kit/Button.tsx";
import { SearchInput } from "../../kit/Field.tsx";
import { arraySource, type Column, ColumnChooser, DataGrid, layoutCodec } from "../../kit/grid/index.ts";
import { Icon } from "../../kit/Icon.tsx";
import { PageLayout } from "../../kit/Page.tsx";
import { Empty } from "../../kit/States.tsx";
import { Tabs } from "../../kit/Tabs.tsx";
import { Bytes, Num, Time } from "../../kit/Values.tsx";
import type { Dataset } from "../api.ts";
import { datasetPath } from "../paths.ts";
import { QualityBadge } from "../quality/QualityBadge.tsx";
import type { Source } from "../sources/api.ts";
import { Freshness } from "./Freshness.tsx";
import { SlicesList } from "../slices/SlicesList.tsx";
import { SourcesList } from "../sources/SourcesList.tsx";
import { AddData } from "../upload/AddData.tsx";

/** Everything that data is in a project: datasets, slices of them, and the sources they come from. */
export default function DatasetsPage({ params: { project } }: PageProps<"/p/:project/datasets">) {
  const [tab, setTab] = useUrlState("tab", oneOf("datasets", "slices", "sources"), "datasets");
  const [adds, setAdds] = useUrlState("add", flag, false);
  const [dropped, setDropped] = useState<File[]>([]);
  const [isOver, setOver] = useState(false);
  const sources = useQuery("/api/v1/sources", { query: { project } }, { live: ["source.", "dataset."] });
  const slices = useQuery("/api/v1/slices", { query: { project } }, { live: ["slice."] });
  return (
    <div
      className={isOver ? "drop-page drop-over" : "drop-page"}
      onDragOver={(event) => {
        if (!event.dataTransfer.types.includes("Files")) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={(event) => event.currentTarget === event.target && setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        setDropped([...event.dataTransfer.files]);
        setAdds(true);
      }}
    >
      <PageLayout
        title="Datasets"
        fill
        sub="Versions of data that never change, with where they came from. Drop a file anywhere here to add it."
        tools={<Button kind="primary" icon="upload" onClick={() => setAdds(true)}>Add data</Button>}
      >
        <Tabs
          label="Kinds of data"
          value={tab}
          onChange={setTab}
          tabs={[
            { id: "datasets", label: "Datasets" },
            { id: "slices", label: "Slices", count: slices.data?.items.length },
            { id: "sources", label: "Sources", count: sources.data?.items.length },
          ]}
        />
        {tab === "datasets" && (
          <DatasetsGrid
            project={project}
            sources={sources.data?.items ?? []}
            onAdd={() => setAdds(true)}
          />
        )}
        {tab === "slices" && <SlicesList project={project} query={slices} />}
        {tab === "sources" && <SourcesList project={project} query={sources} />}
      </PageLayout>
      {isOver && (
        <div className="drop-veil">
          <Icon name="upload" size={32} />Drop to add it to {project}
        </div>
      )}
      {adds && (
        <AddData
          project={project}
          files={dropped}
          onClose={() => {
            setAdds(false);
            setDropped([]);
          }}
        />
      )}
    </div>
  );
}

function DatasetsGrid({ project, sources, onAdd }: { project: string; sources: readonly Source[]; onAdd: () => void }) {
  const [search, setSearch] = useUrlState("q", text, "");
  const [layout, setLayout] = useUrlState("columns", layoutCodec, {});
  const pages = usePages("/api/v1/datasets", { query: { project } }, { live: ["dataset."], limit: 200 });
  const columns = useMemo(() => columnsOf(sources), [sources]);
  const found = useMemo(() => {
    const wanted = search.toLowerCase();
    return pages.items.filter((each) =>
      each.name.toLowerCase().includes(wanted) || each.description.toLowerCase().includes(wanted)
    );
  }, [pages.items, search]);
  return (
    <>
      <div className="list-tools">
        <SearchInput value={search} onChange={setSearch} placeholder="Find a dataset" aria-label="Find a dataset" />
        <span className="grow" />
        <ColumnChooser columns={columns} layout={layout} onLayout={setLayout} />
      </div>
      <div className="fill">
        <DataGrid
          label="Datasets"
          columns={columns}
          source={{
            ...arraySource(found),
            error: pages.error,
            loading: pages.loading,
            ...(search === "" && pages.more ? { more: true, loadMore: pages.loadMore } : {}),
          }}
          rowKey={(row) => row.name}
          rowHeight={40}
          layout={layout}
          onLayout={setLayout}
          onOpen={(row) => navigate(datasetPath(project, row.name))}
          empty={search !== ""
            ? (
              <Empty icon="search" title="No dataset is called so" compact>
                Nothing here has “{search}” in its name or description.
              </Empty>
            )
            : (
              <Empty
                icon="dataset"
                title="No dataset yet"
                action={<Button kind="primary" icon="upload" onClick={onAdd}>Add data</Button>}
              >
                Drop a CSV, Parquet or JSON file here, register a source, or write{" "}
                <code>slipway data append NAME FILE</code>.
              </Empty>
            )}
        />
      </div>
    </>
  );
}

function useHead({ name, latest }: Dataset) {
  return useQuery("/api/v1/datasets/{name}/versions/{version}", { path: { name, version: latest ?? "" } }, {
    skip: latest === null,
    fresh: 600_000,
  }).data;
}

function HeadCell({ row, show }: { row: Dataset; show: "rows" | "size" | "changed" | "by" }) {
  const head = useHead(row);
  if (row.latest === null) return <span className="faint">{show === "changed" ? "no version yet" : ""}</span>;
  if (!head) return <span className="skeleton list-wait" />;
  if (show === "rows") return <Num value={head.rows} digits={12} />;
  if (show === "size") return <Bytes value={head.sizeBytes} />;
  return show === "by" ? <span className="muted">{head.author}</span> : <Time at={head.created} />;
}

function QualityCell({ row }: { row: Dataset }) {
  const head = useHead(row);
  return row.latest === null ? <span className="faint">–</span> : <QualityBadge project={row.project} version={head} />;
}

function columnsOf(sources: readonly Source[]): Column<Dataset>[] {
  const bySet = new Map(sources.filter((each) => each.settings.dataset).map((each) => [each.settings.dataset, each]));
  return [
    {
      id: "name",
      header: "Name",
      value: (row) => row.name,
      pinned: true,
      width: 260,
      cell: (row) => (
        <span className="list-name">
          <Icon name={row.kind === "files" ? "folder" : "table"} size={15} />
          <b className="ellipsis">{row.name}</b>
        </span>
      ),
    },
    { id: "version", header: "Version", value: (row) => row.latest, align: "end", width: 80 },
    {
      id: "rows",
      header: "Rows",
      value: () => null,
      cell: (row) => <HeadCell row={row} show="rows" />,
      align: "end",
      width: 110,
    },
    {
      id: "size",
      header: "Size",
      value: () => null,
      cell: (row) => <HeadCell row={row} show="size" />,
      align: "end",
      width: 90,
    },
    {
      id: "changed",
      header: "Changed",
      value: () => null,
      cell: (row) => <HeadCell row={row} show="changed" />,
      width: 130,
    },
    {
      id: "freshness",
      header: "Freshness",
      value: () => null,
      width: 190,
      cell: (row) => {
        const source = bySet.get(row.name);
        return source ? <Freshness source={source} /> : <span className="faint small">no source</span>;
      },
    },
    { id: "quality", header: "Quality", value: () => null, cell: (row) => <QualityCell row={row} />, width: 170 },
    {
      id: "key",
      header: "Key",
      value: (row) => row.key.join(", "),
      cell: (row) =>
        row.key.length > 0 ? <code className="ellipsis">{row.key.join(", ")}</code> : <span className="faint">–</span>,
      width: 150,
    },
    { id: "by", header: "By", value: () => null, cell: (row) => <HeadCell row={row} show="by" />, width: 100 },
    { id: "description", header: "Description", value: (row) => row.description, width: 320 },
  ];
}
