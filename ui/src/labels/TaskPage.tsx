import { useState } from "react";
import { hrefOf, patch, post } from "../api/client.ts";
import { useMutation, usePages, useQuery } from "../api/hooks.ts";
import type { PageProps } from "../app/feature.ts";
import { Link, navigate } from "../app/router.tsx";
import { oneOf, useUrlState } from "../app/urlState.ts";
import { StateBadge } from "../kit/Badge.tsx";
import { TaskState } from "./TaskState.tsx";
import { Button, ButtonLink } from "../kit/Button.tsx";
import { Confirm } from "../kit/Dialog.tsx";
import { type Column, DataGrid, pagesSource } from "../kit/grid/index.ts";
import { Menu } from "../kit/Menu.tsx";
import { PageLayout, Panel, Stat } from "../kit/Page.tsx";
import { Empty, Failed, Loaded, Skeleton } from "../kit/States.tsx";
import { Segmented, Tabs } from "../kit/Tabs.tsx";
import { toast } from "../kit/Toast.tsx";
import { KeyValues, Num, Progress, RefLink, Time } from "../kit/Values.tsx";
import { AgreementView } from "./Agreement.tsx";
import type { LabelItem, LabelTask, Progress as TaskProgress } from "./api.ts";
import { itemPath, labellingPath, workPath } from "./paths.ts";
import { Publish } from "./Publish.tsx";
import { summary } from "./values.ts";

/** One task: how far, by whom, how much they agree, its items, and what can be done with it. */
export default function TaskPage({ params: { project, task: name } }: PageProps<"/p/:project/labelling/:task">) {
  const live = { live: ["label-task.", "labels."] };
  const task = useQuery("/api/v1/label-tasks/{task}", { path: { task: name } }, live);
  const progress = useQuery("/api/v1/label-tasks/{task}/progress", { path: { task: name } }, { ...live, fresh: 5_000 });
  const [tab, setTab] = useUrlState("tab", oneOf("progress", "items", "agreement"), "progress");
  const [isPublishing, setPublishing] = useState(false);
  const [isAccepting, setAccepting] = useState(false);
  const accept = useMutation(
    () => post("/api/v1/label-tasks/{task}/accept", { path: { task: name }, json: {} }),
    { invalidates: [`/api/v1/label-tasks/${encodeURIComponent(name)}`] },
  );
  const change = useMutation(
    (json: Record<string, unknown>) => patch("/api/v1/label-tasks/{task}", { path: { task: name }, json }),
    { invalidates: ["/api/v1/label-tasks"] },
  );
  const extend = useMutation(
    () => post("/api/v1/label-tasks/{task}/extend", { path: { task: name }, json: {} }),
    { invalidates: ["/api/v1/label-tasks"], onDone: (done) => toast.done(`${done.added} items were added.`) },
  );
  const crumbs = [{ label: "Labelling", to: labellingPath(project) }];
  if (task.error) {
    return (
      <PageLayout title={name} crumbs={crumbs}>
        <Failed error={task.error} retry={task.refresh} />
      </PageLayout>
    );
  }
  if (!task.data) {
    return (
      <PageLayout title={name} crumbs={crumbs}>
        <Skeleton rows={8} />
      </PageLayout>
    );
  }
  const one = task.data;
  const problem = change.error ?? extend.error;
  const states = one.state === "open" ? ["paused", "closed"] : one.state === "paused" ? ["open", "closed"] : ["open"];
  return (
    <PageLayout
      fill={tab === "items"}
      crumbs={crumbs}
      title={one.name}
      badges={<TaskState state={one.state} />}
      sub={
        <span className="row wrap">
          <RefLink value={one.over} /> labelled as <RefLink value={one.schema} />
          <span className="faint">
            by {one.author}, <Time at={one.created} />
          </span>
        </span>
      }
      tools={
        <>
          <Menu
            label="More"
            items={[
              ...states.map((state) => ({
                id: state,
                label: words[state] ?? state,
                onSelect: () => void change.run({ state }),
              })),
              { id: "extend", label: "Add items for new rows", separated: true, onSelect: () => void extend.run() },
              {
                id: "prelabels",
                label: "Show annotators what models said",
                checked: one.showPrelabels,
                onSelect: () => void change.run({ showPrelabels: !one.showPrelabels }),
              },
              ...(["csv", "coco", "yolo", "voc", "label-studio"] as const).map((format, index) => ({
                id: format,
                label: `Export as ${format}`,
                separated: index === 0,
                onSelect: () =>
                  location.assign(
                    hrefOf("/api/v1/label-tasks/{task}/export", { path: { task: name }, query: { format } }),
                  ),
              })),
            ]}
          />
          <Button onClick={() => setAccepting(true)}>Accept what agrees</Button>
          <Button icon="upload" onClick={() => setPublishing(true)}>Publish</Button>
          <ButtonLink kind="primary" icon="label" to={workPath(project, name)}>Label</ButtonLink>
        </>
      }
    >
      {problem && <Failed error={problem} compact />}
      <Tabs
        label="Label task"
        value={tab}
        onChange={(next) => setTab(next, { push: true })}
        tabs={[
          { id: "progress", label: "Progress" },
          { id: "items", label: "Items", count: one.items },
          { id: "agreement", label: "Agreement" },
        ]}
      />
      {tab === "progress" && <Loaded query={progress}>{(data) => <ProgressView task={one} progress={data} />}</Loaded>}
      {tab === "items" && <Items project={project} task={one} />}
      {tab === "agreement" && <AgreementView project={project} task={one} />}
      <Publish task={one} open={isPublishing} onClose={() => setPublishing(false)} />
      <Confirm
        open={isAccepting}
        onClose={() => setAccepting(false)}
        title="Accept what annotators agree on"
        action="Accept"
        danger={false}
        error={accept.error}
        onConfirm={async () => {
          const done = await accept.run();
          if (!done) return;
          toast.done(`${done.accepted} items were accepted.`);
          setAccepting(false);
        }}
      >
        <p>
          Every complete item that nobody reviewed and about which all its annotations say the same is accepted. What
          differs stays for review; so does what you labelled yourself. An item can be reopened.
        </p>
      </Confirm>
    </PageLayout>
  );
}

