import { useState } from "react";
import { post } from "../../api/client.ts";
import { useMutation, useQuery } from "../../api/hooks.ts";
import { useProject } from "../../app/project.ts";
import { Badge } from "../../kit/Badge.tsx";
import { Button, ButtonLink } from "../../kit/Button.tsx";
import { Field, Input, Select } from "../../kit/Field.tsx";
import { plural } from "../../kit/format.ts";
import { Panel } from "../../kit/Page.tsx";
import { Empty, Notice } from "../../kit/States.tsx";
import { cellText } from "../grid/cells.ts";
import { comparePath } from "../paths.ts";
import type { Column } from "../api.ts";
import type { Leakage, LeakageCheck as Check, Slice } from "./api.ts";

const names: Record<string, string> = {
  "shared-keys": "Keys in both",
  "same-rows": "Rows that are equal but for the key",
  "near-rows": "Near-duplicates",
  "near-text": "Texts that are nearly the same",
  "time-order": "Rows to train on that are not before those to test on",
};

/** Whether this slice shares with another what it should not. */
export function LeakageCheck({ slice, columns }: { slice: Slice; columns: readonly Column[] }) {
  const project = useProject() ?? "";
  const others = (useQuery("/api/v1/slices", { query: { dataset: slice.dataset } }).data?.items ?? []).filter((each) =>
    each.name !== slice.name
  );
  const [other, setOther] = useState("");
  const [key, setKey] = useState("");
  const [time, setTime] = useState("");
  const [text, setText] = useState("");
  const chosen = other || others[0]?.name || "";
  const check = useMutation(() =>
    post("/api/v1/slices/leakage", {
      json: {
        left: `slice:${slice.name}`,
        right: `slice:${chosen}`,
        ...(key.trim() ? { key: key.split(",").map((each) => each.trim()) } : {}),
        ...(time ? { time } : {}),
        ...(text ? { text } : {}),
      },
    })
  );
  const [found, setFound] = useState<Leakage | null>(null);
  const column = (
    test: (type: string) => boolean,
  ) => [
    { value: "", label: "none" },
    ...columns.filter((each) => test(each.type)).map((each) => ({ value: each.name, label: each.name })),
  ];
  if (others.length === 0) {
    return (
      <Empty icon="filter" title="Nothing to compare with">
        There is no other slice of {slice.dataset}. A split makes slices that should not share rows.
      </Empty>
    );
  }
  return (
    <div className="part-scroll">
      <Panel title="What may not be shared">
        <div className="stack">
          <div className="merge-form">
            <Field label={`${slice.name} is to train on; to test on`}>
              <Select
                value={chosen}
                onChange={setOther}
                options={others.map((each) => ({ value: each.name, label: each.name }))}
              />
            </Field>
            <Field label="Key" help="With commas; the dataset's by default.">
              <Input value={key} onChange={setKey} placeholder="the dataset's" />
            </Field>
            <Field label="Time">
              <Select value={time} onChange={setTime} options={column((type) => /^(DATE|TIMESTAMP)/.test(type))} />
            </Field>
            <Field label="Text">
              <Select value={text} onChange={setText} options={column((type) => type === "VARCHAR")} />
            </Field>
          </div>
          {check.error && <Notice tone="bad">{check.error.message}</Notice>}
          <div className="row row-end">
            <ButtonLink icon="swap" to={comparePath(project, `slice:${slice.name}`, `slice:${chosen}`)}>
              Compare distributions
            </ButtonLink>
            <Button
              kind="primary"
              icon="search"
              busy={check.running}
              onClick={() => void check.run().then((answer) => answer && setFound(answer))}
            >
              Look for leaks
            </Button>
          </div>
        </div>
      </Panel>
      {found && (
        <Panel
          title={
            <>
              {found.verdict === "leak"
                ? "They leak"
                : found.verdict === "suspect"
                ? "Something to look at"
                : "Nothing leaks"}{" "}
              <Badge tone={found.verdict === "leak" ? "bad" : found.verdict === "suspect" ? "warn" : "good"}>
                {found.verdict}
              </Badge>
            </>
          }
          flush
        >
          <ul className="report-rules leak-list">
            {found.checks.map((each) => <Finding key={each.check} check={each} />)}
          </ul>
        </Panel>
      )}
    </div>
  );
}

function Finding({ check }: { check: Check }) {
  const examples = Array.isArray(check.examples) ? check.examples : [];
  return (
    <li
      className={`report-rule${
        check.verdict === "leak" ? " report-block" : check.verdict === "suspect" ? " report-warn" : ""
      }`}
    >
      <div className="grow">
        <div className="row row-wrap">
          <b>{names[check.check] ?? check.check}</b>
          <span>{plural(check.rows, "row")}</span>
          <span className="faint small">{check.columns.join(", ")}</span>
        </div>
        {check.rows > 0 && examples.length > 0 && (
          <ul className="small mono">
            {examples.slice(0, 5).map((each, index) => (
              <li key={index} className="ellipsis">{cellText(each, "JSON")}</li>
            ))}
          </ul>
        )}
      </div>
      <Badge tone={check.verdict === "leak" ? "bad" : check.verdict === "suspect" ? "warn" : "good"}>
        {check.verdict}
      </Badge>
    </li>
  );
}
