import { useEffect, useMemo, useState } from "react";
import { put, remove, send } from "../../api/client.ts";
import { useMutation, useQuery } from "../../api/hooks.ts";
import { Button } from "../../kit/Button.tsx";
import { Confirm } from "../../kit/Dialog.tsx";
import { Panel } from "../../kit/Page.tsx";
import { Empty, Failed, Loaded, Notice, Skeleton } from "../../kit/States.tsx";
import { toast } from "../../kit/Toast.tsx";
import { Time } from "../../kit/Values.tsx";
import type { PartProps } from "../DatasetPage.tsx";
import { Editor } from "../editor/Editor.tsx";
import type { QualityReport } from "./api.ts";
import { hasContract, wasChecked } from "./checked.ts";
import { completeContract } from "./complete.ts";
import { useContracts } from "./contracts.ts";
import { Report } from "./Report.tsx";

/** The contract of a dataset beside what it says to this version; a draft can be tried before it holds. */
export default function Quality({ project, dataset, version }: PartProps) {
  const name = dataset.name;
  const contracts = useContracts(project);
  const isThere = contracts !== undefined && hasContract(contracts, name);
  const contract = useQuery("/api/v1/datasets/{name}/contract", { path: { name } }, {
    skip: !isThere,
    live: ["dataset.contract.set"],
  });
  const kept = useQuery("/api/v1/datasets/{name}/versions/{version}/quality", {
    path: { name, version: version.version },
  }, { skip: !contracts || !wasChecked(contracts, name, version.created), fresh: 600_000 });
  const [text, setText] = useState<string | null>(null);
  const [report, setReport] = useState<{ what: string; report: QualityReport } | null>(null);
  const [line, setLine] = useState<number | null>(null);
  const [ends, setEnds] = useState(false);
  useEffect(() => setReport(null), [version.version]);
  const yaml = text ?? contract.data?.yaml ?? "";
  const isDraft = text !== null && text !== (contract.data?.yaml ?? "");
  const complete = useMemo(() => completeContract(version.columns), [version.columns]);
  const ask = async (body: string | null): Promise<QualityReport> => {
    const url = `/api/v1/datasets/${encodeURIComponent(name)}/contract/check?version=${version.version}`;
    const response = await send("POST", url, body === null ? {} : { body, contentType: "application/yaml" });
    return await response.json();
  };
  const check = useMutation(ask, {
    onDone: (found) => setReport({ what: isDraft ? "The draft" : "Checked now", report: found }),
  });
  const draft = useMutation(async () => {
    const response = await send(
      "POST",
      `/api/v1/datasets/${encodeURIComponent(name)}/contract/suggest?version=${version.version}`,
      { accept: "application/yaml" },
    );
    return await response.text();
  }, { onDone: setText });
  const set = useMutation(
    () => put("/api/v1/datasets/{name}/contract", { path: { name }, body: yaml, contentType: "application/yaml" }),
    {
      invalidates: ["/api/v1/datasets", `contracts ${project}`],
      onDone: (now) => {
        toast.done(
          `Contract ${now.contract} holds from now on${now.notes?.length ? ": " + now.notes.join("; ") : "."}`,
        );
        setText(null);
        contract.refresh();
      },
    },
  );
  const end = useMutation(() => remove("/api/v1/datasets/{name}/contract", { path: { name } }), {
    invalidates: ["/api/v1/datasets", `contracts ${project}`],
    onDone: () => {
      toast.done("The contract ended. Earlier ones stay readable.");
      setEnds(false);
      setText(null);
    },
  });
  if (contract.error && contract.error.code !== "not_found") {
    return <Failed error={contract.error} retry={contract.refresh} />;
  }
  if (!contracts || (isThere && contract.loading)) return <Skeleton rows={8} />;
  const errorLine = Number(/line (\d+)/.exec(set.error?.message ?? check.error?.message ?? "")?.[1] ?? 0) || line;
  return (
    <div className="quality">
      <Panel
        className="quality-contract"
        title={contract.data
          ? (
            <>
              Contract {contract.data.contract}
              <span className="faint small">
                by {contract.data.author}, <Time at={contract.data.created} />
              </span>
            </>
          )
          : "Contract"}
        tools={
          <>
            <Button
              kind="quiet"
              busy={draft.running}
              onClick={() => void draft.run()}
              title="Drafts rules from this version's profile; read them before they hold"
            >
              Suggest
            </Button>
            {contract.data && <Button kind="quiet" onClick={() => setEnds(true)}>End</Button>}
          </>
        }
      >
        {yaml === "" && text === null
          ? (
            <Empty
              compact
              icon="check"
              title="No contract yet"
              action={
                <Button kind="primary" busy={draft.running} onClick={() => void draft.run()}>
                  Suggest one from this version
                </Button>
              }
            >
              A contract says what rows must be like: types, ranges, keys, freshness, SQL. Each commit is checked before
              it is made.
            </Empty>
          )
          : (
            <div className="stack">
              <Editor
                language="yaml"
                label="Contract"
                rows={14}
                value={yaml}
                onChange={setText}
                complete={complete}
                onRun={() => void check.run(isDraft ? yaml : null)}
                invalid={set.error !== undefined}
              />
              {errorLine && (
                <p className="small muted">
                  Line {errorLine}: <code>{yaml.split("\n")[errorLine - 1]?.trim()}</code>
                </p>
              )}
              {(set.error ?? check.error ?? draft.error) && (
                <Notice tone="bad">{(set.error ?? check.error ?? draft.error)?.message}</Notice>
              )}
              <div className="row row-end">
                {isDraft && (
                  <Button
                    kind="quiet"
                    onClick={() => {
                      setText(null);
                      set.reset();
                    }}
                  >
                    Discard the draft
                  </Button>
                )}
                <Button icon="play" busy={check.running} onClick={() => void check.run(isDraft ? yaml : null)}>
                  {isDraft ? "Try on version " : "Check version "}
                  {version.version}
                </Button>
                <Button
                  kind="primary"
                  icon="check"
                  busy={set.running}
                  disabled={!isDraft || yaml.trim() === ""}
                  onClick={() => void set.run()}
                >
                  Set as contract
                </Button>
              </div>
            </div>
          )}
      </Panel>
      <Panel
        className="quality-report"
        title={report ? `${report.what}: version ${version.version}` : `Report of version ${version.version}`}
        tools={report && kept.data && (
          <Button small kind="quiet" onClick={() => setReport(null)}>The kept report</Button>
        )}
      >
        {report
          ? <Report report={report.report} onLine={setLine} />
          : wasChecked(contracts, name, version.created)
          ? <Loaded query={kept} compact>{(found) => <Report report={found} onLine={setLine} />}</Loaded>
          : (
            <Empty compact icon="info" title="Not checked">
              {isThere
                ? `Version ${version.version} was made before the contract. Check it now on the left.`
                : "There was no contract when this version was made."}
            </Empty>
          )}
      </Panel>
      <Confirm
        open={ends}
        onClose={() => setEnds(false)}
        title="End the contract?"
        action="End the contract"
        error={end.error}
        onConfirm={() => end.run()}
      >
        <p>Commits to {name} are not checked any more. Reports and earlier contracts stay readable.</p>
      </Confirm>
    </div>
  );
}
