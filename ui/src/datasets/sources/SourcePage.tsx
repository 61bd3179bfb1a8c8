import { useState } from "react";
import { patch, post, remove } from "../../api/client.ts";
import { useMutation, useQuery } from "../../api/hooks.ts";
import type { PageProps } from "../../app/feature.ts";
import { pathTo } from "../../app/paths.ts";
import { Link, navigate } from "../../app/router.tsx";
import { Badge } from "../../kit/Badge.tsx";
import { Button } from "../../kit/Button.tsx";
import { Confirm } from "../../kit/Dialog.tsx";
import { formatDuration } from "../../kit/format.ts";
import { PageLayout, Panel } from "../../kit/Page.tsx";
import { Failed, Notice, Skeleton } from "../../kit/States.tsx";
import { toast } from "../../kit/Toast.tsx";
import { CopyButton, KeyValues, Time } from "../../kit/Values.tsx";
import { Freshness } from "../list/Freshness.tsx";
import { datasetPath } from "../paths.ts";
import type { Source } from "./api.ts";
import { SourceForm } from "./SourceForm.tsx";

/** One source: where it is, how fresh, when it is read; read it now. */
export default function SourcePage({ params: { project, name } }: PageProps<"/p/:project/sources/:name">) {
  const source = useQuery("/api/v1/sources/{name}", { path: { name } }, {
    live: ["source.", "dataset.version.created"],
  });
  const [changes, setChanges] = useState(false);
  const [goes, setGoes] = useState(false);
  const list = pathTo("/p/:project/datasets", { project }) + "?tab=sources";
  const crumbs = [{ label: "Sources", to: list }];
  const sync = useMutation(
    (into: string) =>
      source.data?.settings.dataset
        ? post("/api/v1/sources/{name}/sync", { path: { name } })
        : post("/api/v1/sources/{name}/import", { path: { name }, json: { dataset: into } }),
    {
      invalidates: ["/api/v1/datasets", "/api/v1/sources"],
      onDone: (found) =>
        toast.done(
          found.state === "new"
            ? `Read: ${found.ref}.`
            : found.state === "unchanged"
            ? "Read; the content is the same, no version was made."
            : "Nothing changed, nothing was read.",
        ),
    },
  );
  const drop = useMutation(() => remove("/api/v1/sources/{name}", { path: { name } }), {
    invalidates: ["/api/v1/sources"],
    onDone: () => navigate(list),
  });
  if (source.error && !source.data) {
    return (
      <PageLayout title={name} crumbs={crumbs}>
        <Failed error={source.error} retry={source.refresh} />
      </PageLayout>
    );
  }
  if (!source.data) {
    return (
      <PageLayout title={name} crumbs={crumbs}>
        <Skeleton rows={8} />
      </PageLayout>
    );
  }
  const data = source.data;
  return (
    <PageLayout
      title={name}
      crumbs={crumbs}
      badges={
        <>
          <Badge>{data.kind}</Badge>
          <Freshness source={data} />
        </>
      }
      tools={
        <>
          <Button icon="edit" onClick={() => setChanges(true)}>Change</Button>
          <Button kind="danger" icon="trash" onClick={() => setGoes(true)}>Forget</Button>
          <Button
            kind="primary"
            icon="refresh"
            busy={sync.running}
            onClick={() => void sync.run(data.settings.dataset ?? name)}
          >
            {data.settings.dataset ? "Read now" : `Read into ${name}`}
          </Button>
        </>
      }
    >
      {sync.error && <Notice tone="bad">{sync.error.message}</Notice>}
      {data.problem && <Notice tone="bad">{data.problem}</Notice>}
      <div className="grid-2">
        <Panel title="Where">
          <KeyValues
            items={[
              [
                "Location",
                <span key="l" className="row">
                  <code className="source-place">{data.location}</code>
                  <CopyButton text={data.location} />
                </span>,
              ],
              ["Query", data.query ? <pre key="q" className="source-query">{data.query}</pre> : null],
              ["Format", data.format ?? "told by the name"],
              ["Encoding", data.format === "csv" ? data.encoding : null],
              ["Secret", data.settings.secret],
            ]}
          />
        </Panel>
        <Panel title="When">
          <KeyValues
            items={[
              [
                "Into",
                data.settings.dataset
                  ? <Link key="d" to={datasetPath(project, data.settings.dataset)}>{data.settings.dataset}</Link>
                  : <span key="n" className="faint">said with each import</span>,
              ],
              [
                "Mode",
                data.settings.mode === "append"
                  ? "new rows go below the others"
                  : "each read takes the place of the last",
              ],
              ["Schedule (UTC)", data.settings.schedule ? <code key="s">{data.settings.schedule}</code> : "by hand"],
              [
                "Expected every",
                data.settings.periodSeconds ? formatDuration(data.settings.periodSeconds * 1000) : null,
              ],
              ["Changed", <Time key="c" at={data.freshness.changed} />],
              ["Looked at", <Time key="k" at={data.freshness.checked ?? data.lastImported} />],
              ["Due", data.freshness.due ? <Time key="u" at={data.freshness.due} /> : null],
              [
                "Columns that differ",
                { fail: "stop", evolve: "are taken on", ignore: "are dropped" }[data.settings.onChange] ??
                  data.settings.onChange,
              ],
              [
                "Bad rows",
                {
                  stop: "stop the import",
                  skip: "are left out and kept apart",
                  keep: "are kept with NULL",
                }[data.settings.badRows],
              ],
              ["Watermark", data.settings.watermark],
            ]}
          />
        </Panel>
      </div>
      <Panel title="What was seen last">
        <pre className="source-seen" tabIndex={0}>{JSON.stringify(data.lastSeen, null, 2)}</pre>
      </Panel>
      {changes && (
        <ChangeSource
          source={data}
          onClose={() => {
            setChanges(false);
            source.refresh();
          }}
        />
      )}
      <Confirm
        open={goes}
        onClose={() => setGoes(false)}
        title={`Forget ${name}?`}
        action="Forget the source"
        error={drop.error}
        onConfirm={() => drop.run()}
      >
        <p>
          It is not read any more{data.settings.schedule ? ", and its schedule ends" : ""}. What was read from it stays,
          with its lineage.
        </p>
      </Confirm>
    </PageLayout>
  );
}

function ChangeSource({ source, onClose }: { source: Source; onClose: () => void }) {
  const change = useMutation(
    (settings: Record<string, unknown>) =>
      patch("/api/v1/sources/{name}", { path: { name: source.name }, json: settings }),
    {
      invalidates: ["/api/v1/sources"],
      onDone: () => {
        toast.done(`${source.name} is changed.`);
        onClose();
      },
    },
  );
  return (
    <SourceForm
      project={source.project}
      source={source}
      busy={change.running}
      error={change.error}
      onClose={onClose}
      onSave={(settings) => void change.run(settings)}
    />
  );
}
