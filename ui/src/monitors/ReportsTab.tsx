import type { PagesState } from "../api/hooks.ts";
import { StateBadge } from "../kit/Badge.tsx";
import { formatNumber } from "../kit/format.ts";
import { type Column, DataGrid, pagesSource } from "../kit/grid/index.ts";
import { Empty } from "../kit/States.tsx";
import { Time } from "../kit/Values.tsx";
import type { Report } from "./api.ts";

const columns: Column<Report>[] = [
  {
    id: "at",
    header: "Until",
    width: 170,
    pinned: true,
    value: (row) => row.at,
    cell: (row) => <Time at={row.at} exact />,
  },
  {
    id: "status",
    header: "State",
    width: 140,
    value: (row) => row.status,
    cell: (row) => <StateBadge state={row.status.replace("-data", "")} title={row.status} />,
  },
  { id: "rows", header: "Rows", align: "end", width: 90, value: (row) => row.rows },
  {
    id: "crossed",
    header: "Over their limits",
    width: 380,
    grow: true,
    value: (row) => row.crossed.map((each) => `${each.measure} ${each.feature ?? ""}`).join(", "),
    cell: (row) =>
      row.crossed.length === 0 ? <span className="faint">nothing</span> : (
        <span className="ellipsis">
          {row.crossed.map((each) =>
            `${each.measure}${each.feature ? ` of ${each.feature}` : ""} ${
              formatNumber(each.value, 3)
            } (limit ${each.threshold})`
          ).join(", ")}
        </span>
      ),
  },
  {
    id: "models",
    header: "Answered by",
    width: 200,
    value: (row) => row.models.map((model) => model.ref.replace("model:", "")).join(", "),
  },
  { id: "version", header: "Monitor", width: 90, align: "end", value: (row) => `@${row.version}` },
  { id: "created", header: "Made", width: 110, cell: (row) => <Time at={row.created} /> },
];

export function ReportsTab(
  { reports, chosen, onChoose }: { reports: PagesState<Report>; chosen: string; onChoose: (id: string) => void },
) {
  return (
    <DataGrid
      label="Reports"
      columns={columns}
      source={pagesSource(reports)}
      rowKey={(row) => row.id}
      autoHeight={620}
      rowClass={(row) => row.id === chosen ? "report-chosen" : undefined}
      onOpen={(row) => onChoose(row.id)}
      empty={<Empty icon="monitor" title="No report yet">Each evaluation leaves one.</Empty>}
    />
  );
}
