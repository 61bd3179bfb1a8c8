import { useEffect, useMemo, useRef, useState } from "react";
import { hrefOfWrite } from "./urls.ts";
import { type ApiError, asApiError, isAbort } from "../../api/errors.ts";
import { invalidate, useQuery } from "../../api/hooks.ts";
import { navigate } from "../../app/router.tsx";
import { Button, IconButton } from "../../kit/Button.tsx";
import { Dialog } from "../../kit/Dialog.tsx";
import { Field, Input, Select } from "../../kit/Field.tsx";
import { formatBytes, plural } from "../../kit/format.ts";
import { Icon } from "../../kit/Icon.tsx";
import { Notice } from "../../kit/States.tsx";
import { toast } from "../../kit/Toast.tsx";
import { Progress } from "../../kit/Values.tsx";
import type { MadeVersion } from "../api.ts";
import { datasetPath } from "../paths.ts";
import { Report } from "../quality/Report.tsx";
import type { QualityReport } from "../quality/api.ts";
import { nameFor, planAll, planOf, tarOf } from "./plan.ts";
import { type Sent, upload } from "./send.ts";

interface Props {
  project: string;
  files: readonly File[];
  /** The dataset that gets the rows or files; absent: one is named here. */
  dataset?: string;
  branch?: string;
  onClose: () => void;
}

interface Work {
  file: string;
  sent: Sent | null;
  number: number;
}

