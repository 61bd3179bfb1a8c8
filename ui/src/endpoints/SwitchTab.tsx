import { useMemo, useState } from "react";
import { get, post, put } from "../api/client.ts";
import { invalidate, useFetch, useMutation, useQuery } from "../api/hooks.ts";
import { useMay } from "../app/project.ts";
import { Badge, StateBadge } from "../kit/Badge.tsx";
import { Button } from "../kit/Button.tsx";
import { Dialog } from "../kit/Dialog.tsx";
import { Field, Input, Select, TextArea } from "../kit/Field.tsx";
import { formatNumber } from "../kit/format.ts";
import { arraySource, type Column, DataGrid } from "../kit/grid/index.ts";
import { Empty, Failed, Notice, Skeleton } from "../kit/States.tsx";
import { Segmented } from "../kit/Tabs.tsx";
import { toast } from "../kit/Toast.tsx";
import { RefLink, Time } from "../kit/Values.tsx";
import { type Endpoint, reading, type ServedModel, type ServedVersion } from "./api.ts";

/** The versions that an endpoint can answer with: how they measured, who approved them, and the way to switch. */
export function SwitchTab({ endpoint }: { endpoint: Endpoint }) {
  const [name = "", selector] = endpoint.model.replace(/^model:/, "").split("@");
  const live = { live: ["model."] };
  const model = reading<ServedModel>(useQuery("/api/v1/models/{name}", { path: { name } }, live));
  const versionsQuery = useFetch(`versions of ${name}`, (signal) => readVersions(name, signal), live);
  const versions = useMemo(() => versionsQuery.data ?? [], [versionsQuery.data]);
  const [target, setTarget] = useState<ServedVersion | null>(null);
  const maySwitch = useMay("endpoints.write", endpoint.project);
  const serving = Number(endpoint.serving?.split("@")[1] ?? NaN);
  const metrics = useMemo(() => metricNames(versions), [versions]);
  // Measured on the newest data that most versions know, so that figures of one column can be compared.
  const on = useMemo(() => commonData(versions), [versions]);
  const columns = useMemo((): Column<ServedVersion>[] => [
    {
      id: "version",
      header: "Version",
      width: 250,
      pinned: true,
      value: (row) => row.version,
      cell: (row) => (
        <span className="row">
          <RefLink value={row.ref} />
          {row.version === serving && <Badge tone="good" icon="check">answers now</Badge>}
        </span>
      ),
    },
    {
      id: "approval",
      header: "Approval",
      width: 120,
      value: (row) => row.approval,
      cell: (row) => <StateBadge state={row.approval} title={approvalText(row)} />,
    },
    {
      id: "aliases",
      header: "Aliases",
      width: 120,
      value: (row) => row.aliases.join(", "),
      cell: (row) => row.aliases.map((alias) => <Badge key={alias} tone="accent">{alias}</Badge>),
    },
    ...metrics.map((metric): Column<ServedVersion> => ({
      id: metric,
      header: metric,
      align: "end",
      width: Math.max(110, 30 + metric.length * 8),
      value: (row) => measured(row, on, metric),
      cell: (row) => {
        const value = measured(row, on, metric);
        return value === undefined
          ? <span className="faint">–</span>
          : <span className="tabular">{formatNumber(value, 5)}</span>;
      },
    })),
    { id: "created", header: "Made", width: 110, cell: (row) => <Time at={row.created} /> },
    { id: "owner", header: "By", width: 150, value: (row) => row.owner },
    {
      id: "switch",
      header: "",
      name: "Switch",
      width: 116,
      pinned: true,
      cell: (row) =>
        maySwitch && row.version !== serving &&
        (
          <Button small icon="swap" onClick={() => setTarget(row)}>
            {row.version < serving ? "Roll back…" : "Switch…"}
          </Button>
        ),
    },
  ], [metrics, on, serving, maySwitch]);
  if (model.error) return <Failed error={model.error} />;
  if (versionsQuery.error) return <Failed error={versionsQuery.error} />;
  if (!model.data || !versionsQuery.data) return <Skeleton height={240} />;
  return (
    <div className="stack">
      <div className="row row-wrap muted small">
        <span>
          The endpoint follows <code>{endpoint.model.replace("model:", "")}</code>
          {selector && !/^\d+$/.test(selector)
            ? `: whoever holds the alias ${selector} answers.`
            : selector
            ? ": it stays at this version."
            : ": the champion answers, else the newest that the policy lets pass."}
        </span>
        {on && (
          <span>
            Figures: measured on <code>{on}</code>.
          </span>
        )}
      </div>
      <DataGrid
        label="Versions"
        columns={columns}
        source={arraySource(versions)}
        rowKey={(row) => row.ref}
        rowHeight={38}
        autoHeight={520}
        empty={<Empty icon="model" title="The model has no version yet">Register one from a run.</Empty>}
      />
      {target && (
        <SwitchDialog
          endpoint={endpoint}
          model={model.data}
          from={versions.find((each) => each.version === serving)}
          to={target}
          on={on}
          metrics={metrics}
          onClose={() => setTarget(null)}
        />
      )}
    </div>
  );
}

