import { useState } from "react";
import { usePages, useQuery } from "../../api/hooks.ts";
import { oneOf, text, useUrlState } from "../../app/urlState.ts";
import { Badge } from "../../kit/Badge.tsx";
import { Button } from "../../kit/Button.tsx";
import { Input } from "../../kit/Field.tsx";
import { formatNumber, plural } from "../../kit/format.ts";
import { Panel, Stat } from "../../kit/Page.tsx";
import { Empty, Failed, Loaded, Skeleton } from "../../kit/States.tsx";
import { Segmented } from "../../kit/Tabs.tsx";
import type { Cell } from "../api.ts";
import { Compare } from "../compare/Compare.tsx";
import type { PartProps } from "../DatasetPage.tsx";
import { cellText } from "../grid/cells.ts";
import { VersionPicker } from "../VersionPicker.tsx";
import type { Diff as DiffAnswer, RowChange } from "./api.ts";

/** Two versions side by side: what changed in schema, rows, cells and labels, or how the columns are distributed. */
export default function Diff({ dataset, version }: PartProps) {
  const [from, setFrom] = useUrlState("from", text, version.parent === null ? "" : String(version.parent));
  const [to, setTo] = useUrlState("to", text, String(version.version));
  const [show, setShow] = useUrlState("show", oneOf("changes", "distributions"), "changes");
  const [key, setKey] = useUrlState("key", text, "");
  const [typed, setTyped] = useState(key);
  const path = { name: dataset.name };
  const old = useQuery("/api/v1/datasets/{name}/versions/{version}", { path: { ...path, version: from } }, {
    skip: from === "",
  });
  const now = useQuery("/api/v1/datasets/{name}/versions/{version}", { path: { ...path, version: to } });
  const diff = useQuery("/api/v1/datasets/{name}/diff", { path, query: { from, to, key } }, {
    skip: from === "" || show !== "changes",
    fresh: 600_000,
  });
  return (
    <div className="part-scroll">
      <div className="diff-head">
        <VersionPicker
          dataset={dataset.name}
          version={old.data}
          chosen={from}
          onChoose={(next) => setFrom(next || "main")}
        />
        <Button
          kind="quiet"
          icon="swap"
          aria-label="Swap"
          title="Swap the sides"
          onClick={() => {
            setFrom(to);
            setTo(from);
          }}
        />
        <VersionPicker
          dataset={dataset.name}
          version={now.data}
          chosen={to}
          onChoose={(next) => setTo(next || "main")}
        />
        <Segmented
          label="What is shown"
          value={show}
          onChange={setShow}
          options={[{ id: "changes", label: "Changes" }, { id: "distributions", label: "Distributions" }]}
        />
        {show === "changes" && (
          <label className="row small muted">
            Key
            <Input
              value={typed}
              onChange={setTyped}
              placeholder={dataset.key.join(", ") || "none: as multisets"}
              onKeyDown={(event) => event.key === "Enter" && setKey(typed.replace(/\s*,\s*/g, ",").trim())}
              onBlur={() => setKey(typed.replace(/\s*,\s*/g, ",").trim())}
              aria-label="Key columns"
            />
          </label>
        )}
      </div>
      {from === ""
        ? (
          <Empty icon="swap" title="Nothing to compare with">
            This is the first version. Choose two versions above.
          </Empty>
        )
        : show === "distributions"
        ? <Compare left={`dataset:${dataset.name}@${from}`} right={`dataset:${dataset.name}@${to}`} />
        : (
          <Loaded query={diff} skeleton={<Skeleton rows={6} />}>
            {(answer) =>
              answer.same
                ? (
                  <Empty icon="check" title="The same content" compact>
                    Both versions have the digest of the same files.
                  </Empty>
                )
                : <Changes answer={answer} name={dataset.name} from={from} to={to} keyText={key} />}
          </Loaded>
        )}
    </div>
  );
}

