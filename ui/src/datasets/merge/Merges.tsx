import { useState } from "react";
import { post } from "../../api/client.ts";
import { useMutation, usePages } from "../../api/hooks.ts";
import { Link, navigate } from "../../app/router.tsx";
import { Badge } from "../../kit/Badge.tsx";
import { Button } from "../../kit/Button.tsx";
import { Field, Input, Select } from "../../kit/Field.tsx";
import { plural } from "../../kit/format.ts";
import { Panel } from "../../kit/Page.tsx";
import { Empty, Failed, Notice, Skeleton } from "../../kit/States.tsx";
import { toast } from "../../kit/Toast.tsx";
import { Time } from "../../kit/Values.tsx";
import type { PartProps } from "../DatasetPage.tsx";
import { datasetPath, mergePath } from "../paths.ts";
import { useNames } from "../VersionPicker.tsx";
import type { MergeOutcome } from "./api.ts";

/** Starts a merge of one branch into another, and lists those that met conflicts. */
export default function Merges({ project, dataset, version }: PartProps) {
  const { branches, tags } = useNames(dataset.name);
  const pages = usePages("/api/v1/datasets/{name}/merges", { path: { name: dataset.name } }, { live: ["dataset."] });
  const others = branches.filter((each) => each.name !== "main");
  const [from, setFrom] = useState(version.branch === "main" ? "" : version.branch);
  const [into, setInto] = useState("main");
  const [message, setMessage] = useState("");
  const [by, setBy] = useState<"cell" | "row">("cell");
  const [trial, setTrial] = useState<MergeOutcome | null>(null);
  const chosen = from || others[0]?.name || "";
  const ask = (isTrial: boolean) =>
    post("/api/v1/datasets/{name}/merge", {
      path: { name: dataset.name },
      json: { from: chosen, into, by, message, trial: isTrial },
    });
  const merge = useMutation(ask, {
    invalidates: ["/api/v1/datasets"],
    onDone: (outcome) => {
      if (outcome.state === "mergeable" || outcome.state === "conflicts" && !outcome.id) return setTrial(outcome);
      if (outcome.id) return navigate(mergePath(project, dataset.name, outcome.id));
      setTrial(null);
      toast.done(
        outcome.state === "upToDate"
          ? `${into} has everything of ${chosen} already.`
          : outcome.state === "fastForward"
          ? `${into} moved on to version ${outcome.version?.version ?? ""}.`
          : `Merged: version ${outcome.version?.version ?? ""}.`,
      );
      navigate(datasetPath(project, dataset.name, { tab: "history" }));
    },
  });
  const names = [...branches, ...tags].map((each) => ({
    value: each.name,
    label: `${each.name} (version ${each.version})`,
  }));
  return (
    <div className="part-scroll">
      <Panel title="Merge">
        {others.length === 0
          ? (
            <Empty compact icon="branch" title="There is one branch">
              Make another from a version's menu, change it, and merge it here: what both sides changed is shown cell by
              cell.
            </Empty>
          )
          : (
            <div className="stack">
              <div className="merge-form">
                <Field label="Take the changes of">
                  <Select
                    value={chosen}
                    onChange={(next) => {
                      setFrom(next);
                      setTrial(null);
                    }}
                    options={names}
                  />
                </Field>
                <Field label="into">
                  <Select
                    value={into}
                    onChange={(next) => {
                      setInto(next);
                      setTrial(null);
                    }}
                    options={branches.map((each) => ({
                      value: each.name,
                      label: `${each.name} (version ${each.version})`,
                    }))}
                  />
                </Field>
                <Field label="A conflict is">
                  <Select
                    value={by}
                    onChange={setBy}
                    options={[{ value: "cell", label: "two changes of one cell" }, {
                      value: "row",
                      label: "two changes of one row",
                    }]}
                  />
                </Field>
                <Field label="Why">
                  <Input value={message} onChange={setMessage} />
                </Field>
              </div>
              {dataset.key.length === 0 && dataset.kind === "table" && (
                <Notice tone="warn">
                  Rows are told apart by a key, and this dataset has none yet: set one in Settings.
                </Notice>
              )}
              {trial && <Trial outcome={trial} into={into} from={chosen} />}
              {merge.error && <Notice tone="bad">{merge.error.message}</Notice>}
              <div className="row row-end">
                <Button busy={merge.running} disabled={chosen === into} onClick={() => void merge.run(true)}>
                  Try
                </Button>
                <Button
                  kind="primary"
                  icon="branch"
                  busy={merge.running}
                  disabled={chosen === into}
                  onClick={() => void merge.run(false)}
                >
                  Merge
                </Button>
              </div>
            </div>
          )}
      </Panel>
      <Panel flush title="Merges that met conflicts">
        {pages.error && pages.items.length === 0
          ? <Failed error={pages.error} retry={pages.refresh} compact />
          : pages.loading
          ? (
            <div className="rows-wait">
              <Skeleton rows={3} />
            </div>
          )
          : pages.items.length === 0
          ? <Empty compact icon="check" title="None">Merges without conflicts are versions in the history.</Empty>
          : (
            <ul>
              {pages.items.map((each) => (
                <li key={each.id}>
                  <Link
                    className="merge-item"
                    to={each.state === "conflicts"
                      ? mergePath(project, dataset.name, each.id)
                      : each.version
                      ? datasetPath(project, dataset.name, { v: each.version })
                      : mergePath(project, dataset.name, each.id)}
                  >
                    <Badge
                      tone={each.state === "merged" ? "good" : each.state === "conflicts" ? "warn" : "neutral"}
                      icon={each.state === "merged" ? "check" : each.state === "conflicts" ? "warning" : "close"}
                    >
                      {each.state === "conflicts" ? `${each.counts.open.toLocaleString("en")} open` : each.state}
                    </Badge>
                    <b>{each.from} → {each.into}</b>
                    <span className="muted grow ellipsis">
                      {plural(each.counts.conflicts, "conflict")} in {plural(each.counts.rowsInConflict, "row")}
                      {each.message && `: ${each.message}`}
                    </span>
                    <span className="faint small">
                      {each.author}, <Time at={each.created} />
                    </span>
                  </Link>
                </li>
              ))}
            </ul>
          )}
      </Panel>
    </div>
  );
}

function Trial({ outcome, from, into }: { outcome: MergeOutcome; from: string; into: string }) {
  const { counts } = outcome;
  const changes = [
    counts.added && plural(counts.added, "row is added", "rows are added"),
    counts.deleted && plural(counts.deleted, "row is deleted", "rows are deleted"),
    counts.edited && plural(counts.edited, "row is changed", "rows are changed"),
  ].filter(Boolean).join(", ");
  return (
    <Notice tone={outcome.state === "conflicts" ? "warn" : "info"}>
      {outcome.state === "conflicts"
        ? (
          <>
            {plural(counts.conflicts, "conflict")} in {plural(counts.rowsInConflict, "row")}: both {from} and {into}
            {" "}
            changed them. Merge to decide one by one or by rule.
          </>
        )
        : <>No conflicts. {changes || "Nothing changes."}</>}
    </Notice>
  );
}
