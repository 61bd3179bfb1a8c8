import type { PageProps } from "../app/feature.ts";
import { oneOf, useUrlState } from "../app/urlState.ts";
import { PageLayout } from "../kit/Page.tsx";
import { Tabs } from "../kit/Tabs.tsx";
import { Jobs } from "./Jobs.tsx";
import { Members } from "./Members.tsx";
import { Secrets } from "./Secrets.tsx";
import { Server } from "./Server.tsx";
import { Storage } from "./Storage.tsx";
import { Tokens } from "./Tokens.tsx";
import { Webhooks } from "./Webhooks.tsx";

const tabs = [
  { id: "members", label: "Members" },
  { id: "tokens", label: "Tokens" },
  { id: "secrets", label: "Secrets" },
  { id: "webhooks", label: "Webhooks" },
  { id: "jobs", label: "Jobs and queues" },
  { id: "storage", label: "Storage" },
  { id: "server", label: "Server" },
] as const;

/** Who may what, what the server does, and what it holds. */
export default function AdminPage({ params: { project } }: PageProps<"/p/:project/admin">) {
  const [tab, setTab] = useUrlState("tab", oneOf(...tabs.map(({ id }) => id)), "members");
  return (
    <PageLayout title="Admin">
      <Tabs label="Parts of the administration" value={tab} onChange={setTab} tabs={tabs} />
      {tab === "members" && <Members project={project} />}
      {tab === "tokens" && <Tokens />}
      {tab === "secrets" && <Secrets project={project} />}
      {tab === "webhooks" && <Webhooks project={project} />}
      {tab === "jobs" && <Jobs project={project} />}
      {tab === "storage" && <Storage />}
      {tab === "server" && <Server />}
    </PageLayout>
  );
}