function Changes(
  { answer, name, from, to, keyText }: { answer: DiffAnswer; name: string; from: string; to: string; keyText: string },
) {
  const { rows, schema } = answer;
  const mostCells = Math.max(1, ...answer.cells.map((each) => each.changed));
  const hasSchema = schema.added.length + schema.removed.length + schema.changed.length > 0;
  return (
    <div className="stack">
      <div className="diff-stats">
        <Stat label="Rows" value={rows.to.toLocaleString("en")} detail={`${rows.from.toLocaleString("en")} before`} />
        <Stat label="Added" value={<span className="tone-good">+{rows.added.toLocaleString("en")}</span>} />
        <Stat
          label="Removed"
          value={<span className={rows.removed > 0 ? "tone-bad" : ""}>−{rows.removed.toLocaleString("en")}</span>}
        />
        {rows.changed !== undefined && <Stat label="Changed" value={rows.changed.toLocaleString("en")} />}
        <Stat
          label="Told apart by"
          value={<span className="diff-key">{answer.key.length > 0 ? answer.key.join(", ") : "whole rows"}</span>}
        />
      </div>
      <div className="grid-2">
        {hasSchema && (
          <Panel title="Columns">
            <ul className="stack">
              {schema.added.map((each) => (
                <li key={each}>
                  <Badge tone="good" icon="plus">added</Badge> <code>{each}</code>
                </li>
              ))}
              {schema.removed.map((each) => (
                <li key={each}>
                  <Badge tone="bad" icon="minus">removed</Badge> <code>{each}</code>
                </li>
              ))}
              {schema.changed.map((each) => (
                <li key={each.name}>
                  <Badge tone="warn" icon="edit">type</Badge> <code>{each.name}</code>: {each.from} → {each.to}
                </li>
              ))}
            </ul>
          </Panel>
        )}
        {answer.cells.some((each) => each.changed > 0) && (
          <Panel title="Changed cells by column">
            <ul className="top-values">
              {answer.cells.filter((each) => each.changed > 0).map((each) => (
                <li key={each.column} className="top-value">
                  <span className="top-fill" style={{ width: `${100 * each.changed / mostCells}%` }} />
                  <span className="top-text ellipsis">{each.column}</span>
                  <span className="top-count">{each.changed.toLocaleString("en")}</span>
                </li>
              ))}
            </ul>
          </Panel>
        )}
        {answer.labels.length > 0 && (
          <Panel title="Labels">
            <ul className="stack">
              {answer.labels.map((each) => (
                <li key={each.name}>
                  <code>{each.name}</code>: {plural(each.set, "set", "set")}, {each.changed.toLocaleString("en")}{" "}
                  changed, {each.cleared.toLocaleString("en")} cleared
                </li>
              ))}
            </ul>
          </Panel>
        )}
        {answer.statistics.length > 0 && (
          <Panel title="Figures that moved">
            <div className="diff-figures">
              <table>
                <tbody>
                  {answer.statistics.flatMap((column) =>
                    Object.entries(column.changes).map(([figure, change], index) => (
                      <tr key={column.name + figure}>
                        <th scope="row">{index === 0 ? column.name : ""}</th>
                        <td className="faint">{figureNames[figure] ?? figure}</td>
                        <td className="num">{figureText(change.from)}</td>
                        <td className="faint">→</td>
                        <td className="num">{figureText(change.to)}</td>
                      </tr>
                    ))
                  )}
                </tbody>
              </table>
            </div>
          </Panel>
        )}
      </div>
      <ChangedRows name={name} from={from} to={to} keyText={keyText} hasKey={answer.key.length > 0} />
    </div>
  );
}

const figureNames: Record<string, string> = {
  nullCount: "missing",
  distinctCount: "distinct",
  standardDeviation: "sd",
  notFiniteCount: "NaN, ∞",
};

function figureText(value: unknown): string {
  return typeof value === "number" ? formatNumber(value) : value === null ? "–" : String(value);
}

function ChangedRows(
  { name, from, to, keyText, hasKey }: { name: string; from: string; to: string; keyText: string; hasKey: boolean },
) {
  const [kind, setKind] = useUrlState("kind", oneOf("all", "changed", "added", "removed"), "all");
  const pages = usePages("/api/v1/datasets/{name}/diff", { path: { name }, query: { from, to, key: keyText, kind } }, {
    limit: 100,
    skip: !hasKey,
    fresh: 600_000,
  });
  if (!hasKey) {
    return (
      <Panel title="Rows">
        <p className="muted small">
          Rows can be shown one by one when something tells them apart: name the key columns above, or set the dataset's
          key in Settings.
        </p>
      </Panel>
    );
  }
  return (
    <Panel
      flush
      title="Rows"
      tools={
        <Segmented
          label="Rows"
          value={kind}
          onChange={setKind}
          options={[{ id: "all", label: "All" }, { id: "changed", label: "Changed" }, { id: "added", label: "Added" }, {
            id: "removed",
            label: "Removed",
          }]}
        />
      }
    >
      {pages.error && pages.items.length === 0
        ? <Failed error={pages.error} retry={pages.refresh} compact />
        : pages.loading
        ? (
          <div className="rows-wait">
            <Skeleton rows={6} />
          </div>
        )
        : pages.items.length === 0
        ? <Empty icon="check" title="None" compact />
        : (
          <div className="diff-rows">
            {(pages.items as RowChange[]).map((row, index) => <ChangedRow key={index} row={row} />)}
            {pages.more && <Button busy={pages.fetching} onClick={pages.loadMore}>More rows</Button>}
          </div>
        )}
    </Panel>
  );
}

const signs = { added: "+", removed: "−", changed: "~" } as const;

function ChangedRow({ row }: { row: RowChange }) {
  const key = Object.entries(row.key).map(([column, value]) => `${column} ${show(value)}`).join(", ");
  return (
    <div className={`diff-row diff-${row.kind}`}>
      <span className="diff-sign" title={row.kind}>{signs[row.kind]}</span>
      <span className="diff-name mono ellipsis" title={key}>{key}</span>
      <span className="diff-cells">
        {row.cells.filter((cell) => !(cell.column in row.key)).map((cell) => (
          <span key={cell.column} className="diff-cell">
            <span className="faint">{cell.column}</span> {row.kind !== "added" && <del>{show(cell.from)}</del>}
            {row.kind === "changed" && <span className="faint">→</span>}
            {row.kind !== "removed" && <ins>{show(cell.to)}</ins>}
          </span>
        ))}
      </span>
    </div>
  );
}

function show(value: Cell | undefined): string {
  return cellText(value ?? null, "VARCHAR").slice(0, 120);
}
