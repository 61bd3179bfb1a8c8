import { useState } from "react";
import { put } from "../api/client.ts";
import { useMutation } from "../api/hooks.ts";
import { useMay } from "../app/project.ts";
import { Button } from "../kit/Button.tsx";
import { Editor } from "../kit/editor/Editor.tsx";
import { formatDuration } from "../kit/format.ts";
import { Panel } from "../kit/Page.tsx";
import { Notice } from "../kit/States.tsx";
import { toast } from "../kit/Toast.tsx";
import { KeyValues, RefLink, Time } from "../kit/Values.tsx";
import type { Monitor } from "./api.ts";
import { measureNames, windowText } from "./distribution.ts";

/** What the monitor compares, and its body as JSON to change: each change makes its next version with a new reference. */
export function SettingsTab({ monitor }: { monitor: Monitor }) {
  const [json, setJson] = useState(() => JSON.stringify(bodyOf(monitor), null, 2));
  const mayWrite = useMay("monitors.write", monitor.project);
  const save = useMutation(
    async () =>
      await put("/api/v1/monitors/{name}", {
        path: { name: monitor.name },
        query: { project: monitor.project },
        body: json,
        contentType: "application/json",
      }),
    {
      invalidates: ["/api/v1/monitors", "/api/v1/alerts"],
      onDone: (answer) =>
        toast.done(
          answer.version === monitor.version
            ? "Nothing changed."
            : `It is version ${answer.version} now, with a reference of its own.`,
        ),
    },
  );
  const problem = jsonProblem(json);
  return (
    <div className="grid-2">
      <Panel title={`Version ${monitor.version}`}>
        <KeyValues
          items={[
            ["Reference", <RefLink key="r" value={monitor.builtFrom.dataset} />],
            ["Of the slice", monitor.builtFrom.slice ? <RefLink key="s" value={monitor.builtFrom.slice} /> : null],
            ["Its rows", monitor.builtFrom.rows.toLocaleString("en")],
            ["Window", windowText(monitor.window)],
            ["Judges from", `${monitor.minimumRows} rows`],
            ...Object.entries(monitor.thresholds).map((
              [name, value],
            ): [string, string] => [
              `Limit: ${measureNames[name as keyof typeof measureNames] ?? name}`,
              String(value),
            ]),
            [
              "Evaluates itself",
              monitor.everySeconds ? `every ${formatDuration(monitor.everySeconds * 1000)}` : "only when asked",
            ],
            [
              "On drift",
              monitor.onDrift
                ? (
                  <span key="d">
                    starts <RefLink value={`pipeline:${monitor.onDrift.pipeline}`} />, at most every{" "}
                    {formatDuration(monitor.onDrift.minimumSeconds * 1000)}
                  </span>
                )
                : "raises the alert only",
            ],
            ["Features", Array.isArray(monitor.features) ? monitor.features.join(", ") : "all that both sides have"],
            [
              "Made",
              <span key="m">
                by {monitor.author}, <Time at={monitor.created} />
              </span>,
            ],
          ]}
        />
      </Panel>
      <Panel
        title="Change"
        tools={mayWrite && (
          <Button
            kind="primary"
            small
            busy={save.running}
            disabled={problem !== null}
            onClick={() => void save.run()}
          >
            Save as a new version
          </Button>
        )}
      >
        <div className="stack">
          <Editor
            label="The monitor as JSON"
            language="json"
            value={json}
            onChange={mayWrite ? setJson : undefined}
            height="420px"
            onSave={() => void save.run()}
            problems={problem ? [problem] : []}
          />
          <p className="faint small">
            The reference is built anew from what {monitor.reference}{" "}
            is now. An alert about the old version is resolved.
          </p>
          {save.error && <Notice tone="bad">{save.error.message}</Notice>}
        </div>
      </Panel>
    </div>
  );
}

/** What PUT takes, out of what GET answers. */
function bodyOf(monitor: Monitor): Record<string, unknown> {
  const {
    endpoint,
    reference,
    description,
    features,
    columns,
    window,
    minimumRows,
    thresholds,
    quality,
    onDrift,
    everySeconds,
  } = monitor;
  const all = {
    description: description || undefined,
    endpoint,
    reference,
    window,
    features,
    columns: Object.keys(columns).length > 0 ? columns : undefined,
    minimumRows,
    thresholds,
    quality: quality ?? undefined,
    onDrift: onDrift ?? undefined,
    everySeconds: everySeconds ?? undefined,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

function jsonProblem(text: string): { line: number; message: string } | null {
  try {
    JSON.parse(text);
    return null;
  } catch (error) {
    const message = error instanceof Error ? error.message : "That is not JSON.";
    const position = Number(/position (\d+)/.exec(message)?.[1] ?? 0);
    return { line: text.slice(0, position).split("\n").length - 1, message };
  }
}
