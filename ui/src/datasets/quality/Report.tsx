import { Badge } from "../../kit/Badge.tsx";
import { plural } from "../../kit/format.ts";
import { Icon } from "../../kit/Icon.tsx";
import { Time } from "../../kit/Values.tsx";
import type { QualityReport, RuleResult } from "./api.ts";
import { OutcomeBadge } from "./QualityBadge.tsx";

/** What a check of a contract found: broken rules first, with the rows that break them. */
export function Report({ report, onLine }: { report: QualityReport; onLine?: (line: number) => void }) {
  const order = (rule: RuleResult) => rule.passed ? 2 : rule.severity === "block" ? 0 : 1;
  const rules = [...report.rules].sort((a, b) => order(a) - order(b) || a.line - b.line);
  return (
    <section className="report" aria-label="Quality report">
      <header className="report-head">
        <OutcomeBadge report={report} />
        <span className="muted small">
          {report.contract === null ? "a draft" : `contract ${report.contract}`}, {report.rows.new === report.rows.all
            ? plural(report.rows.all, "row")
            : `${plural(report.rows.new, "new row")} of ${report.rows.all.toLocaleString("en")}`}, checked{" "}
          <Time at={report.checked} /> in {report.seconds.toFixed(2)} s
        </span>
      </header>
      <ul className="report-rules">
        {rules.map((rule) => <Rule key={`${rule.rule} ${rule.line}`} rule={rule} onLine={onLine} />)}
      </ul>
    </section>
  );
}

function Rule({ rule, onLine }: { rule: RuleResult; onLine: ((line: number) => void) | undefined }) {
  const measured = Object.entries(rule.measured ?? {});
  return (
    <li className={rule.passed ? "report-rule" : `report-rule report-${rule.severity}`}>
      <Icon
        name={rule.passed ? "check" : rule.severity === "block" ? "error" : "warning"}
        className={rule.passed ? "tone-good" : rule.severity === "block" ? "tone-bad" : "tone-warn"}
        label={rule.passed ? "kept" : "broken"}
      />
      <div className="grow">
        <div className="row row-wrap">
          <code>{rule.rule}</code>
          {!rule.passed && (
            <Badge tone={rule.severity === "block" ? "bad" : "warn"}>
              {rule.severity === "block" ? "blocks" : "warns"}
            </Badge>
          )}
          {rule.count !== undefined && rule.count > 0 && <span className="small">{plural(rule.count, "row")}</span>}
          {measured.map(([name, value]) => (
            <span key={name} className="small muted">
              {name} {typeof value === "number" ? Number(value.toPrecision(4)) : String(value)}
            </span>
          ))}
        </div>
        {rule.problem && <div className="small muted">{rule.problem}</div>}
        {!rule.passed && (rule.examples?.length ?? 0) > 0 && (
          <table className="report-examples">
            <tbody>
              {rule.examples?.map((example, index) => (
                <tr key={index}>
                  <td className="faint">
                    {example.file} {example.row !== undefined && `row ${example.row.toLocaleString("en")}`}
                  </td>
                  <td>
                    {[...Object.entries(example.key ?? {}), ...Object.entries(example.values ?? {})].map((
                      [name, value],
                    ) => (
                      <span key={name} className="report-value">
                        {name} <b>{value === null ? "NULL" : String(value)}</b>
                      </span>
                    ))}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </div>
      {onLine
        ? <button type="button" className="report-line" onClick={() => onLine(rule.line)}>line {rule.line}</button>
        : <span className="faint small">line {rule.line}</span>}
    </li>
  );
}
