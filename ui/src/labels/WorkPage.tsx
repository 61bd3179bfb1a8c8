import type React from "react";
import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { post, put } from "../api/client.ts";
import { get } from "../api/client.ts";
import { useQuery } from "../api/hooks.ts";
import type { PageProps } from "../app/feature.ts";
import { Button, ButtonLink, IconButton } from "../kit/Button.tsx";
import { Badge, Key } from "../kit/Badge.tsx";
import { Dialog } from "../kit/Dialog.tsx";
import { PageLayout } from "../kit/Page.tsx";
import { Empty, Failed, Notice, Skeleton } from "../kit/States.tsx";
import { Progress } from "../kit/Values.tsx";
import type { HeldItem, ItemRow, LabelSchema, LabelTask } from "./api.ts";
import { Editor } from "./editors/Editor.tsx";
import { useKeys } from "./editors/editor.ts";
import { Help } from "./Help.tsx";
import { taskPath } from "./paths.ts";
import { type QueueServer, WorkQueue } from "./queue.ts";
import { emptyValue, type LabelValue, problem, summary } from "./values.ts";

function serverOf(task: string): QueueServer {
  const item = (number: number) => ({ path: { task, item: number } });
  return {
    next: async (count) => (await post("/api/v1/label-tasks/{task}/next", { path: { task }, json: { count } })).items,
    row: (number) => get("/api/v1/label-tasks/{task}/items/{item}/row", item(number)),
    submit: async (number, value, seconds) => {
      await post("/api/v1/label-tasks/{task}/items/{item}/submit", { ...item(number), json: { value, seconds } });
    },
    skip: async (number, reason) => {
      await post("/api/v1/label-tasks/{task}/items/{item}/skip", { ...item(number), json: reason ? { reason } : {} });
    },
    undo: () => post("/api/v1/label-tasks/{task}/undo", { path: { task }, json: {} }),
    draft: async (number, value) => {
      await put("/api/v1/label-tasks/{task}/items/{item}/draft", { ...item(number), json: { value } });
    },
    preload: (row: ItemRow) => {
      if (row.file) new Image().src = row.file;
    },
  };
}

/** Where an annotator works: one item after the other, a key each, nothing to wait for. */
export default function WorkPage({ params }: PageProps<"/p/:project/labelling/:task/work">) {
  const task = useQuery("/api/v1/label-tasks/{task}", { path: { task: params.task } }, { live: ["label-task."] });
  const schema = useQuery(
    "/api/v1/label-schemas/{name}",
    { path: { name: schemaName(task.data) }, query: { version: schemaVersion(task.data) } },
    { skip: !task.data },
  );
  const back = taskPath(params.project, params.task);
  const error = task.error ?? schema.error;
  if (error) {
    return (
      <PageLayout title={params.task}>
        <Failed error={error} retry={task.refresh} />
      </PageLayout>
    );
  }
  if (!task.data || !schema.data) {
    return (
      <PageLayout title={params.task}>
        <Skeleton height={420} />
      </PageLayout>
    );
  }
  return <Workbench key={task.data.ref} task={task.data} schema={schema.data} back={back} />;
}

function schemaName(task: LabelTask | undefined): string {
  return task?.schema.replace(/^label-schema:/, "").replace(/@.*$/, "") ?? "";
}

function schemaVersion(task: LabelTask | undefined): string {
  return task?.schema.split("@")[1] ?? "";
}

function startOf(held: HeldItem, schema: LabelSchema): LabelValue | null {
  if (held.draft !== null) return held.draft;
  // A single choice is not made by a model: it is shown, and Enter takes it. Shapes are there to be corrected.
  const [first] = held.prelabels;
  return first && schema.kind !== "class" ? first.value : emptyValue(schema.kind);
}

