import { useState } from "react";
import { post, put } from "../../api/client.ts";
import { useMutation, useQuery } from "../../api/hooks.ts";
import { Badge } from "../../kit/Badge.tsx";
import { Button } from "../../kit/Button.tsx";
import { Input, Select } from "../../kit/Field.tsx";
import { Panel } from "../../kit/Page.tsx";
import { Notice } from "../../kit/States.tsx";
import { toast } from "../../kit/Toast.tsx";
import type { ColumnMark } from "../api.ts";
import type { PartProps } from "../DatasetPage.tsx";
import { shortType } from "../grid/cells.ts";

const levels = ["none", "indirect", "direct", "sensitive"] as const;

/** What columns mean, their units, and which hold personal data. */
export function Columns({ dataset, version }: PartProps) {
  const path = { name: dataset.name };
  const marks = useQuery("/api/v1/datasets/{name}/columns", { path }, { live: ["dataset.column"] });
  const byName = new Map((marks.data?.items ?? []).map((each) => [each.column, each]));
  const isRestricted = marks.data?.policy === "restricted";
  const suggest = useMutation(() =>
    post("/api/v1/datasets/{name}/columns/suggest", { path, query: { version: version.version } }) as Promise<
      { items: { column: string; kind?: string; reason?: string }[] }
    >
  );
  const [found, setFound] = useState<{ column: string; kind?: string; reason?: string }[] | null>(null);
  const policy = useMutation(
    (pii: "open" | "restricted") => put("/api/v1/datasets/{name}/policy", { path, json: { pii } }),
    {
      onDone: () => {
        marks.refresh();
        toast.done("The policy is set.");
      },
    },
  );
  return (
    <Panel
      title="Columns"
      flush
      tools={
        <>
          <Button
            small
            kind="quiet"
            icon="search"
            busy={suggest.running}
            onClick={() => void suggest.run().then((answer) => answer && setFound(answer.items))}
          >
            Look for personal data
          </Button>
          <Button
            small
            icon="lock"
            busy={policy.running}
            aria-pressed={isRestricted}
            onClick={() => void policy.run(isRestricted ? "open" : "restricted")}
            title="Restricted: rows with direct or sensitive columns are for owners only"
          >
            {isRestricted ? "Restricted" : "Open"}
          </Button>
        </>
      }
    >
      {(suggest.error ?? policy.error) && <Notice tone="bad">{(suggest.error ?? policy.error)?.message}</Notice>}
      {found && (
        <Notice tone={found.length > 0 ? "warn" : "good"}>
          {found.length > 0
            ? `Look at ${found.map((each) => `${each.column}${each.kind ? ` (${each.kind})` : ""}`).join(", ")}.`
            : "No unmarked column looks like personal data."}
        </Notice>
      )}
      <div className="settings-columns">
        {version.columns.map((column) => (
          <ColumnRow
            key={column.name}
            dataset={dataset.name}
            name={column.name}
            type={column.type}
            mark={byName.get(column.name)}
            onDone={marks.refresh}
          />
        ))}
      </div>
    </Panel>
  );
}

function ColumnRow(
  { dataset, name, type, mark, onDone }: {
    dataset: string;
    name: string;
    type: string;
    mark: ColumnMark | undefined;
    onDone: () => void;
  },
) {
  const [description, setDescription] = useState<string | null>(null);
  const [unit, setUnit] = useState<string | null>(null);
  const set = useMutation(
    (change: { pii?: string; description?: string; unit?: string }) =>
      put("/api/v1/datasets/{name}/columns/{column}", { path: { name: dataset, column: name }, json: change }),
    { onDone },
  );
  const leave = (key: "description" | "unit", value: string | null) => {
    if (value !== null && value !== (mark?.[key] ?? "")) void set.run({ [key]: value });
  };
  return (
    <div className="settings-column">
      <span className="ellipsis">
        <b>{name}</b> <code className="faint">{shortType(type)}</code>
      </span>
      <Input
        aria-label={`Meaning of ${name}`}
        placeholder="meaning"
        value={description ?? mark?.description ?? ""}
        onChange={setDescription}
        onBlur={() => leave("description", description)}
      />
      <Input
        aria-label={`Unit of ${name}`}
        placeholder="unit"
        value={unit ?? mark?.unit ?? ""}
        onChange={setUnit}
        onBlur={() => leave("unit", unit)}
      />
      <Select
        aria-label={`Personal data in ${name}`}
        value={mark?.pii ?? "none"}
        onChange={(pii) => void set.run({ pii })}
        options={levels.map((value) => ({ value, label: value === "none" ? "not personal" : value }))}
      />
      <span className="small">
        {set.error
          ? <span className="tone-bad" title={set.error.message}>not set</span>
          : mark?.basis && mark.basis !== "person"
          ? <Badge title={mark.from ?? ""}>by {mark.basis}</Badge>
          : null}
      </span>
    </div>
  );
}
