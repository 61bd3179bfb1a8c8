import { useFetch, usePages, useQuery } from "../api/hooks.ts";
import type { PageProps } from "../app/feature.ts";
import { PageLayout, Panel } from "../kit/Page.tsx";
import { Empty, Failed, Loaded, Skeleton } from "../kit/States.tsx";
import { Time } from "../kit/Values.tsx";
import { Activity } from "./Activity.tsx";
import { fetchOverview } from "./fetchOverview.ts";
import { Goals } from "./Goals.tsx";
import { Lifecycle } from "./Lifecycle.tsx";
import { stagesOf, waitingIn } from "./overview.ts";
import { WaitingList } from "./WaitingList.tsx";

/** One project on one screen: goals, lifecycle, what waits for whom, what happened. */
export default function HomePage({ params: { project } }: PageProps<"/p/:project">) {
  const charter = useQuery("/api/v1/projects/{project}", { path: { project } }, { live: ["project."] });
  const overview = useFetch(
    `overview ${project}`,
    (signal) => fetchOverview(project, signal),
    { live: ["*"], about: (event) => event.project === project, settle: 1500 },
  );
  const events = usePages("/api/v1/events", { query: { project } }, {
    live: ["*"],
    about: (event) => event.project === project,
    limit: 60,
  });
  const isNew = overview.data !== undefined && stagesOf(project, overview.data).every(({ count }) => count === 0);
  if (charter.error && !charter.data) return <Failed error={charter.error} retry={charter.refresh} />;
  return (
    <PageLayout
      title={project}
      sub={charter.data?.description}
      badges={charter.data && (
        <span className="small muted">
          owned by {charter.data.owner}, since <Time at={charter.data.created} />
        </span>
      )}
    >
      {charter.data ? <Goals project={project} goals={charter.data.goals} /> : <Skeleton height={92} />}
      <Loaded query={overview} skeleton={<Skeleton height={150} />}>
        {(data) => <Lifecycle stages={stagesOf(project, data)} />}
      </Loaded>
      {isNew && (
        <Empty icon="play" title="An empty project">
          Register a source or send rows to begin:{" "}
          <code>slipway data import {project}-data file.parquet --project {project}</code>. Everything that follows
          appears above as it happens.
        </Empty>
      )}
      <div className="home-columns">
        <Panel title="Waiting" flush>
          <Loaded query={overview} compact>{(data) => <WaitingList items={waitingIn(data)} />}</Loaded>
        </Panel>
        <Panel title="Recently" flush>
          <Activity pages={events} />
        </Panel>
      </div>
    </PageLayout>
  );
}