function Workbench({ task, schema, back }: { task: LabelTask; schema: LabelSchema; back: string }) {
  const queue = useMemo(() => new WorkQueue(serverOf(task.name)), [task.name]);
  const state = useSyncExternalStore(queue.subscribe, queue.state);
  const { current } = state;
  const [value, setValue] = useState<LabelValue | null>(null);
  const [skips, setSkips] = useState(false);
  const [helps, setHelps] = useState(false);
  const draftTimer = useRef<number | undefined>(undefined);
  useEffect(() => void queue.fill(), [queue]);
  const number = current?.held.item;
  useEffect(() => {
    clearTimeout(draftTimer.current);
    if (current) setValue(startOf(current.held, schema));
  }, [number, current?.held.draft]);

  const wrong = current ? problem(schema, value) : null;
  const submit = useCallback((answer: LabelValue | null) => {
    clearTimeout(draftTimer.current);
    if (answer !== null && problem(schema, answer) === null) void queue.submit(answer);
  }, [queue, schema]);
  const change = (next: LabelValue, isFinal?: boolean) => {
    setValue(next);
    if (isFinal) return submit(next);
    clearTimeout(draftTimer.current);
    draftTimer.current = setTimeout(() => void queue.draft(next), 1_500);
  };
  const suggestion = current && schema.kind === "class" ? current.held.prelabels[0] : undefined;
  useKeys(
    (key, event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return false;
      if (key === "Enter") submit(value ?? suggestion?.value ?? null);
      else if (key === "s" && current) setSkips(true);
      else if (key === "u") void queue.undo();
      else if (key === "?") setHelps(true);
      else return false;
      return true;
    },
    true,
    true,
  );
  // While a field has the focus the page's keys are the field's: Enter in a number, Ctrl-Enter anywhere submit.
  const typed = (event: React.KeyboardEvent) => {
    const inInput = (event.target as HTMLElement).tagName === "INPUT";
    if (event.key === "Enter" && (inInput || event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      submit(value);
    }
  };

  const isQuick = schema.kind === "class";
  return (
    <PageLayout
      fill
      crumbs={[{ label: task.name, to: back }]}
      title="Label"
      badges={
        <>
          {state.sending > 0 && <Badge tone="info">{`${state.sending} on the way`}</Badge>}
          {task.state !== "open" && <Badge tone="warn">{task.state}</Badge>}
        </>
      }
      tools={
        <>
          <Button icon="refresh" onClick={() => void queue.undo()}>
            Undo <Key>u</Key>
          </Button>
          <Button disabled={!current} onClick={() => setSkips(true)}>
            Skip <Key>s</Key>
          </Button>
          {!isQuick && (
            <Button
              kind="primary"
              disabled={!current || wrong !== null}
              title={wrong ?? undefined}
              onClick={() => submit(value)}
            >
              Submit <Key>↵</Key>
            </Button>
          )}
          <IconButton icon="help" label="Keys and instructions" onClick={() => setHelps(true)} />
        </>
      }
    >
      <div className="work fill" onKeyDown={typed}>
        <SessionProgress task={task} done={state.done} />
        {state.error && (
          <Notice
            tone="bad"
            action={
              <IconButton
                icon="close"
                small
                label="Dismiss"
                onClick={() => queue.dismissError()}
              />
            }
          >
            {state.error}
          </Notice>
        )}
        {current?.held.comment && <Notice tone="warn">A reviewer sent this back: “{current.held.comment}”</Notice>}
        {current && suggestion && (
          <Notice tone="info">
            {suggestion.origin} says <b>{summary(suggestion.value)}</b>
            {suggestion.score !== null && ` (${Math.round(suggestion.score * 100)} %)`}. <Key>↵</Key> takes it.
          </Notice>
        )}
        {current && !suggestion && current.held.prelabels[0] && current.held.draft === null && (
          <Notice tone="info">Begun by {current.held.prelabels[0].origin}: correct what is wrong.</Notice>
        )}
        {current?.rowError
          ? (
            <Notice tone="bad">
              This row cannot be shown: {current.rowError} Skip it, and tell whoever made the task.
            </Notice>
          )
          : current?.row
          ? (
            <Editor
              schema={schema}
              task={task}
              row={current.row}
              extent={current.held.extent}
              value={value}
              onChange={change}
            />
          )
          : current || state.loading
          ? <Skeleton height={360} />
          : state.isOver
          ? (
            <Empty
              icon="check"
              title={state.done > 0 ? `Done: ${state.done} labelled` : "There is nothing for you to label"}
              action={<ButtonLink to={back} kind="primary">See the task</ButtonLink>}
            >
              {task.state === "open"
                ? "All items have the answers they need, or are in other hands. What comes free shows up here."
                : `The task is ${task.state}.`}
            </Empty>
          )
          : (
            <Empty
              icon="error"
              title="No items came"
              action={<Button onClick={() => void queue.fill()}>Ask again</Button>}
            />
          )}
      </div>
      <SkipDialog open={skips} onClose={() => setSkips(false)} onSkip={(reason) => void queue.skip(reason)} />
      <Help open={helps} onClose={() => setHelps(false)} schema={schema} />
    </PageLayout>
  );
}

/** How far one is, counted from when the page was opened, beside the task as a whole. */
function SessionProgress({ task, done }: { task: LabelTask; done: number }) {
  const atStart = useRef(task.annotations);
  const said = Math.max(atStart.current + done, task.annotations);
  const wanted = task.items * task.overlap;
  return (
    <div className="work-progress">
      <Progress value={wanted > 0 ? said / wanted : null} label="Annotations of this task" />
      <span className="faint tabular">{said.toLocaleString("en")} of {wanted.toLocaleString("en")}</span>
      <span className="tabular">{`you: ${done}`}</span>
    </div>
  );
}

const reasons = ["Cannot be told", "Broken or empty", "Does not belong here"];

function SkipDialog(
  { open, onClose, onSkip }: { open: boolean; onClose: () => void; onSkip: (reason: string | null) => void },
) {
  const skip = (reason: string | null) => {
    onClose();
    onSkip(reason);
  };
  return (
    <Dialog open={open} onClose={onClose} title="Skip this item" size="small">
      <div
        className="stack"
        onKeyDown={(event) => {
          const reason = reasons[Number(event.key) - 1];
          if (reason) skip(reason);
        }}
      >
        <p>Others get it. Why?</p>
        {reasons.map((reason, index) => (
          <Button key={reason} autoFocus={index === 0} onClick={() => skip(reason)}>
            {reason} <Key>{String(index + 1)}</Key>
          </Button>
        ))}
        <Button kind="quiet" onClick={() => skip(null)}>No reason</Button>
      </div>
    </Dialog>
  );
}
