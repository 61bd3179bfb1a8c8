import { useState } from "react";
import { post, put, remove } from "../../api/client.ts";
import { useMutation, useQuery } from "../../api/hooks.ts";
import { Button } from "../../kit/Button.tsx";
import { Confirm } from "../../kit/Dialog.tsx";
import { Checkbox, Field, Input } from "../../kit/Field.tsx";
import { formatBytes, plural } from "../../kit/format.ts";
import { Panel } from "../../kit/Page.tsx";
import { Notice } from "../../kit/States.tsx";
import { toast } from "../../kit/Toast.tsx";
import type { Deletion, RetentionRule } from "../api.ts";
import type { PartProps } from "../DatasetPage.tsx";

/** Which versions stay; a preview says which would go and what that frees before anything does. */
export function Retention({ dataset }: PartProps) {
  const path = { name: dataset.name };
  const query = useQuery("/api/v1/datasets/{name}/retention", { path }, { live: ["dataset."] });
  if (!query.data) return null;
  return <Form key={JSON.stringify(query.data.rule)} path={path} rule={query.data.rule} refresh={query.refresh} />;
}

function Form({ path, rule, refresh }: { path: { name: string }; rule: RetentionRule | null; refresh: () => void }) {
  const [last, setLast] = useState(rule?.keepLast?.toString() ?? "");
  const [days, setDays] = useState(rule?.keepDays?.toString() ?? "");
  const [tagged, setTagged] = useState(rule?.keepTagged ?? true);
  const [automatic, setAutomatic] = useState(rule?.automatic ?? false);
  const [preview, setPreview] = useState<Deletion | null>(null);
  const [asks, setAsks] = useState(false);
  const isSame = rule !== null && last === (rule.keepLast?.toString() ?? "") &&
    days === (rule.keepDays?.toString() ?? "") && tagged === rule.keepTagged && automatic === rule.automatic;
  const set = useMutation(
    () =>
      put("/api/v1/datasets/{name}/retention", {
        path,
        json: {
          ...(last ? { keepLast: Number(last) } : {}),
          ...(days ? { keepDays: Number(days) } : {}),
          keepTagged: tagged,
          automatic,
        },
      }),
    { onDone: refresh },
  );
  const none = useMutation(() => remove("/api/v1/datasets/{name}/retention", { path }), {
    onDone: () => {
      toast.done("All versions are kept.");
      refresh();
    },
  });
  const apply = useMutation(
    (dryRun: boolean) => post("/api/v1/datasets/{name}/retention/apply", { path, json: { dryRun } }),
    {
      onDone: (found) => {
        if (found.dryRun) return setPreview(found);
        toast.done(
          `${plural(found.count, "version")} gave their files up; the garbage collection frees ${
            formatBytes(found.frees.bytes)
          }.`,
        );
        setAsks(false);
        setPreview(null);
      },
    },
  );
  return (
    <Panel title="How long versions stay">
      <div className="stack">
        <div className="grid-3">
          <Field label="The newest of each branch">
            <Input inputMode="numeric" value={last} onChange={setLast} placeholder="all" />
          </Field>
          <Field label="Younger than days">
            <Input inputMode="numeric" value={days} onChange={setDays} placeholder="any age" />
          </Field>
          <div className="stack settings-checks">
            <Checkbox checked={tagged} onChange={setTagged}>Those that a tag names</Checkbox>
            <Checkbox checked={automatic} onChange={setAutomatic}>Applied once a day by itself</Checkbox>
          </div>
        </div>
        <p className="small muted">
          A version goes only if none of these keeps it. Heads of branches and versions that registered models were made
          from always stay. Schema, recipe and lineage of a version that went stay, too.
        </p>
        {(set.error ?? apply.error ?? none.error) && (
          <Notice tone="bad">{(set.error ?? apply.error ?? none.error)?.message}</Notice>
        )}
        {preview && (
          <Notice
            tone={preview.count > 0 ? "warn" : "good"}
            action={preview.count > 0
              ? (
                <Button
                  small
                  kind="danger"
                  onClick={() => setAsks(true)}
                >
                  Apply now…
                </Button>
              )
              : undefined}
          >
            {preview.count === 0 ? "Nothing would go." : (
              <>
                {plural(preview.count, "version")}{" "}
                would go ({preview.versions.slice(0, 6).map((each) => each.replace(/^.*@/, "")).join(", ")}
                {preview.count > 6 ? " …" : ""}) and free <b>{formatBytes(preview.frees.bytes)}</b>.{" "}
                {preview.held && preview.held.length > 0
                  ? `${plural(preview.held.length, "version")} stay because models were made from them.`
                  : ""}
              </>
            )}
          </Notice>
        )}
        <div className="row row-end">
          {rule && <Button kind="quiet" busy={none.running} onClick={() => void none.run()}>Keep all</Button>}
          <Button
            icon="eye"
            busy={apply.running}
            disabled={!isSame}
            title={isSame ? "" : "Set the rule first: it deletes nothing yet"}
            onClick={() => void apply.run(true)}
          >
            What would go
          </Button>
          <Button
            kind="primary"
            busy={set.running}
            disabled={isSame || last === "" && days === ""}
            onClick={() => void set.run()}
          >
            Set the rule
          </Button>
        </div>
      </div>
      {preview && (
        <Confirm
          open={asks}
          onClose={() => setAsks(false)}
          title={`Give up ${plural(preview.count, "version")}?`}
          action={`Give up ${plural(preview.count, "version")}`}
          typeToConfirm={path.name}
          error={apply.error}
          onConfirm={() => apply.run(false)}
        >
          <p>
            Their files go: <b>{formatBytes(preview.frees.bytes)}</b> in{" "}
            {plural(preview.frees.objects, "object")}. Their records and lineage stay. This cannot be undone.
          </p>
        </Confirm>
      )}
    </Panel>
  );
}
