import { useState } from "react";
import { Button } from "../../kit/Button.tsx";
import { Dialog } from "../../kit/Dialog.tsx";
import { Field, Input, Select, TextArea } from "../../kit/Field.tsx";
import { Notice } from "../../kit/States.tsx";
import type { ApiError } from "../../api/errors.ts";
import { useQuery } from "../../api/hooks.ts";
import type { Source } from "./api.ts";
import { periodSeconds, periodText } from "./period.ts";

const kinds = [
  { value: "file", label: "Files on the server" },
  { value: "http", label: "A URL" },
  { value: "s3", label: "S3" },
  { value: "postgres", label: "PostgreSQL" },
  { value: "sqlite", label: "SQLite" },
] as const;
const places: Record<Source["kind"], string> = {
  file: "/data/tills/*.parquet",
  http: "https://example.org/sales.csv",
  s3: "s3://bucket/prefix?region=eu-west-1",
  postgres: "postgresql://reader@db/shop",
  sqlite: "/data/shop.db",
};

/** The settings of a source; of a new one also where it is. */
export function SourceForm(
  { project, source, busy, error, onClose, onSave }: {
    project: string;
    source?: Source;
    busy: boolean;
    error: ApiError | undefined;
    onClose: () => void;
    onSave: (body: Record<string, unknown>) => void;
  },
) {
  const [name, setName] = useState("");
  const [kind, setKind] = useState<Source["kind"]>(source?.kind ?? "file");
  const [location, setLocation] = useState("");
  const [query, setQuery] = useState("");
  const settings = source?.settings;
  const [dataset, setDataset] = useState(settings?.dataset ?? "");
  const [mode, setMode] = useState(settings?.mode ?? "replace");
  const [schedule, setSchedule] = useState(settings?.schedule ?? "");
  const [period, setPeriod] = useState(settings?.periodSeconds ? periodText(settings.periodSeconds) : "");
  const [onChange, setOnChange] = useState(settings?.onChange ?? "fail");
  const [badRows, setBadRows] = useState<string>(settings?.badRows ?? "stop");
  const [secret, setSecret] = useState(settings?.secret ?? "");
  const [watermark, setWatermark] = useState(settings?.watermark ?? "");
  const secrets = useQuery("/api/v1/secrets", { query: { project } }).data?.items ?? [];
  const isDatabase = kind === "postgres" || kind === "sqlite";
  const seconds = period.trim() === "" ? null : periodSeconds(period);
  const save = () => {
    const body: Record<string, unknown> = {
      dataset: dataset.trim() || null,
      mode,
      schedule: schedule.trim() || null,
      periodSeconds: seconds,
      onChange,
      badRows,
      secret: secret || null,
      ...(isDatabase ? { watermark: watermark.trim() || null } : {}),
    };
    const given = source ? body : Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
    onSave(
      source
        ? given
        : { name: name.trim(), project, kind, location: location.trim(), ...(isDatabase ? { query } : {}), ...given },
    );
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={source ? `Change ${source.name}` : "New source"}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            kind="primary"
            busy={busy}
            disabled={seconds === undefined || !source && (name.trim() === "" || location.trim() === "")}
            onClick={save}
          >
            {source ? "Save" : "Register"}
          </Button>
        </>
      }
    >
      <div className="stack">
        {!source && (
          <>
            <div className="grid-2">
              <Field label="Name" required>
                <Input value={name} onChange={setName} autoFocus />
              </Field>
              <Field label="Kind">
                <Select value={kind} onChange={setKind} options={kinds} />
              </Field>
            </div>
            <Field
              label="Location"
              required
              help={kind === "file" ? "A path or glob on the server, below its source root." : undefined}
              error={error?.field === "location" ? error.message : null}
            >
              <Input mono value={location} onChange={setLocation} placeholder={places[kind]} />
            </Field>
            {isDatabase && (
              <Field label="Query" required>
                <TextArea mono value={query} onChange={setQuery} placeholder="SELECT * FROM sales" />
              </Field>
            )}
          </>
        )}
        <div className="grid-2">
          <Field label="Into dataset" help="Without one, each import says it.">
            <Input value={dataset} onChange={setDataset} />
          </Field>
          <Field label="Each read">
            <Select
              value={mode}
              onChange={setMode}
              options={[{ value: "replace", label: "takes the place of the last" }, {
                value: "append",
                label: "goes below what is there",
              }]}
            />
          </Field>
          <Field label="Schedule" help="Five fields of cron, UTC: 30 3 * * *">
            <Input mono value={schedule} onChange={setSchedule} />
          </Field>
          <Field
            label="Something new every"
            help="Late when nothing came: 6h, 1d, 2w"
            error={seconds === undefined ? "Not a time: write 30m, 6h, 1d or 2w." : null}
          >
            <Input value={period} onChange={setPeriod} />
          </Field>
          <Field label="When columns differ">
            <Select
              value={onChange}
              onChange={setOnChange}
              options={[
                { value: "fail", label: "stop and say which" },
                { value: "evolve", label: "take new ones on" },
                { value: "ignore", label: "drop new ones" },
              ]}
            />
          </Field>
          <Field label="Rows that cannot be read">
            <Select
              value={badRows}
              onChange={setBadRows}
              options={[{ value: "stop", label: "stop and say where" }, {
                value: "skip",
                label: "leave out, keep apart",
              }, { value: "keep", label: "keep with NULL" }]}
            />
          </Field>
          {kind !== "file" && (
            <Field label="Secret" help="Set with slipway secret set NAME.">
              <Select
                value={secret}
                onChange={setSecret}
                options={[
                  { value: "", label: "none" },
                  ...secrets.map((each) => ({ value: each.name, label: each.name })),
                ]}
              />
            </Field>
          )}
          {isDatabase && (
            <Field label="Watermark" help="A column that only grows; what is beyond its last value is read.">
              <Input value={watermark} onChange={setWatermark} />
            </Field>
          )}
        </div>
        {error && error.field !== "location" && <Notice tone="bad">{error.message}</Notice>}
      </div>
    </Dialog>
  );
}
