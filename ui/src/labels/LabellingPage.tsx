import { usePages } from "../api/hooks.ts";
import type { PageProps } from "../app/feature.ts";
import { Link } from "../app/router.tsx";
import { oneOf, useUrlState } from "../app/urlState.ts";
import { Badge, Key } from "../kit/Badge.tsx";
import { Button, ButtonLink } from "../kit/Button.tsx";
import { type Column, DataGrid, pagesSource } from "../kit/grid/index.ts";
import { PageLayout } from "../kit/Page.tsx";
import { Empty } from "../kit/States.tsx";
import { Tabs } from "../kit/Tabs.tsx";
import { Progress, RefLink, Time } from "../kit/Values.tsx";
import type { LabelSchema, LabelTask } from "./api.ts";
import { NewSchema } from "./NewSchema.tsx";
import { NewTask } from "./NewTask.tsx";
import { TaskState } from "./TaskState.tsx";
import { taskPath, workPath } from "./paths.ts";

/** What is to be labelled, how far it is, and by which schemas. */
export default function LabellingPage({ params: { project } }: PageProps<"/p/:project/labelling">) {
  const [tab, setTab] = useUrlState("tab", oneOf("tasks", "schemas"), "tasks");
  const [making, setMaking] = useUrlState("new", oneOf("no", "task", "schema"), "no");
  const tasks = usePages("/api/v1/label-tasks", { query: { project } }, { live: ["label-task.", "labels."] });
  const schemas = usePages("/api/v1/label-schemas", { query: { project } }, { live: ["label-schema."] });
  return (
    <PageLayout
      fill
      title="Labelling"
      sub="Tasks hand rows to people; what they say is reviewed and published as columns of a new version."
      tools={
        <>
          <Button icon="plus" onClick={() => setMaking("schema")}>New schema</Button>
          <Button icon="plus" kind="primary" onClick={() => setMaking("task")}>New task</Button>
        </>
      }
    >
      <Tabs
        label="Labelling"
        value={tab}
        onChange={(next) => setTab(next, { push: true })}
        tabs={[
          { id: "tasks", label: "Tasks", count: tasks.items.length },
          { id: "schemas", label: "Schemas", count: schemas.items.length },
        ]}
      />
      <div className="fill">
        {tab === "tasks"
          ? (
            <DataGrid
              label="Label tasks"
              columns={taskColumns(project)}
              source={pagesSource(tasks)}
              rowKey={(row) => row.name}
              rowHeight={44}
              empty={
                <Empty
                  icon="label"
                  title="Nothing to label yet"
                  action={<Button kind="primary" icon="plus" onClick={() => setMaking("task")}>New task</Button>}
                >
                  A task takes the rows of a dataset version or a slice and a schema that says what a label may be.
                </Empty>
              }
            />
          )
          : (
            <DataGrid
              label="Label schemas"
              columns={schemaColumns}
              source={pagesSource(schemas)}
              rowKey={(row) => row.ref}
              rowHeight={44}
              empty={
                <Empty
                  icon="label"
                  title="No schema yet"
                  action={<Button kind="primary" icon="plus" onClick={() => setMaking("schema")}>New schema</Button>}
                >
                  A schema is a kind of label (a class, boxes, spans …) with its classes. Its versions never change.
                </Empty>
              }
            />
          )}
      </div>
      <NewTask project={project} open={making === "task"} onClose={() => setMaking("no")} schemas={schemas.items} />
      <NewSchema project={project} open={making === "schema"} onClose={() => setMaking("no")} />
    </PageLayout>
  );
}

function taskColumns(project: string): Column<LabelTask>[] {
  return [
    {
      id: "name",
      header: "Task",
      width: 220,
      pinned: true,
      fixed: true,
      value: (row) => row.name,
      cell: (row) => <Link to={taskPath(project, row.name)} className="strong">{row.name}</Link>,
    },
    { id: "state", header: "State", width: 90, cell: (row) => <TaskState state={row.state} /> },
    {
      id: "progress",
      header: "Progress",
      width: 220,
      cell: (row) => (
        <div className="task-progress">
          <Progress value={row.items > 0 ? row.complete / row.items : null} label={`Progress of ${row.name}`} />
          <span className="tabular faint">{row.complete.toLocaleString("en")}/{row.items.toLocaleString("en")}</span>
        </div>
      ),
    },
    {
      id: "work",
      header: "",
      name: "Work",
      width: 90,
      cell: (row) =>
        row.state === "open" && row.annotations < row.items * row.overlap
          ? <ButtonLink small to={workPath(project, row.name)}>Label</ButtonLink>
          : null,
    },
    { id: "reviewed", header: "Reviewed", width: 90, align: "end", value: (row) => row.reviewed },
    { id: "over", header: "Over", width: 190, cell: (row) => <RefLink value={row.over} /> },
    { id: "schema", header: "Schema", width: 170, cell: (row) => <RefLink value={row.schema} /> },
    { id: "overlap", header: "People", width: 80, align: "end", value: (row) => row.overlap },
    { id: "created", header: "Made", width: 130, cell: (row) => <Time at={row.created} /> },
  ];
}

const schemaColumns: Column<LabelSchema>[] = [
  { id: "name", header: "Schema", width: 200, pinned: true, cell: (row) => <span className="strong">{row.name}</span> },
  { id: "version", header: "Version", width: 80, align: "end", value: (row) => row.version },
  { id: "kind", header: "Kind", width: 110, cell: (row) => <Badge>{row.kind}</Badge> },
  {
    id: "classes",
    header: "Classes",
    width: 420,
    grow: true,
    cell: (row) => (
      <span className="class-list">
        {(row.classes ?? []).slice(0, 12).map((one) => (
          <span key={one.name} className="class-chip">
            <span className="swatch" style={{ background: one.colour }} />
            {one.name}
            {one.hotkey && one.hotkey !== one.name && <Key>{one.hotkey}</Key>}
          </span>
        ))}
        {(row.classes?.length ?? 0) > 12 && <span className="faint">and {(row.classes?.length ?? 0) - 12} more</span>}
        {row.kind === "number" && <span className="faint">{row.minimum ?? "−∞"} to {row.maximum ?? "∞"}</span>}
      </span>
    ),
  },
  { id: "author", header: "By", width: 110, value: (row) => row.author },
  { id: "created", header: "Made", width: 130, cell: (row) => <Time at={row.created} /> },
];