/** Adds files to a dataset: rows, archives, or files as they are. Shows how far it is and can be cancelled. */
export function AddData({ project, files: given, dataset, branch = "main", onClose }: Props) {
  const [files, setFiles] = useState<readonly File[]>(given);
  const [name, setName] = useState(dataset ?? "");
  const [message, setMessage] = useState("");
  const [onChange, setOnChange] = useState<"fail" | "evolve" | "ignore">("fail");
  const [badRows, setBadRows] = useState<"stop" | "skip" | "keep">("stop");
  const [work, setWork] = useState<Work | null>(null);
  const [error, setError] = useState<ApiError | undefined>(undefined);
  const [report, setReport] = useState<QualityReport | null>(null);
  const picker = useRef<HTMLInputElement>(null);
  const running = useRef<AbortController | null>(null);
  useEffect(() => setFiles(given), [given]);
  useEffect(() => () => running.current?.abort(), []);
  useEffect(() => {
    if (!dataset && name === "" && files[0]) setName(nameFor(files[0].webkitRelativePath || files[0].name));
  }, [files]);
  const kind = useMemo(() => planAll(files.map((file) => file.name)), [files]);
  const existing = useQuery("/api/v1/datasets", { query: { project, limit: 200 } }).data?.items.find((each) =>
    each.name === name.trim()
  );
  const size = files.reduce((sum, file) => sum + file.size, 0);

  const begin = async (job: (signal: AbortSignal) => Promise<void>) => {
    const controller = new AbortController();
    running.current = controller;
    setError(undefined);
    setReport(null);
    try {
      await job(controller.signal);
    } catch (failure) {
      if (isAbort(failure)) toast.info("Cancelled. Nothing of the file that was under way was kept.");
      else setError(asApiError(failure));
    } finally {
      running.current = null;
      setWork(null);
    }
  };
  const body = async (file: File): Promise<Blob> => {
    const plan = planOf(file.name);
    return plan.kind === "rows" && plan.gzip
      ? await new Response(file.stream().pipeThrough(new DecompressionStream("gzip"))).blob()
      : file;
  };
  const send = () =>
    begin(async (signal) => {
      const common = { project, branch, message };
      const progress = (file: string, number: number) => (sent: Sent | null) => setWork({ file, sent, number });
      let made: MadeVersion | null = null;
      if (kind === "rows") {
        for (const [index, file] of files.entries()) {
          progress(file.name, index)(null);
          const plan = planOf(file.name);
          // The same file again changes nothing, so that a broken upload can be sent again.
          const key = `upload ${file.name} ${file.size} ${file.lastModified}`;
          const url = hrefOfWrite("append", name.trim(), { ...common, key, onChange, badRows, origin: file.name });
          made = await upload(
            url,
            await body(file),
            plan.kind === "rows" ? plan.type : "text/csv",
            progress(file.name, index),
            signal,
          );
        }
      } else {
        const [first] = files;
        const plan = first && planOf(first.name);
        const archive = kind === "archive" && plan?.kind === "archive" ? plan.format : "tar";
        const blob = kind === "archive" && first
          ? first
          : tarOf(files.map((file) => ({ path: file.webkitRelativePath || file.name, file })));
        const label = kind === "archive" && first ? first.name : plural(files.length, "file");
        progress(label, 0)(null);
        made = await upload(
          hrefOfWrite("archive", name.trim(), { ...common, format: archive, origin: label }),
          blob,
          "application/octet-stream",
          progress(label, 0),
          signal,
        );
      }
      if (!made) return;
      invalidate("/api/v1/datasets");
      toast.done(
        made.unchanged
          ? `${made.ref} has this already; nothing was added.`
          : `Made ${made.ref}: ${made.kind === "files" ? plural(made.files, "file") : plural(made.rows, "row")}.`,
      );
      onClose();
      navigate(datasetPath(project, made.dataset, branch === "main" ? {} : { v: made.version }));
    });
  const check = () =>
    begin(async (signal) => {
      const file = files[0];
      const plan = file && planOf(file.name);
      if (!file || plan?.kind !== "rows") return;
      setWork({ file: file.name, sent: null, number: 0 });
      setReport(
        await upload<QualityReport>(
          hrefOfWrite("contract/check", name.trim(), { branch }),
          await body(file),
          plan.type,
          (sent) => setWork({ file: file.name, sent, number: 0 }),
          signal,
        ),
      );
    });
  const isSent = work?.sent ? work.sent.bytes >= work.sent.of : false;
  return (
    <Dialog
      open
      onClose={() => work ? undefined : onClose()}
      title={dataset ? `Add to ${dataset}` : "Add data"}
      actions={
        <>
          {work
            ? <Button icon="stop" onClick={() => running.current?.abort()}>Cancel</Button>
            : <Button onClick={onClose}>Close</Button>}
          {existing && kind === "rows" && files.length === 1 && (
            <Button
              disabled={work !== null}
              onClick={() => void check()}
              title="Asks the contract what it says to these rows; nothing is kept"
            >
              Check first
            </Button>
          )}
          <Button
            kind="primary"
            icon="upload"
            busy={work !== null}
            disabled={files.length === 0 || name.trim() === ""}
            onClick={() => void send()}
          >
            {existing ? (kind === "rows" ? "Append" : "Add") : "Create dataset"}
          </Button>
        </>
      }
    >
      <div className="stack">
        <div
          className="drop-zone"
          onDragOver={(event) => event.preventDefault()}
          onDrop={(event) => {
            event.preventDefault();
            event.stopPropagation();
            if (!work) setFiles([...event.dataTransfer.files]);
          }}
        >
          <Icon name="upload" size={22} />
          <span className="grow">
            {files.length === 0
              ? "Drop CSV, Parquet or JSON lines for rows; an archive (zip, tar) or images and other files for a dataset of files."
              : (
                <>
                  <b>{files.length === 1 ? files[0]?.name : plural(files.length, "file")}</b>{" "}
                  <span className="faint">
                    {formatBytes(size)} ·{" "}
                    {kind === "rows" ? "rows of a table" : kind === "archive" ? "an archive of files" : "files"}
                  </span>
                </>
              )}
          </span>
          {files.length > 0 && !work && (
            <IconButton
              icon="close"
              label="Take the files away"
              onClick={() => setFiles([])}
            />
          )}
          <Button disabled={work !== null} onClick={() => picker.current?.click()}>Choose…</Button>
          <input
            ref={picker}
            type="file"
            multiple
            hidden
            aria-label="Files"
            onChange={(event) => setFiles([...event.target.files ?? []])}
          />
        </div>
        {!dataset && (
          <Field
            label="Dataset"
            required
            help={existing
              ? `There is one: version ${existing.latest ?? 0} gets ${
                kind === "rows" ? "these rows below its own" : "these files beside its own"
              }.`
              : "A new name, or one that is there."}
          >
            <Input value={name} onChange={setName} disabled={work !== null} />
          </Field>
        )}
        <Field label="Why" help="Kept with the version.">
          <Input value={message} onChange={setMessage} disabled={work !== null} />
        </Field>
        {kind === "rows" && files.length > 0 && (
          <div className="grid-2">
            {existing && (
              <Field label="When columns differ">
                <Select
                  value={onChange}
                  onChange={setOnChange}
                  options={[{ value: "fail", label: "Stop and say which" }, {
                    value: "evolve",
                    label: "Take new columns on",
                  }, { value: "ignore", label: "Drop new columns" }]}
                />
              </Field>
            )}
            <Field label="Rows that cannot be read">
              <Select
                value={badRows}
                onChange={setBadRows}
                options={[{ value: "stop", label: "Stop and say where" }, {
                  value: "skip",
                  label: "Leave out, keep apart",
                }, { value: "keep", label: "Keep with NULL" }]}
              />
            </Field>
          </div>
        )}
        {work && (
          <div className="stack" role="status">
            <span className="small">
              {isSent ? `The server reads ${work.file} …` : `Sending ${work.file}`}
              {files.length > 1 && kind === "rows" ? ` (${work.number + 1} of ${files.length})` : ""}
              {work.sent && !isSent ? `: ${formatBytes(work.sent.bytes)} of ${formatBytes(work.sent.of)}` : ""}
            </span>
            <Progress
              value={work.sent && !isSent ? work.sent.bytes / Math.max(1, work.sent.of) : null}
              label="Upload"
            />
          </div>
        )}
        {error && <Notice tone="bad">{error.message}</Notice>}
        {report && <Report report={report} />}
      </div>
    </Dialog>
  );
}
