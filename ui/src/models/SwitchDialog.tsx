import { useState } from "react";
import { post, put } from "../api/client.ts";
import { useMutation, useQuery } from "../api/hooks.ts";
import { Button } from "../kit/Button.tsx";
import { Dialog } from "../kit/Dialog.tsx";
import { Field, Input, Select } from "../kit/Field.tsx";
import { Notice } from "../kit/States.tsx";
import { Segmented } from "../kit/Tabs.tsx";
import { toast } from "../kit/Toast.tsx";
import { betterOf } from "../experiments/compare/diff.ts";
import type { Model, VersionDetail } from "./api.ts";
import { metricsOf, newestBySubject } from "./evaluations.ts";

/** Gives a version an alias: if it beats who has it now, or by decision alone. Endpoints that name the alias follow. */
export function SwitchDialog(
  { model, version, onClose }: { model: Model; version: VersionDetail; onClose: () => void },
) {
  const measured = newestBySubject(version.evaluations);
  const metrics = metricsOf(measured);
  const [alias, setAlias] = useState("champion");
  const [way, setWay] = useState<"promote" | "set">(metrics.length > 0 ? "promote" : "set");
  const [metric, setMetric] = useState(metrics.find((each) => betterOf(each) !== null) ?? metrics[0] ?? "");
  const [direction, setDirection] = useState<"lower" | "higher">(betterOf(metric) ?? "lower");
  const [minimum, setMinimum] = useState("");
  const holder = model.aliases[alias];
  const isProtected = model.policy.protectedAliases.includes(alias) && model.policy.approvalsRequired > 0;
  const endpoints = useQuery("/api/v1/endpoints", { query: { project: model.project, limit: 200 } }, { fresh: 10_000 });
  const followers =
    ((endpoints.data as unknown as { items: { name: string; model: string }[] } | undefined)?.items ?? [])
      .filter((endpoint) =>
        endpoint.model === `model:${model.name}@${alias}` ||
        (alias === "champion" && endpoint.model === `model:${model.name}`)
      );
  const change = useMutation(async () => {
    if (way === "set") {
      await put("/api/v1/models/{name}/aliases/{alias}", {
        path: { name: model.name, alias },
        json: { version: version.version },
      });
      return null;
    }
    const share = /^\s*\d+(\.\d+)?\s*%\s*$/.test(minimum)
      ? minimum.trim()
      : minimum.trim() === ""
      ? 0
      : Number(minimum);
    return await post("/api/v1/models/{name}/promote", {
      path: { name: model.name },
      json: { version: version.version, alias, metric, direction, minimumImprovement: share },
    });
  }, {
    invalidates: ["/api/v1/models", "/api/v1/endpoints"],
    onDone: () => {
      toast.done(`Version ${version.version} is ${alias} now.`);
      onClose();
    },
  });
  const isWrong = minimum.trim() !== "" && !/^\s*\d+(\.\d+)?\s*%?\s*$/.test(minimum);
  const isSame = holder === version.version;
  return (
    <Dialog
      open
      title={`Put version ${version.version} into use`}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            kind="primary"
            busy={change.running}
            disabled={isSame || isWrong || alias.trim() === "" || (way === "promote" && metric === "")}
            onClick={() => void change.run()}
          >
            {way === "promote" ? `Make it ${alias} if it is better` : `Make it ${alias}`}
          </Button>
        </>
      }
    >
      <div className="stack">
        <Field label="As" help="Names that code and endpoints use: model:NAME@champion.">
          <Input value={alias} onChange={setAlias} list="model-aliases" />
        </Field>
        <datalist id="model-aliases">
          {[...new Set(["champion", ...Object.keys(model.aliases), ...model.policy.protectedAliases, "challenger"])]
            .map((each) => <option key={each} value={each} />)}
        </datalist>
        <div>
          <Segmented
            label="How it is decided"
            value={way}
            onChange={setWay}
            options={[
              { id: "promote", label: "If it is better" },
              { id: "set", label: "By decision" },
            ]}
          />
        </div>
        {way === "promote" && (metrics.length === 0
          ? (
            <Notice tone="warn">
              This version was measured nowhere. Evaluate it first, or decide without numbers.
            </Notice>
          )
          : (
            <div className="grid-3">
              <Field label="Metric">
                <Select
                  value={metric}
                  onChange={(next) => {
                    setMetric(next);
                    setDirection(betterOf(next) ?? direction);
                  }}
                  options={metrics.map((each) => ({ value: each, label: each }))}
                />
              </Field>
              <Field label="Better is">
                <Select
                  value={direction}
                  onChange={setDirection}
                  options={[{ value: "lower", label: "lower" }, { value: "higher", label: "higher" }]}
                />
              </Field>
              <Field label="By at least" error={isWrong ? "A number, or a share as 1%." : null}>
                <Input value={minimum} onChange={setMinimum} placeholder="0 or 1%" />
              </Field>
            </div>
          ))}
        <div className="switch-effect small">
          <strong>What happens</strong>
          <ul>
            <li>
              {isSame
                ? `Version ${version.version} is ${alias} already.`
                : holder === undefined
                ? `Nobody is ${alias} now; version ${version.version} becomes it.`
                : `Version ${holder} stops being ${alias}; version ${version.version} becomes it.`}
            </li>
            {way === "promote" && holder !== undefined && !isSame && (
              <li>Both must have been measured on the same rows; the server compares and says why if it refuses.</li>
            )}
            {isProtected && (
              <li>
                {alias} is protected: {model.policy.approvalsRequired === 1 ? "one approval is" : "two approvals are"}
                {" "}
                needed
                {version.approval === "approved" ? ", and it is approved." : `; it is ${version.approval}.`}
              </li>
            )}
            {followers.length > 0
              ? (
                <li>
                  The endpoint {followers.map((each) => each.name).join(", ")} follows at once, without an interruption.
                </li>
              )
              : <li>No endpoint follows this alias.</li>}
          </ul>
        </div>
        {change.error && (
          <Notice tone={change.error.code === "conflict" ? "warn" : "bad"}>{change.error.message}</Notice>
        )}
      </div>
    </Dialog>
  );
}
