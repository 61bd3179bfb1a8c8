import { useQuery } from "../api/hooks.ts";
import type { PageProps } from "../app/feature.ts";
import { pathTo } from "../app/paths.ts";
import { ButtonLink } from "../kit/Button.tsx";
import { PageLayout } from "../kit/Page.tsx";
import { Loaded } from "../kit/States.tsx";
import { AlertList } from "./Alerts.tsx";

export default function AlertPage({ params: { project, id } }: PageProps<"/p/:project/alerts/:id">) {
  const alert = useQuery("/api/v1/alerts/{id}", { path: { id } }, { live: ["monitor.alert", "monitor.alert."] });
  const monitor = alert.data?.monitor ?? "";
  return (
    <PageLayout
      title="Alert"
      crumbs={[
        { label: "Monitors", to: pathTo("/p/:project/monitors", { project }) },
        ...(monitor ? [{ label: monitor, to: pathTo("/p/:project/monitors/:name", { project, name: monitor }) }] : []),
      ]}
      tools={alert.data && (
        <>
          <ButtonLink
            icon="lineage"
            to={pathTo("/p/:project/lineage", { project }) + `?ref=${encodeURIComponent(alert.data.ref)}`}
          >
            Lineage
          </ButtonLink>
          <ButtonLink
            icon="chart"
            kind="primary"
            to={pathTo("/p/:project/monitors/:name", { project, name: monitor }) + `?report=${alert.data.report}`}
          >
            The report behind it
          </ButtonLink>
        </>
      )}
    >
      <Loaded query={alert}>{(data) => <AlertList alerts={[data]} />}</Loaded>
    </PageLayout>
  );
}
