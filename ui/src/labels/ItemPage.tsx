import { useState } from "react";
import { get, post } from "../api/client.ts";
import { invalidate, useMutation, useQuery } from "../api/hooks.ts";
import type { PageProps } from "../app/feature.ts";
import { navigate } from "../app/router.tsx";
import { oneOf, useUrlState } from "../app/urlState.ts";
import { Key, StateBadge } from "../kit/Badge.tsx";
import { Button, ButtonLink } from "../kit/Button.tsx";
import { Dialog } from "../kit/Dialog.tsx";
import { Field, Input } from "../kit/Field.tsx";
import { PageLayout, Panel } from "../kit/Page.tsx";
import { Failed, Loaded, Notice, Skeleton } from "../kit/States.tsx";
import { toast } from "../kit/Toast.tsx";
import { Time } from "../kit/Values.tsx";
import type { Annotation } from "./api.ts";
import { Editor } from "./editors/Editor.tsx";
import { useKeys } from "./editors/editor.ts";
import { itemPath, labellingPath, taskPath } from "./paths.ts";
import { emptyValue, type LabelValue, problem, summary } from "./values.ts";

type Decision = "accept" | "reject" | "correct" | "reopen";

/** One item as a reviewer sees it: what everybody said, beside each other, and what becomes of it. */
export default function ItemPage(
  { params: { project, task: name, item: text } }: PageProps<"/p/:project/labelling/:task/items/:item">,
) {
  const path = { task: name, item: text };
  const task = useQuery("/api/v1/label-tasks/{task}", { path: { task: name } });
  const [schemaName, version] = (task.data?.schema ?? "").replace(/^label-schema:/, "").split("@");
  const schema = useQuery("/api/v1/label-schemas/{name}", { path: { name: schemaName ?? "" }, query: { version } }, {
    skip: !task.data,
  });
  const detail = useQuery("/api/v1/label-tasks/{task}/items/{item}", { path }, { live: ["label-task."] });
  const row = useQuery("/api/v1/label-tasks/{task}/items/{item}/row", { path });
  const history = useQuery("/api/v1/label-tasks/{task}/items/{item}/history", { path });
  const [next] = useUrlState("next", oneOf("none", "complete"), "none");
  const [shown, setShown] = useState<string | null>(null);
  const [correction, setCorrection] = useState<LabelValue | null>(null);
  const [isCorrecting, setCorrecting] = useState(false);
  const [rejecting, setRejecting] = useState<string | null>(null);

  const goOn = async () => {
    if (next === "none") return;
    const page = await get("/api/v1/label-tasks/{task}/items", {
      path: { task: name },
      query: { state: "complete", limit: 2 },
    });
    const follows = page.items.find((one) => String(one.item) !== text);
    if (follows) navigate(itemPath(project, name, follows.item) + "?next=complete", { replace: true });
    else {
      toast.done("Everything that is complete has been reviewed.");
      navigate(taskPath(project, name));
    }
  };
  const review = useMutation(
    (decision: Decision, more: { annotator?: string; value?: LabelValue; comment?: string } = {}) =>
      post("/api/v1/label-tasks/{task}/items/{item}/review", { path, json: { decision, ...more } }),
    {
      onDone: () => {
        invalidate(`/api/v1/label-tasks/${encodeURIComponent(name)}`);
        setCorrecting(false);
        setRejecting(null);
        void goOn();
      },
    },
  );
  const said = (detail.data?.annotations ?? []).filter((one) => one.value !== null);
  const chosen = said.find((one) => one.annotator === shown) ?? said[0];
  useKeys(
    (key) => {
      if (isCorrecting) return false;
      const byNumber = said[Number(key) - 1];
      if (byNumber) setShown(byNumber.annotator);
      else if (key === "a" && chosen) void review.run("accept", { annotator: chosen.annotator });
      else if (key === "r" && chosen) setRejecting(chosen.annotator);
      else if (key === "c") begin();
      else return false;
      return true;
    },
    true,
    true,
  );
  const begin = () => {
    setCorrection(chosen?.value ?? (schema.data ? emptyValue(schema.data.kind) : null));
    setCorrecting(true);
  };

  const crumbs = [{ label: "Labelling", to: labellingPath(project) }, { label: name, to: taskPath(project, name) }];
  const error = detail.error ?? task.error ?? schema.error ?? row.error;
  if (error) {
    return (
      <PageLayout title={`Item ${text}`} crumbs={crumbs}>
        <Failed error={error} retry={detail.refresh} />
      </PageLayout>
    );
  }
  if (!detail.data || !task.data || !schema.data || !row.data) {
    return (
      <PageLayout title={`Item ${text}`} crumbs={crumbs}>
        <Skeleton height={400} />
      </PageLayout>
    );
  }
  const item = detail.data;
  const isDecided = item.final !== null;
  const wrong = isCorrecting ? problem(schema.data, correction) : null;
  const value = isCorrecting ? correction : shown === null && item.final ? item.final.value : chosen?.value ?? null;
  return (
    <PageLayout
      crumbs={crumbs}
      title={<span className="mono">{item.key.join(" · ")}</span>}
      badges={<StateBadge state={item.state} />}
      tools={isCorrecting
        ? (
          <>
            <Button onClick={() => setCorrecting(false)}>Cancel</Button>
            <Button
              kind="primary"
              disabled={wrong !== null}
              title={wrong ?? undefined}
              busy={review.running}
              onClick={() => correction !== null && void review.run("correct", { value: correction })}
            >
              Save the correction
            </Button>
          </>
        )
        : (
          <>
            {isDecided && <Button icon="refresh" onClick={() => void review.run("reopen")}>Reopen</Button>}
            <Button icon="edit" onClick={begin}>
              Correct <Key>c</Key>
            </Button>
            <Button disabled={!chosen} onClick={() => setRejecting(chosen?.annotator ?? null)}>
              Send back <Key>r</Key>
            </Button>
            <Button
              kind="primary"
              icon="check"
              disabled={!chosen}
              busy={review.running}
              onClick={() => chosen && void review.run("accept", { annotator: chosen.annotator })}
            >
              Accept <Key>a</Key>
            </Button>
          </>
        )}
    >
      {review.error && <Notice tone="bad">{review.error.message}</Notice>}
      <div className="review">
        <Panel
          title={isCorrecting
            ? "Your correction"
            : shown === null && item.final
            ? `The label, by ${item.final.by}`
            : chosen
            ? `What ${chosen.annotator} said`
            : "Nobody has said anything yet"}
        >
          <Editor
            key={isCorrecting ? "own" : shown ?? "first"}
            schema={schema.data}
            task={task.data}
            row={row.data}
            extent={item.extent}
            value={value}
            readOnly={!isCorrecting}
            onChange={setCorrection}
          />
        </Panel>
        <div className="stack">
          <Panel title="Annotations" flush>
            <ul className="said-list">
              {said.map((one, index) => (
                <Said
                  key={one.annotator}
                  one={one}
                  number={index + 1}
                  isShown={one === chosen && (shown !== null || !item.final)}
                  onShow={() => setShown(one.annotator)}
                />
              ))}
              {item.prelabels.map((one) => (
                <li key={one.origin} className="said">
                  <span className="strong">{one.origin}</span>
                  <span>{summary(one.value)}</span>
                  <span className="faint">
                    {one.score === null ? "a model" : `a model, ${Math.round(one.score * 100)} %`}
                  </span>
                </li>
              ))}
              {said.length === 0 && item.prelabels.length === 0 && <li className="said faint">None yet.</li>}
            </ul>
          </Panel>
          <Panel title="History" flush>
            <Loaded query={history} compact>
              {(data) => (
                <ol className="said-list">
                  {data.items.map((change, index) => (
                    <li key={index} className="said">
                      <span>
                        <b>{change.actor}</b> {change.action}
                        {change.annotator && change.annotator !== change.actor && ` (${change.annotator})`}
                      </span>
                      <span>
                        {change.value !== null && summary(change.value)} {change.comment && `“${change.comment}”`}
                      </span>
                      <span className="faint">
                        <Time at={change.time} />
                      </span>
                    </li>
                  ))}
                  {data.items.length === 0 && <li className="said faint">Nothing happened yet.</li>}
                </ol>
              )}
            </Loaded>
          </Panel>
          <div className="row">
            <ButtonLink small icon="chevron-left" to={itemPath(project, name, Math.max(1, item.item - 1))}>
              Before
            </ButtonLink>
            <ButtonLink small to={itemPath(project, name, Math.min(task.data.items, item.item + 1))}>Next</ButtonLink>
          </div>
        </div>
      </div>
      <SendBack
        annotator={rejecting}
        onClose={() => setRejecting(null)}
        busy={review.running}
        onSend={(comment) =>
          rejecting && void review.run("reject", { annotator: rejecting, ...(comment ? { comment } : {}) })}
      />
    </PageLayout>
  );
}

