import { useMemo } from "react";
import { text, useUrlState } from "../app/urlState.ts";
import { Badge } from "../kit/Badge.tsx";
import { BarChart, LineChart } from "../kit/chart/index.ts";
import { formatNumber, formatPercent, formatTime, plural } from "../kit/format.ts";
import { Panel } from "../kit/Page.tsx";
import { Sparkline } from "../kit/Sparkline.tsx";
import { Empty, Notice } from "../kit/States.tsx";
import { Button } from "../kit/Button.tsx";
import { KeyValues, RefLink, Time } from "../kit/Values.tsx";
import type { FeatureReport, Monitor, Report } from "./api.ts";
import { distributionOf, history, severity } from "./distribution.ts";

/** A report feature by feature, worst first; of the chosen one both distributions and its way over time. */
export function DriftTab(
  { monitor, report, reports, onChoose }: {
    monitor: Monitor;
    report: Report;
    reports: readonly Report[];
    onChoose: (report: string) => void;
  },
) {
  const [chosen, setChosen] = useUrlState("feature", text, "");
  const sorted = useMemo(
    () =>
      [...report.features].sort((a, b) =>
        severity(b, monitor.thresholds) - severity(a, monitor.thresholds) || (b.psi ?? 0) - (a.psi ?? 0)
      ),
    [report, monitor.thresholds],
  );
  const feature = sorted.find((each) => each.name === chosen) ?? sorted[0];
  const at = reports.findIndex((each) => each.id === report.id);
  return (
    <div className="stack">
      <div className="row row-wrap row-between">
        <span className="row row-wrap">
          <b>
            <Time at={report.at} exact />
          </b>
          <span className="muted">{plural(report.rows, "row")} of {plural(report.predictions, "prediction")}</span>
          {report.models.map((model) => (
            <span key={model.ref} className="row small muted">
              <RefLink value={model.ref} /> {plural(model.rows, "row")}
            </span>
          ))}
        </span>
        <span className="row">
          <Button
            small
            icon="chevron-left"
            disabled={at < 0 || at >= reports.length - 1}
            onClick={() => onChoose(reports[at + 1]?.id ?? "")}
          >
            Earlier
          </Button>
          <Button small disabled={at <= 0} onClick={() => onChoose(at === 1 ? "" : reports[at - 1]?.id ?? "")}>
            Later
          </Button>
        </span>
      </div>
      {report.note && <Notice tone="warn">{report.note}</Notice>}
      {report.truncated && (
        <Notice tone="warn">There were more than a million rows; the newest million were read.</Notice>
      )}
      {report.version !== monitor.version && (
        <Notice>
          This report is of version {report.version} of the monitor, which had another reference or other limits.
        </Notice>
      )}
      {!feature
        ? (
          <Empty icon="monitor" title="No feature was compared">
            {report.note ?? "The predictions have none of the reference's columns."}
          </Empty>
        )
        : (
          <div className="drift">
            <Panel title="Features" flush className="drift-features">
              <ul role="listbox" aria-label="Features, worst first">
                {sorted.map((each) => (
                  <li key={each.name} role="presentation">
                    <button
                      type="button"
                      role="option"
                      aria-selected={each.name === feature.name}
                      className={each.name === feature.name ? "drift-row drift-chosen" : "drift-row"}
                      onClick={() => setChosen(each.name)}
                    >
                      <FeatureRow feature={each} monitor={monitor} reports={reports} />
                    </button>
                  </li>
                ))}
              </ul>
            </Panel>
            <div className="stack">
              <FeaturePanel feature={feature} monitor={monitor} />
              <History feature={feature} monitor={monitor} report={report} reports={reports} onChoose={onChoose} />
            </div>
          </div>
        )}
    </div>
  );
}

function FeatureRow(
  { feature, monitor, reports }: { feature: FeatureReport; monitor: Monitor; reports: readonly Report[] },
) {
  const over = severity(feature, monitor.thresholds);
  const { y } = useMemo(() => history(reports, feature.name, "psi"), [reports, feature.name]);
  const tone = over >= 1 ? "var(--bad)" : over >= 0.6 ? "var(--warn)" : "var(--good)";
  return (
    <>
      <span className="drift-name ellipsis">{feature.name}</span>
      <Sparkline
        values={y.slice(-40)}
        width={72}
        height={20}
        label={`stability index over ${y.length} reports`}
        tone={tone}
      />
      <span className="drift-bar" aria-hidden>
        <span style={{ width: `${Math.min(100, over * 66)}%`, background: tone }} />
        <i />
      </span>
      <span className="tabular drift-figure">{feature.psi === null ? "–" : formatNumber(feature.psi, 3)}</span>
      {over >= 1 && <span className="visually-hidden">over its limit</span>}
    </>
  );
}

