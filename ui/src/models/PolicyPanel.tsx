import { useEffect, useState } from "react";
import { useMay } from "../app/project.ts";
import { put } from "../api/client.ts";
import { useMutation } from "../api/hooks.ts";
import { Button } from "../kit/Button.tsx";
import { Checkbox, Field, Input, Select } from "../kit/Field.tsx";
import { Panel } from "../kit/Page.tsx";
import { Notice } from "../kit/States.tsx";
import { toast } from "../kit/Toast.tsx";
import { KeyValues } from "../kit/Values.tsx";
import type { Model } from "./api.ts";

/** What a version needs before it may be used. Owners change it. */
export function PolicyPanel({ model }: { model: Model }) {
  const mayGovern = useMay("models.govern", model.project);
  const [draft, setDraft] = useState(model.policy);
  const [aliases, setAliases] = useState(model.policy.protectedAliases.join(", "));
  const known = JSON.stringify(model.policy);
  useEffect(() => {
    setDraft(model.policy);
    setAliases(model.policy.protectedAliases.join(", "));
  }, [known]);
  const wanted = { ...draft, protectedAliases: aliases.split(",").map((each) => each.trim()).filter(Boolean) };
  const change = useMutation(() => put("/api/v1/models/{name}/policy", { path: { name: model.name }, json: wanted }), {
    invalidates: ["/api/v1/models"],
    onDone: () => toast.done("The policy is changed."),
  });
  if (!mayGovern) {
    return (
      <Panel title="Policy">
        <KeyValues
          items={[
            ["Approvals needed", model.policy.approvalsRequired || "none"],
            ["Who registered a version may approve it", model.policy.selfApproval ? "yes" : "no"],
            ["Protected aliases", model.policy.protectedAliases.join(", ")],
          ]}
        />
      </Panel>
    );
  }
  return (
    <Panel title="Policy">
      <div className="stack">
        <Field label="Approvals that a version needs">
          <Select
            value={String(draft.approvalsRequired)}
            onChange={(value) => setDraft({ ...draft, approvalsRequired: Number(value) })}
            options={[
              { value: "0", label: "None" },
              { value: "1", label: "One person" },
              { value: "2", label: "Two people" },
            ]}
          />
        </Field>
        <Checkbox checked={draft.selfApproval} onChange={(selfApproval) => setDraft({ ...draft, selfApproval })}>
          Who registered a version may approve it
        </Checkbox>
        <Field label="Protected aliases" help="Only approved versions take these. Separated by commas.">
          <Input value={aliases} onChange={setAliases} />
        </Field>
        {change.error && <Notice tone="bad">{change.error.message}</Notice>}
        <div className="row row-end">
          <Button
            kind="primary"
            busy={change.running}
            disabled={JSON.stringify(wanted) === JSON.stringify(model.policy)}
            onClick={() => void change.run()}
          >
            Change the policy
          </Button>
        </div>
      </div>
    </Panel>
  );
}