const words: Record<string, string> = { open: "Open again", paused: "Pause: hand out nothing", closed: "Close" };

function duration(seconds: number | null): string {
  if (seconds === null) return "–";
  return seconds < 90
    ? `${seconds.toFixed(1)} s`
    : seconds < 5400
    ? `${Math.round(seconds / 60)} min`
    : `${(seconds / 3600).toFixed(1)} h`;
}

function ProgressView({ task, progress }: { task: LabelTask; progress: TaskProgress }) {
  const left = progress.wanted - progress.annotations;
  const time = progress.secondsPerItem === null ? null : left * progress.secondsPerItem;
  return (
    <div className="stack">
      <div className="stats">
        <Stat
          label="Complete"
          value={`${progress.complete.toLocaleString("en")} of ${progress.items.toLocaleString("en")}`}
          detail={
            <Progress value={progress.items ? progress.complete / progress.items : null} label="Complete items" />
          }
        />
        <Stat
          label="Reviewed"
          value={progress.reviewed.toLocaleString("en")}
          detail={`${progress.complete - progress.reviewed} wait for review`}
        />
        <Stat
          label="Annotations"
          value={`${progress.annotations.toLocaleString("en")} of ${progress.wanted.toLocaleString("en")}`}
          detail={`${task.overlap} a person each`}
        />
        <Stat
          label="A piece takes"
          value={duration(progress.secondsPerItem)}
          detail={time === null ? "nothing said yet" : `${duration(time)} of work left`}
        />
      </div>
      <Panel title="Annotators" flush>
        {progress.annotators.length === 0
          ? (
            <Empty compact icon="user" title="Nobody has labelled yet">
              Who may annotate in this project can begin with Label.
            </Empty>
          )
          : (
            <table className="table">
              <thead>
                <tr>
                  <th>Who</th>
                  <th className="end">Submitted</th>
                  <th className="end">Accepted</th>
                  <th className="end">Sent back</th>
                  <th className="end">Skipped</th>
                  <th className="end">A piece</th>
                  <th>Last</th>
                </tr>
              </thead>
              <tbody>
                {progress.annotators.map((one) => (
                  <tr key={one.annotator}>
                    <td>{one.annotator}</td>
                    <td className="end tabular">{one.submitted}</td>
                    <td className="end tabular">{one.accepted}</td>
                    <td className="end tabular">{one.rejected}</td>
                    <td className="end tabular">{one.skipped}</td>
                    <td className="end tabular">{duration(one.secondsPerItem)}</td>
                    <td>
                      <Time at={one.last} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
      </Panel>
      <Panel title="How it is set">
        <KeyValues
          columns={2}
          items={[
            ["Published as column", <code key="c">{task.column}</code>],
            ["Rows are told apart by", task.key.join(", ")],
            ["People an item", <Num key="n" value={task.overlap} />],
            [
              "Order",
              task.select.sample === null
                ? task.select.order
                : `${task.select.order}, a sample of ${task.select.sample}`,
            ],
            ["Where annotators differ", task.rule === "rank" ? "the highest rank counts" : "the majority counts"],
            ["An item is kept for", duration(task.leaseSeconds)],
            ["Reviewers", task.reviewers.join(", ") || "makers of tasks"],
            ["What models said", task.showPrelabels ? "is shown" : "is not shown"],
          ]}
        />
      </Panel>
    </div>
  );
}

function Items({ project, task }: { project: string; task: LabelTask }) {
  const [state, setState] = useUrlState("state", oneOf("all", "open", "complete", "accepted", "corrected"), "all");
  const pages = usePages(
    "/api/v1/label-tasks/{task}/items",
    { path: { task: task.name }, query: state === "all" ? {} : { state } },
    { live: ["label-task.", "labels."] },
  );
  const first = pages.items.find((item) => item.state === "complete");
  return (
    <div className="fill items-view">
      <div className="row">
        <Segmented
          label="State"
          value={state}
          onChange={setState}
          options={(["all", "open", "complete", "accepted", "corrected"] as const).map((id) => ({ id, label: id }))}
        />
        <span className="grow" />
        {first && (
          <ButtonLink small icon="check" to={itemPath(project, task.name, first.item) + "?next=complete"}>
            Review what is complete
          </ButtonLink>
        )}
      </div>
      <div className="fill">
        <DataGrid
          label="Items"
          columns={itemColumns(project, task)}
          source={pagesSource(pages)}
          rowKey={(row) => String(row.item)}
          onOpen={(row) => navigate(itemPath(project, task.name, row.item))}
          rowHeight={task.files ? 44 : 32}
          empty={<Empty compact title="No item is in this state" />}
        />
      </div>
    </div>
  );
}

function itemColumns(project: string, task: LabelTask): Column<LabelItem>[] {
  const [dataset, version] = task.dataset.replace(/^dataset:/, "").split("@");
  const picture = (row: LabelItem) =>
    hrefOf("/api/v1/datasets/{name}/versions/{version}/files/{path}", {
      path: { name: dataset ?? "", version: version ?? "latest", path: row.key[0] ?? "" },
    });
  return [
    ...(task.files
      ? [{
        id: "picture",
        header: "",
        name: "Picture",
        width: 56,
        cell: (row: LabelItem) => <img className="item-thumb" src={picture(row)} alt="" loading="lazy" />,
      }]
      : []),
    {
      id: "key",
      header: "Row",
      width: 200,
      cell: (row) => <Link to={itemPath(project, task.name, row.item)} className="mono">{row.key.join(" · ")}</Link>,
    },
    { id: "state", header: "State", width: 110, cell: (row) => <StateBadge state={row.state} /> },
    { id: "votes", header: "Annotations", width: 110, align: "end", value: (row) => row.votes },
    { id: "final", header: "Label", width: 220, value: (row) => summary(row.final?.value) },
    { id: "by", header: "Decided by", width: 120, value: (row) => row.final?.by ?? "–" },
    { id: "assignee", header: "For", width: 100, value: (row) => row.assignee ?? "–" },
  ];
}
