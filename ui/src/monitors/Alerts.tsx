import { useState } from "react";
import { post } from "../api/client.ts";
import { useMutation } from "../api/hooks.ts";
import { pathTo } from "../app/paths.ts";
import { useMay } from "../app/project.ts";
import { Link } from "../app/router.tsx";
import { StateBadge } from "../kit/Badge.tsx";
import { Button } from "../kit/Button.tsx";
import { Dialog } from "../kit/Dialog.tsx";
import { Field, TextArea } from "../kit/Field.tsx";
import { Notice } from "../kit/States.tsx";
import { toast } from "../kit/Toast.tsx";
import { RefLink, Time } from "../kit/Values.tsx";
import type { Alert } from "./api.ts";

/** Alerts with what they started, and the way to take one on. */
export function AlertList({ alerts }: { alerts: readonly Alert[] }) {
  const [taken, setTaken] = useState<Alert | null>(null);
  return (
    <>
      <ul className="alert-list">
        {alerts.map((alert) => <AlertRow key={alert.id} alert={alert} onTake={() => setTaken(alert)} />)}
      </ul>
      {taken && <Acknowledge alert={taken} onClose={() => setTaken(null)} />}
    </>
  );
}

function AlertRow({ alert, onTake }: { alert: Alert; onTake: () => void }) {
  const mayTake = useMay("alerts.acknowledge", alert.project);
  return (
    <li className={`alert-row alert-${alert.state}`}>
      <div className="grow stack alert-text">
        <div className="row row-wrap">
          <StateBadge state={alert.state} />
          <Link
            to={pathTo("/p/:project/alerts/:id", { project: alert.project, id: alert.id })}
            className="alert-summary"
          >
            {alert.summary}
          </Link>
        </div>
        <div className="row row-wrap small muted">
          <span>
            monitor <RefLink value={`monitor:${alert.monitor}`} kind={false}>{alert.monitor}</RefLink>
          </span>
          <span>
            since <Time at={alert.opened} exact />
          </span>
          {alert.lastSeen !== alert.opened && (
            <span>
              last seen <Time at={alert.lastSeen} exact />
            </span>
          )}
          {alert.resolved && (
            <span>
              resolved <Time at={alert.resolved} />
            </span>
          )}
          {alert.acknowledgedBy && (
            <span>taken on by {alert.acknowledgedBy}{alert.comment ? `: ${alert.comment}` : ""}</span>
          )}
        </div>
        {alert.pipelineStarts.length > 0 && (
          <ul className="row row-wrap small">
            {alert.pipelineStarts.map((start) => (
              <li key={start.event} className="row" title={start.problem ?? undefined}>
                {start.run ? <RefLink value={start.run}>{start.pipeline}</RefLink> : <span>{start.pipeline}</span>}
                <span className={start.problem ? "tone-bad" : "faint"}>{start.problem ?? start.state}</span>
              </li>
            ))}
          </ul>
        )}
      </div>
      {alert.state === "open" && mayTake && <Button small icon="check" onClick={onTake}>Acknowledge…</Button>}
    </li>
  );
}

function Acknowledge({ alert, onClose }: { alert: Alert; onClose: () => void }) {
  const [comment, setComment] = useState("");
  const take = useMutation(
    () => post("/api/v1/alerts/{id}/acknowledge", { path: { id: alert.id }, json: comment ? { comment } : {} }),
    {
      invalidates: ["/api/v1/alerts", "/api/v1/monitors"],
      onDone: () => {
        toast.done("You have taken the alert on.");
        onClose();
      },
    },
  );
  return (
    <Dialog
      open
      onClose={onClose}
      size="small"
      title="Take this alert on?"
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" busy={take.running} onClick={() => void take.run()}>Acknowledge</Button>
        </>
      }
    >
      <div className="stack">
        <p>
          {alert.summary}. Until it is resolved it neither repeats itself nor starts pipelines; others see that you have
          it.
        </p>
        <Field label="Comment" help="What you think it is, and what you do about it.">
          <TextArea rows={3} value={comment} onChange={setComment} />
        </Field>
        {take.error && <Notice tone="bad">{take.error.message}</Notice>}
      </div>
    </Dialog>
  );
}
