import { usePages } from "../api/hooks.ts";
import type { PageProps } from "../app/feature.ts";
import { pathTo } from "../app/paths.ts";
import { Link, navigate } from "../app/router.tsx";
import { oneOf, useUrlState } from "../app/urlState.ts";
import { StateBadge } from "../kit/Badge.tsx";
import { Button } from "../kit/Button.tsx";
import { type Column, DataGrid, pagesSource } from "../kit/grid/index.ts";
import { Icon } from "../kit/Icon.tsx";
import { PageLayout } from "../kit/Page.tsx";
import { Empty, Failed, Skeleton } from "../kit/States.tsx";
import { Segmented, Tabs } from "../kit/Tabs.tsx";
import { RefLink, Time } from "../kit/Values.tsx";
import { AlertList } from "./Alerts.tsx";
import type { Monitor } from "./api.ts";
import { windowText } from "./distribution.ts";

const pathOf = (monitor: Monitor) =>
  pathTo("/p/:project/monitors/:name", { project: monitor.project, name: monitor.name });

const columns: Column<Monitor>[] = [
  {
    id: "name",
    header: "Monitor",
    width: 180,
    pinned: true,
    value: (row) => row.name,
    cell: (row) => <Link to={pathOf(row)} className="pipeline-name">{row.name}</Link>,
  },
  {
    id: "status",
    header: "State",
    width: 150,
    value: (row) => row.lastStatus,
    cell: (row) =>
      row.lastStatus
        ? <StateBadge state={row.lastStatus.replace("-data", "")} title={row.lastStatus} />
        : <span className="faint">never evaluated</span>,
  },
  {
    id: "alert",
    header: "Alert",
    width: 90,
    cell: (row) =>
      row.alert
        ? (
          <RefLink value={row.alert}>
            <span className="row tone-bad">
              <Icon name="bell" size={14} /> active
            </span>
          </RefLink>
        )
        : <span className="faint">none</span>,
  },
  {
    id: "endpoint",
    header: "Watches",
    width: 150,
    value: (row) => row.endpoint,
    cell: (row) => <RefLink value={`endpoint:${row.endpoint}`} />,
  },
  {
    id: "reference",
    header: "Against",
    width: 230,
    value: (row) => row.reference,
    cell: (row) => <RefLink value={row.reference} />,
  },
  { id: "window", header: "Window", width: 120, value: (row) => windowText(row.window) },
  {
    id: "at",
    header: "Evaluated for",
    width: 170,
    value: (row) => row.lastAt,
    cell: (row) => row.lastAt ? <Time at={row.lastAt} exact /> : <span className="faint">never</span>,
  },
  {
    id: "next",
    header: "Next",
    width: 120,
    grow: true,
    cell: (row) => row.nextEvaluation ? <Time at={row.nextEvaluation} /> : <span className="faint">when asked</span>,
  },
];

export default function MonitorsPage({ params: { project } }: PageProps<"/p/:project/monitors">) {
  const [tab, setTab] = useUrlState("tab", oneOf("monitors", "alerts"), "monitors");
  const [state, setState] = useUrlState("state", oneOf("active", "open", "acknowledged", "resolved", "all"), "active");
  const states = state === "active" ? ["open", "acknowledged"] : state === "all" ? [] : [state];
  const live = { live: ["monitor."] };
  const monitors = usePages("/api/v1/monitors", { query: { project } }, live);
  const alerts = usePages("/api/v1/alerts", { query: { project, state: states } }, { ...live, limit: 30 });
  const active = usePages("/api/v1/alerts", { query: { project, state: ["open", "acknowledged"] } }, {
    ...live,
    limit: 30,
  });
  return (
    <PageLayout
      title="Monitors"
      fill={tab === "monitors"}
      sub="What endpoints are asked, compared with what their models learned."
    >
      <div className="row row-between row-wrap">
        <Tabs
          label="Monitors and alerts"
          value={tab}
          onChange={setTab}
          tabs={[
            { id: "monitors", label: "Monitors", count: monitors.items.length },
            { id: "alerts", label: "Alerts", count: active.items.length },
          ]}
        />
        {tab === "alerts" && (
          <Segmented
            label="State"
            value={state}
            onChange={setState}
            options={(["active", "open", "acknowledged", "resolved", "all"] as const).map((id) => ({ id, label: id }))}
          />
        )}
      </div>
      {tab === "monitors"
        ? (
          <div className="fill">
            <DataGrid
              label="Monitors"
              columns={columns}
              source={pagesSource(monitors)}
              rowKey={(row) => row.name}
              rowHeight={40}
              onOpen={(row) => navigate(pathOf(row))}
              empty={
                <Empty icon="monitor" title="No monitor yet">
                  <code>slipway monitor put NAME --endpoint ENDPOINT --reference slice:TRAINING --days 28</code>{" "}
                  makes one.
                </Empty>
              }
            />
          </div>
        )
        : alerts.error
        ? <Failed error={alerts.error} retry={alerts.refresh} />
        : alerts.loading
        ? <Skeleton rows={6} />
        : alerts.items.length === 0
        ? (
          <Empty icon="check" title={state === "active" ? "No alert is active" : "No such alert"}>
            A monitor raises one when a figure crosses its limit.
          </Empty>
        )
        : (
          <>
            <AlertList alerts={alerts.items} />
            {alerts.more && <Button busy={alerts.fetching} onClick={alerts.loadMore}>Show older ones</Button>}
          </>
        )}
    </PageLayout>
  );
}
