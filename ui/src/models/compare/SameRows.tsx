import { useMemo } from "react";
import { formatNumber, formatPercent } from "../../kit/format.ts";
import { Panel } from "../../kit/Page.tsx";
import { Empty, Notice } from "../../kit/States.tsx";
import { Num } from "../../kit/Values.tsx";
import { betterOf } from "../../experiments/compare/diff.ts";
import type { VersionDetail } from "../api.ts";
import { changeOf, pairs } from "../evaluations.ts";
import { subjectText, SubjectView, toneOf } from "../version/Evaluations.tsx";

/** Both versions measured on the same dataset version or slice; only such numbers are compared. */
export function SameRows({ left, right }: { left: VersionDetail; right: VersionDetail }) {
  const all = useMemo(() => pairs(left.evaluations, right.evaluations), [left, right]);
  const both = all.filter((pair) => pair.left && pair.right);
  const single = all.filter((pair) => !(pair.left && pair.right));
  return (
    <Panel title="On the same rows" flush={both.length > 0}>
      {both.length === 0
        ? (
          <Empty compact icon="target" title="They were never measured on the same rows">
            Evaluate both on one dataset version; numbers from different rows say nothing about which is better.
          </Empty>
        )
        : (
          <div className="evaluation-scroll" tabIndex={0} role="region" aria-label="Metrics on the same rows">
            <table className="model-table same-rows">
              <thead>
                <tr>
                  <th scope="col">Measured on</th>
                  <th scope="col">Metric</th>
                  <th scope="col" className="num">version {left.version}</th>
                  <th scope="col" className="num">version {right.version}</th>
                  <th scope="col" className="num">Change</th>
                  <th scope="col">Better</th>
                </tr>
              </thead>
              {both.map((pair) => {
                const metrics = [
                  ...new Set([...Object.keys(pair.left?.metrics ?? {}), ...Object.keys(pair.right?.metrics ?? {})]),
                ].sort();
                return (
                  <tbody key={pair.subject.key}>
                    {metrics.map((metric, index) => {
                      const before = pair.left?.metrics[metric];
                      const after = pair.right?.metrics[metric];
                      const change = changeOf(before, after);
                      const better = betterOf(metric);
                      return (
                        <tr key={metric}>
                          {index === 0 && (
                            <th scope="rowgroup" rowSpan={metrics.length} title={subjectText(pair.subject)}>
                              <SubjectView subject={pair.subject} />
                            </th>
                          )}
                          <td>{metric}</td>
                          <td className="num">
                            <Num value={before} digits={5} />
                          </td>
                          <td className="num">
                            <Num value={after} digits={5} />
                          </td>
                          <td className={`num ${change ? toneOf(metric, change.by) : ""}`}>
                            {change && change.by !== 0
                              ? `${change.by > 0 ? "+" : ""}${formatNumber(change.by, 3)}${
                                change.share === null
                                  ? ""
                                  : ` (${change.share > 0 ? "+" : ""}${formatPercent(change.share)})`
                              }`
                              : <span className="faint">same</span>}
                          </td>
                          <td className="small">
                            {!change || change.by === 0 || better === null
                              ? <span className="faint">–</span>
                              : `version ${(better === "lower") === (change.by < 0) ? right.version : left.version}`}
                          </td>
                        </tr>
                      );
                    })}
                  </tbody>
                );
              })}
            </table>
          </div>
        )}
      {single.length > 0 && (
        <div className="same-rows-rest">
          <Notice>
            Only one of them was measured on{" "}
            {single.map((pair) => `${subjectText(pair.subject)} (version ${pair.left ? left.version : right.version})`)
              .join(", ")}.
          </Notice>
        </div>
      )}
    </Panel>
  );
}