/** So many versions are shown: figures and approvals have to be asked for one by one. */
const most = 20;

async function readVersions(name: string, signal: AbortSignal): Promise<ServedVersion[]> {
  const list = await get("/api/v1/models/{name}/versions", {
    path: { name },
    query: { limit: most },
    signal,
  }) as unknown as {
    items: { version: number }[];
  };
  const whole = list.items.map(({ version }) =>
    get("/api/v1/models/{name}/versions/{version}", { path: { name, version }, signal })
  );
  return await Promise.all(whole) as unknown as ServedVersion[];
}

function approvalText(version: ServedVersion): string {
  if (version.approvals.length === 0) return "nobody has decided";
  return version.approvals.map((each) =>
    `${each.decision === "approve" ? "approved" : "rejected"} by ${each.by}${each.comment ? `: ${each.comment}` : ""}`
  ).join("; ");
}

function metricNames(versions: readonly ServedVersion[]): string[] {
  return [...new Set(versions.flatMap((version) => version.evaluations.flatMap((each) => Object.keys(each.metrics))))]
    .sort();
}

const dataOf = (evaluation: ServedVersion["evaluations"][number]) => evaluation.slice ?? evaluation.dataset ?? "";

function commonData(versions: readonly ServedVersion[]): string | null {
  const found = new Map<string, { count: number; last: string }>();
  for (const version of versions) {
    for (const data of new Set(version.evaluations.map(dataOf))) {
      const last = version.evaluations.filter((each) =>
        dataOf(each) === data
      ).map((each) => each.created).sort().pop() ?? "";
      const old = found.get(data);
      found.set(data, { count: (old?.count ?? 0) + 1, last: old && old.last > last ? old.last : last });
    }
  }
  return [...found].sort(([, a], [, b]) => b.count - a.count || (b.last < a.last ? -1 : 1))[0]?.[0] ?? null;
}

function measured(version: ServedVersion | undefined, on: string | null, metric: string): number | undefined {
  return version?.evaluations.filter((each) => dataOf(each) === on).pop()?.metrics[metric];
}

/** Only for what is chosen first; the reader decides. */
const lowIsGood = /loss|error|mae|rmse|mse|bias|waste|perplexity/i;
const highIsGood = /accuracy|precision|recall|f1|auc|r2|score/i;