function Said(
  { one, number, isShown, onShow }: { one: Annotation; number: number; isShown: boolean; onShow: () => void },
) {
  return (
    <li className={isShown ? "said said-shown" : "said"}>
      <button type="button" className="said-button" onClick={onShow} aria-pressed={isShown}>
        <span className="strong">
          {one.annotator} <Key>{String(number)}</Key>
        </span>
        <span>{summary(one.value)}</span>
        <span className="faint">
          <Time at={one.at} />
          {one.seconds !== null && `, ${one.seconds.toFixed(1)} s`}
        </span>
      </button>
      <StateBadge state={one.state} />
      {one.comment && <span className="faint">“{one.comment}”</span>}
    </li>
  );
}

function SendBack(
  { annotator, onClose, onSend, busy }: {
    annotator: string | null;
    onClose: () => void;
    onSend: (comment: string) => void;
    busy: boolean;
  },
) {
  const [comment, setComment] = useState("");
  return (
    <Dialog
      open={annotator !== null}
      onClose={onClose}
      title={`Send it back to ${annotator ?? ""}`}
      size="small"
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" busy={busy} onClick={() => onSend(comment)}>Send back</Button>
        </>
      }
    >
      <Field label="What should be different" help="Shown to the annotator with the item.">
        <Input value={comment} onChange={setComment} autoFocus />
      </Field>
    </Dialog>
  );
}
