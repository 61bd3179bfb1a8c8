import { useState } from "react";
import { useMay, usePrincipal } from "../../app/project.ts";
import { post } from "../../api/client.ts";
import { useMutation } from "../../api/hooks.ts";
import { StateBadge } from "../../kit/Badge.tsx";
import { Button } from "../../kit/Button.tsx";
import { Dialog } from "../../kit/Dialog.tsx";
import { Field, TextArea } from "../../kit/Field.tsx";
import { Icon } from "../../kit/Icon.tsx";
import { Panel } from "../../kit/Page.tsx";
import { Notice } from "../../kit/States.tsx";
import { toast } from "../../kit/Toast.tsx";
import { Time } from "../../kit/Values.tsx";
import type { Approval, Model, VersionDetail } from "../api.ts";

type Decision = Approval["decision"];

/** Who has said what about the version, and one's own word. */
export function Approvals({ model, version }: { model: Model; version: VersionDetail }) {
  const [asked, setAsked] = useState<Decision | null>(null);
  const mayApprove = useMay("models.approve", model.project);
  const me = usePrincipal();
  const isOwn = me?.name === version.owner;
  const needed = model.policy.approvalsRequired;
  const newest = [...version.approvals].sort((a, b) => b.time.localeCompare(a.time));
  const approving = new Set(
    [...new Map([...newest].reverse().map((approval) => [approval.by, approval]))]
      .filter(([, approval]) => approval.decision === "approve").map(([by]) => by),
  );
  const forbidden = isOwn && !model.policy.selfApproval && needed > 0;
  return (
    <Panel title="Approvals" tools={<StateBadge state={version.approval} />}>
      <div className="stack">
        <p className="small muted">
          {needed === 0
            ? "The policy asks for no approval."
            : `${approving.size} of ${needed} needed before it may be ${model.policy.protectedAliases.join(" or ")}.`}
        </p>
        {newest.length > 0 && (
          <ul className="approvals">
            {newest.map((approval) => (
              <li key={approval.by + approval.time} className="model-approval">
                <Icon
                  name={approval.decision === "approve" ? "check" : "close"}
                  className={approval.decision === "approve" ? "tone-good" : "tone-bad"}
                />
                <div className="grow">
                  <div className="small">
                    <strong>{approval.by}</strong> {approval.decision === "approve" ? "approved" : "rejected"}{" "}
                    <span className="muted">
                      <Time at={approval.time} />
                    </span>
                  </div>
                  {approval.comment && <div className="approval-comment">{approval.comment}</div>}
                </div>
              </li>
            ))}
          </ul>
        )}
        {mayApprove && (
          <div className="row">
            <Button icon="check" kind="primary" disabled={forbidden} onClick={() => setAsked("approve")}>
              Approve
            </Button>
            <Button icon="close" onClick={() => setAsked("reject")}>Reject</Button>
          </div>
        )}
        {forbidden && <p className="small faint">You registered this version, so somebody else has to approve it.</p>}
      </div>
      {asked && <DecisionDialog model={model} version={version} decision={asked} onClose={() => setAsked(null)} />}
    </Panel>
  );
}

function DecisionDialog(
  { model, version, decision, onClose }: {
    model: Model;
    version: VersionDetail;
    decision: Decision;
    onClose: () => void;
  },
) {
  const [comment, setComment] = useState("");
  const isApproval = decision === "approve";
  const decide = useMutation(
    () =>
      post("/api/v1/models/{name}/versions/{version}/approvals", {
        path: { name: model.name, version: version.version },
        json: { decision, comment },
      }),
    {
      invalidates: ["/api/v1/models"],
      onDone: () => {
        toast.done(`${isApproval ? "Approved" : "Rejected"} version ${version.version}.`);
        onClose();
      },
    },
  );
  return (
    <Dialog
      open
      size="small"
      title={`${isApproval ? "Approve" : "Reject"} ${model.name}, version ${version.version}`}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind={isApproval ? "primary" : "danger"} busy={decide.running} onClick={() => void decide.run()}>
            {isApproval ? "Approve" : "Reject"}
          </Button>
        </>
      }
    >
      <div className="stack">
        <Field label="Why" help="It is kept in the ledger with your name.">
          <TextArea value={comment} onChange={setComment} autoFocus />
        </Field>
        {!isApproval && (
          <p className="small muted">
            While your rejection stands, the version cannot take a protected alias. Aliases that it has stay.
          </p>
        )}
        {decide.error && <Notice tone="bad">{decide.error.message}</Notice>}
      </div>
    </Dialog>
  );
}