/** Says what will change, shows approvals and figures side by side, and switches the way that fits. */
function SwitchDialog(
  { endpoint, model, from, to, on, metrics, onClose }: {
    endpoint: Endpoint;
    model: ServedModel;
    from: ServedVersion | undefined;
    to: ServedVersion;
    on: string | null;
    metrics: string[];
    onClose: () => void;
  },
) {
  const selector = endpoint.model.split("@")[1];
  const alias = selector && !/^\d+$/.test(selector) ? selector : selector === undefined ? "champion" : null;
  const isBack = from !== undefined && to.version < from.version;
  const [way, setWay] = useState<"compare" | "move">(isBack || metrics.length === 0 || !alias ? "move" : "compare");
  const [metric, setMetric] = useState(metrics.find((name) => lowIsGood.test(name)) ?? metrics[0] ?? "");
  const [direction, setDirection] = useState<"lower" | "higher">(
    lowIsGood.test(metric) || !highIsGood.test(metric) ? "lower" : "higher",
  );
  const [least, setLeast] = useState("");
  const [comment, setComment] = useState("");
  const mayApprove = useMay("models.approve", endpoint.project);
  const path = { name: model.name };
  const isProtected = alias !== null && model.policy.protectedAliases.includes(alias);
  const needed = isProtected ? model.policy.approvalsRequired : 0;
  const approvals = to.approvals.filter((each) => each.decision === "approve").length;
  const done = () => {
    invalidate("/api/v1/models", "/api/v1/endpoints", "versions of ");
    toast.done(`${endpoint.name} answers with version ${to.version}.`);
    onClose();
  };
  const go = useMutation(async () => {
    if (!alias) {
      await put("/api/v1/endpoints/{name}", {
        path: { name: endpoint.name },
        json: {
          model: to.ref,
          project: endpoint.project,
          logRate: endpoint.logRate,
          log: endpoint.log,
          isolation: endpoint.isolation,
        },
      });
    } else if (way === "compare") {
      await post("/api/v1/models/{name}/promote", {
        path,
        json: {
          version: to.version,
          alias,
          metric,
          direction,
          ...(on ? { on } : {}),
          ...(least ? { minimumImprovement: least } : {}),
        },
      });
    } else {
      await put("/api/v1/models/{name}/aliases/{alias}", { path: { ...path, alias }, json: { version: to.version } });
    }
  }, { onDone: done });
  const decide = useMutation(
    (decision: "approve" | "reject") =>
      post("/api/v1/models/{name}/versions/{version}/approvals", {
        path: { ...path, version: to.version },
        json: { decision, ...(comment ? { comment } : {}) },
      }),
    { invalidates: ["/api/v1/models", "versions of "], onDone: onClose },
  );
  return (
    <Dialog
      open
      onClose={onClose}
      title={isBack ? `Roll back to version ${to.version}?` : `Switch to version ${to.version}?`}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" icon="swap" busy={go.running} onClick={() => void go.run()}>
            {alias && way === "compare" ? "Promote if it is better" : isBack ? "Roll back" : "Switch"}
          </Button>
        </>
      }
    >
      <div className="stack">
        <p>
          <b>{endpoint.name}</b> will answer with version {to.version} instead of{" "}
          {from ? `version ${from.version}` : "what it has now"}. {alias && (
            <>
              The alias <code>{alias}</code> moves, and every endpoint that follows it switches too.
            </>
          )} Version {to.version} is loaded first; requests under way end with the old one, and none fails.
        </p>
        <section aria-label="Approval" className="approval">
          <div className="row">
            <b className="grow">Approval</b>
            <StateBadge state={to.approval} />
          </div>
          {to.approvals.length === 0 && <p className="muted">Nobody has decided about version {to.version}.</p>}
          {to.approvals.map((each, index) => (
            <p key={index} className="small">
              {each.decision === "approve" ? "Approved" : "Rejected"} by {each.by}, <Time at={each.time} />
              {each.comment && <span className="muted">: {each.comment}</span>}
            </p>
          ))}
          {isProtected && (
            <p className={approvals >= needed ? "small tone-good" : "small tone-warn"}>
              <code>{alias}</code> is protected: {approvals} of {needed} needed{" "}
              {needed === 1 ? "approval" : "approvals"}.
            </p>
          )}
          {mayApprove && to.approval !== "approved" && (
            <div className="stack">
              <TextArea
                rows={2}
                value={comment}
                onChange={setComment}
                placeholder="Why (for those who ask later)"
                aria-label="Comment on the decision"
              />
              <div className="row">
                <Button small icon="check" busy={decide.running} onClick={() => void decide.run("approve")}>
                  Approve version {to.version}
                </Button>
                <Button small kind="quiet" onClick={() => void decide.run("reject")}>Reject</Button>
              </div>
            </div>
          )}
          {decide.error && <Notice tone="bad">{decide.error.message}</Notice>}
        </section>
        {metrics.length > 0 && (
          <table className="plain-table">
            <thead>
              <tr>
                <th>on {on}</th>
                <th className="num">{from ? `now: ${from.version}` : "now"}</th>
                <th className="num">then: {to.version}</th>
              </tr>
            </thead>
            <tbody>
              {metrics.map((name) => (
                <tr key={name}>
                  <td>{name}</td>
                  {[from, to].map((version, index) => {
                    const value = measured(version, on, name);
                    return (
                      <td key={index} className="num mono">{value === undefined ? "–" : formatNumber(value, 5)}</td>
                    );
                  })}
                </tr>
              ))}
            </tbody>
          </table>
        )}
        {alias && metrics.length > 0 && (
          <>
            <div className="row">
              <Segmented
                label="How"
                value={way}
                onChange={setWay}
                options={[
                  {
                    id: "compare",
                    label: "Only if it is better",
                    title: "The server compares both on the same data and refuses with reasons",
                  },
                  { id: "move", label: "In any case", title: "Moves the alias; the policy still has to let it pass" },
                ]}
              />
            </div>
            {way === "compare" && (
              <div className="grid-3">
                <Field label="Metric">
                  <Select
                    value={metric}
                    onChange={setMetric}
                    options={metrics.map((value) => ({ value, label: value }))}
                  />
                </Field>
                <Field label="Better is">
                  <Select
                    value={direction}
                    onChange={setDirection}
                    options={[{ value: "lower", label: "lower" }, { value: "higher", label: "higher" }]}
                  />
                </Field>
                <Field label="By at least">
                  <Input value={least} onChange={setLeast} placeholder="0, or 1%" />
                </Field>
              </div>
            )}
          </>
        )}
        {go.error && <Notice tone="bad">{go.error.message}</Notice>}
      </div>
    </Dialog>
  );
}