function FeaturePanel({ feature, monitor }: { feature: FeatureReport; monitor: Monitor }) {
  const distribution = useMemo(() => distributionOf(feature), [feature]);
  const over = severity(feature, monitor.thresholds);
  const worst = distribution ? distribution.psi.indexOf(Math.max(...distribution.psi)) : -1;
  return (
    <Panel
      title={
        <span className="row">
          {feature.name} {over >= 1
            ? <Badge tone="bad" icon="warning">over its limit</Badge>
            : <Badge tone="good" icon="check">within its limits</Badge>}
        </span>
      }
      tools={
        <span className="faint small">
          {feature.kind === "numeric" ? "bins are tenths of the reference" : "the reference's most frequent values"}
        </span>
      }
    >
      <div className="stack">
        {distribution && (
          <BarChart
            label={`${feature.name}: shares of the reference and of the window`}
            categories={distribution.labels}
            height={250}
            yLabel="share of rows"
            formatY={(value) => formatPercent(value)}
            series={[
              {
                id: "reference",
                label: `reference (${monitor.builtFrom.dataset.replace("dataset:", "")})`,
                values: distribution.reference,
                color: "var(--cat-8)",
              },
              { id: "current", label: "window", values: distribution.current, color: "var(--cat-2)" },
            ]}
          />
        )}
        {distribution && worst >= 0 && (distribution.psi[worst] ?? 0) > 0.01 && (
          <p className="small muted">
            The largest part of the index comes from {distribution.labels[worst]}:{" "}
            {formatPercent(distribution.reference[worst] ?? 0)} of the reference,{" "}
            {formatPercent(distribution.current[worst] ?? 0)} of the window.
          </p>
        )}
        <KeyValues
          columns={2}
          items={[
            ["Stability index", <Figure key="p" value={feature.psi} limit={monitor.thresholds.psi} />],
            [
              "Kolmogorov–Smirnov",
              typeof feature.ks === "number"
                ? <Figure key="k" value={feature.ks} limit={monitor.thresholds.ks} />
                : null,
            ],
            [
              "Missing",
              `${formatPercent(feature.missing ?? 0)} (reference ${formatPercent(feature.referenceMissing)})`,
            ],
            [
              "Mean",
              typeof feature.mean === "number"
                ? `${formatNumber(feature.mean)} (reference ${formatNumber(feature.referenceMean ?? NaN)})`
                : null,
            ],
            [
              "Beyond the reference",
              feature.above !== undefined ? `${feature.below ?? 0} below, ${feature.above} above` : null,
            ],
            ["Unseen values", feature.unseen !== undefined ? plural(feature.unseen, "row") : null],
          ]}
        />
      </div>
    </Panel>
  );
}

function Figure({ value, limit }: { value: number | null; limit: number | undefined }) {
  if (value === null) return <span className="faint">not known</span>;
  return (
    <span className={limit !== undefined && value > limit ? "tabular tone-bad" : "tabular"}>
      {formatNumber(value)}
      {limit !== undefined && <span className="faint drift-limit">limit {limit}</span>}
    </span>
  );
}

function History(
  { feature, monitor, report, reports, onChoose }: {
    feature: FeatureReport;
    monitor: Monitor;
    report: Report;
    reports: readonly Report[];
    onChoose: (report: string) => void;
  },
) {
  const psi = useMemo(() => history(reports, feature.name, "psi"), [reports, feature.name]);
  const ks = useMemo(() => history(reports, feature.name, "ks"), [reports, feature.name]);
  if (psi.x.length < 2) return null;
  const limit = monitor.thresholds.psi;
  return (
    <Panel title="Over time" tools={<span className="faint small">a click chooses the report</span>}>
      <LineChart
        label={`${feature.name} over ${psi.x.length} reports`}
        xScale="time"
        height={210}
        points="dots"
        series={[
          { id: "psi", label: "stability index", x: psi.x, y: psi.y, color: "var(--cat-1)" },
          ...(ks.x.length > 0
            ? [{ id: "ks", label: "Kolmogorov–Smirnov", x: ks.x, y: ks.y, color: "var(--cat-3)", dashed: true }]
            : []),
        ]}
        yDomain={[0, Math.max(limit ?? 0, ...psi.y, ...ks.y) * 1.1]}
        marks={[
          ...(limit !== undefined
            ? [{ axis: "y" as const, at: limit, label: `limit ${limit}`, tone: "bad" as const }]
            : []),
          { axis: "x" as const, at: Date.parse(report.at), label: "this report", tone: "neutral" as const },
        ]}
        formatX={(x) => formatTime(x).slice(0, 16)}
        onPick={(series, index) => {
          const id = (series === "ks" ? ks : psi).report[index];
          if (id) onChoose(id);
        }}
      />
    </Panel>
  );
}
