import { usePages } from "../api/hooks.ts";
import { pathTo } from "../app/paths.ts";
import { Link, navigate } from "../app/router.tsx";
import { text, useUrlState } from "../app/urlState.ts";
import { Field, Input } from "../kit/Field.tsx";
import { formatNumber } from "../kit/format.ts";
import { type Column, DataGrid, pagesSource } from "../kit/grid/index.ts";
import { Empty } from "../kit/States.tsx";
import { RefLink, Time } from "../kit/Values.tsx";
import type { Endpoint, Prediction } from "./api.ts";
import { columnsOf } from "./tensors.ts";

/** A page holds few: a prediction brings all its rows with it. */
const pageSize = 12;

const pathOf = (prediction: Prediction) =>
  pathTo("/p/:project/predictions/:id", { project: prediction.project, id: prediction.id });

const columns: Column<Prediction>[] = [
  { id: "time", header: "For", width: 170, value: (row) => row.time, cell: (row) => <Time at={row.time} exact /> },
  {
    id: "id",
    header: "Prediction",
    width: 140,
    value: (row) => row.id,
    cell: (row) => <Link to={pathOf(row)} className="mono">{row.id.slice(0, 6)}…{row.id.slice(-4)}</Link>,
  },
  {
    id: "model",
    header: "Answered by",
    width: 160,
    value: (row) => row.model,
    cell: (row) => <RefLink value={row.model} />,
  },
  {
    id: "rows",
    header: "Rows",
    align: "end",
    width: 80,
    value: (row) => row.rowCount,
    cell: (row) => formatNumber(row.rowCount),
  },
  {
    id: "first",
    header: "First row's answer",
    width: 260,
    grow: true,
    cell: (row) => (
      <span className="mono small ellipsis">
        {columnsOf({ inputs: {}, outputs: row.outputs }).slice(0, 4).map((column) => {
          const value = column.at(0);
          return `${column.label} ${typeof value === "number" ? formatNumber(value, 4) : String(value ?? "–")}`;
        }).join("  ")}
      </span>
    ),
  },
  { id: "principal", header: "Asked by", width: 130, value: (row) => row.principal },
  { id: "request", header: "Request", width: 150, hidden: true, value: (row) => row.requestId },
];

/** The log of an endpoint's predictions, newest first. */
export function PredictionsTab({ endpoint }: { endpoint: Endpoint }) {
  const [from, setFrom] = useUrlState("from", text, "");
  const [to, setTo] = useUrlState("to", text, "");
  const pages = usePages("/api/v1/predictions", {
    query: { endpoint: endpoint.name, from: instant(from), to: instant(to) },
  }, { limit: pageSize });
  return (
    <>
      <div className="row row-wrap">
        <Field label="At or after">
          <Input type="datetime-local" value={from} onChange={setFrom} />
        </Field>
        <Field label="Before">
          <Input type="datetime-local" value={to} onChange={setTo} />
        </Field>
      </div>
      <div className="fill">
        <DataGrid
          label={`Predictions of ${endpoint.name}`}
          columns={columns}
          source={pagesSource(pages)}
          rowKey={(row) => row.id}
          onOpen={(row) => navigate(pathOf(row))}
          empty={
            <Empty icon="target" title={from || to ? "No prediction in this time" : "No prediction yet"}>
              {endpoint.logRate === 0
                ? "The endpoint logs none: its log rate is 0 (Settings)."
                : "Each answer of the endpoint is noted here with what it was asked."}
            </Empty>
          }
        />
      </div>
    </>
  );
}

/** What a reader wrote is in their own time zone. */
function instant(local: string): string | null {
  const time = Date.parse(local);
  return Number.isNaN(time) ? null : new Date(time).toISOString();
}
