import { useQuery } from "../../api/hooks.ts";
import { Badge } from "../../kit/Badge.tsx";
import type { Version } from "../api.ts";
import type { QualityReport } from "./api.ts";
import { hasContract, wasChecked } from "./checked.ts";
import { useContracts } from "./contracts.ts";

const words: Record<QualityReport["outcome"], { tone: "good" | "warn" | "bad"; icon: "check" | "warning" | "error" }> =
  {
    passed: { tone: "good", icon: "check" },
    warned: { tone: "warn", icon: "warning" },
    blocked: { tone: "bad", icon: "error" },
  };

export function OutcomeBadge({ report }: { report: QualityReport }) {
  const { tone, icon } = words[report.outcome];
  return (
    <Badge
      tone={tone}
      icon={icon}
      title={`Contract ${report.contract ?? "(draft)"}: ${report.rules.length} rules, ${report.failed} broken`}
    >
      {report.outcome === "passed"
        ? `${report.rules.length} rules kept`
        : `${report.failed} of ${report.rules.length} broken`}
    </Badge>
  );
}

/** What the contract found in a version, in one word. */
export function QualityBadge({ project, version }: { project: string; version: Version | undefined }) {
  const contracts = useContracts(project);
  const isChecked = version !== undefined && contracts !== undefined &&
    wasChecked(contracts, version.dataset, version.created);
  const report = useQuery(
    "/api/v1/datasets/{name}/versions/{version}/quality",
    { path: { name: version?.dataset ?? "", version: version?.version ?? "" } },
    { skip: !isChecked, fresh: 600_000 },
  );
  if (report.data) return <OutcomeBadge report={report.data} />;
  if (!version || !contracts || report.loading) return <span className="skeleton list-wait" />;
  if (report.error) return <span className="faint small" title={report.error.message}>–</span>;
  return <span className="faint small">{hasContract(contracts, version.dataset) ? "not checked" : "no contract"}</span>;
}
