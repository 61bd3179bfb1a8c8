import { useMemo, useState } from "react";
import { post } from "../api/client.ts";
import { useMutation, useQuery } from "../api/hooks.ts";
import type { Json } from "../api/types.ts";
import type { PageProps } from "../app/feature.ts";
import { pathTo } from "../app/paths.ts";
import { useMay } from "../app/project.ts";
import { Button, ButtonLink } from "../kit/Button.tsx";
import { Dialog } from "../kit/Dialog.tsx";
import { Field, Input } from "../kit/Field.tsx";
import { formatNumber, plural } from "../kit/format.ts";
import { arraySource, type Column, DataGrid } from "../kit/grid/index.ts";
import { PageLayout } from "../kit/Page.tsx";
import { Loaded, Notice, Skeleton } from "../kit/States.tsx";
import { toast } from "../kit/Toast.tsx";
import { RefLink, Time } from "../kit/Values.tsx";
import type { JudgedPrediction } from "./api.ts";
import { columnsOf } from "./tensors.ts";

export default function PredictionPage({ params: { project, id } }: PageProps<"/p/:project/predictions/:id">) {
  const prediction = useQuery("/api/v1/predictions/{id}", { path: { id } });
  return (
    <Loaded
      query={prediction}
      skeleton={
        <PageLayout title="Prediction">
          <Skeleton height={300} />
        </PageLayout>
      }
    >
      {(data) => <PredictionView project={project} prediction={data} />}
    </Loaded>
  );
}

interface Row {
  row: number;
  truth: Json | undefined;
}

function PredictionView({ project, prediction }: { project: string; prediction: JudgedPrediction }) {
  const [judged, setJudged] = useState<number | null>(null);
  const mayTell = useMay("predictions.feedback", prediction.project);
  const values = useMemo(() => columnsOf(prediction), [prediction]);
  const truths = useMemo(() => new Map(prediction.feedback.map((each) => [each.row, each])), [prediction]);
  const rows = useMemo(
    () => Array.from({ length: prediction.rowCount }, (_, row): Row => ({ row, truth: truths.get(row)?.value })),
    [prediction, truths],
  );
  const columns = useMemo((): Column<Row>[] => [
    { id: "row", header: "Row", width: 64, align: "end", pinned: true, value: (row) => row.row + 1 },
    ...values.filter((column) => column.kind === "output").map((column): Column<Row> => ({
      id: column.id,
      header: column.label,
      group: "Answer",
      width: 130,
      align: "end",
      pinned: true,
      value: (row) => plain(column.at(row.row)),
      cell: (row) => <b className="mono">{shown(column.at(row.row))}</b>,
    })),
    {
      id: "truth",
      header: "Truth",
      width: 130,
      align: "end",
      pinned: true,
      value: (row) => plain(row.truth),
      cell: (row) =>
        row.truth !== undefined
          ? <span className="mono tone-good">{shown(row.truth)}</span>
          : mayTell
          ? <Button small kind="quiet" onClick={() => setJudged(row.row)}>tell</Button>
          : <span className="faint">unknown</span>,
    },
    ...values.filter((column) => column.kind === "input").map((column): Column<Row> => ({
      id: column.id,
      header: column.label,
      group: "Inputs",
      width: Math.max(90, Math.min(190, 24 + column.label.length * 8)),
      align: "end",
      value: (row) => plain(column.at(row.row)),
      cell: (row) => <span className="mono">{shown(column.at(row.row))}</span>,
    })),
  ], [values, mayTell]);
  return (
    <PageLayout
      fill
      title={
        <span>
          Prediction <span className="mono">{prediction.id.slice(0, 6)}…{prediction.id.slice(-4)}</span>
        </span>
      }
      crumbs={[
        { label: "Endpoints", to: pathTo("/p/:project/endpoints", { project }) },
        {
          label: prediction.endpoint,
          to: pathTo("/p/:project/endpoints/:name", { project, name: prediction.endpoint }) + "?tab=predictions",
        },
      ]}
      sub={
        <span className="row row-wrap run-facts">
          <span>
            for <Time at={prediction.time} exact />
          </span>
          <span className="row">
            answered by <RefLink value={prediction.model} />
          </span>
          <span>asked by {prediction.principal}</span>
          <span>{plural(prediction.rowCount, "row")}, the truth of {prediction.feedback.length} is known</span>
        </span>
      }
      tools={
        <ButtonLink
          kind="primary"
          icon="lineage"
          to={pathTo("/p/:project/lineage", { project }) + `?ref=${encodeURIComponent(prediction.ref)}`}
        >
          Where it came from
        </ButtonLink>
      }
    >
      <div className="fill">
        <DataGrid
          label="Rows of the prediction"
          columns={columns}
          source={arraySource(rows)}
          rowKey={(row) => String(row.row)}
          onOpen={(row) => mayTell && setJudged(row.row)}
        />
      </div>
      {judged !== null && <Tell prediction={prediction} row={judged} onClose={() => setJudged(null)} />}
    </PageLayout>
  );
}

const plain = (value: Json | undefined) =>
  typeof value === "object" ? value === null ? null : JSON.stringify(value) : value;
const shown = (value: Json | undefined) =>
  typeof value === "number"
    ? formatNumber(value, 6)
    : value === undefined || value === null
    ? "missing"
    : String(plain(value));

/** Says what turned out to be true of one row. */
function Tell({ prediction, row, onClose }: { prediction: JudgedPrediction; row: number; onClose: () => void }) {
  const [value, setValue] = useState("");
  const tell = useMutation(
    () => post("/api/v1/feedback", { json: { items: [{ predictionId: prediction.id, row, value: parse(value) }] } }),
    {
      invalidates: ["/api/v1/predictions"],
      onDone: () => {
        toast.done(`Noted the truth of row ${row + 1}.`);
        onClose();
      },
    },
  );
  return (
    <Dialog
      open
      onClose={onClose}
      size="small"
      title={`What was true of row ${row + 1}?`}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" busy={tell.running} disabled={value.trim() === ""} onClick={() => void tell.run()}>
            Note it
          </Button>
        </>
      }
    >
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (value.trim() !== "") void tell.run();
        }}
      >
        <Field label="Value" help="Monitors compare it with the answer. Said again, it replaces what was said before.">
          <Input mono autoFocus value={value} onChange={setValue} />
        </Field>
        {tell.error && <Notice tone="bad">{tell.error.message}</Notice>}
      </form>
    </Dialog>
  );
}

function parse(text: string): Json {
  const bare = text.trim();
  if (bare === "true" || bare === "false") return bare === "true";
  return bare !== "" && Number.isFinite(Number(bare)) ? Number(bare) : bare;
}
