import { useState } from "react";
import { Chip } from "../../kit/Badge.tsx";
import { Button } from "../../kit/Button.tsx";
import { Input, Select } from "../../kit/Field.tsx";
import type { Merge, MergeRule, Resolution, RuleName } from "./api.ts";

const rules: { value: RuleName; label: string; says: string }[] = [
  { value: "newest", label: "the newer change", says: "By the label's own time, else by the version's." },
  { value: "filled", label: "the side that has a value", says: "Or that kept the row." },
  { value: "ours", label: "ours", says: "The branch that gets the merge." },
  { value: "theirs", label: "theirs", says: "The branch that is merged." },
  { value: "majority", label: "the label with more votes", says: "By NAME_votes." },
  { value: "annotator-rank", label: "who ranks higher", says: "By NAME_by, else by the versions' authors." },
];

/** Rules decide what no person did; a rule that cannot say leaves it open for the next. */
export function Rules(
  { merge, columns, busy, onRule, onDrop }: {
    merge: Merge;
    columns: readonly string[];
    busy: boolean;
    onRule: (rule: Resolution) => void;
    onDrop: (rule: MergeRule) => void;
  },
) {
  const [rule, setRule] = useState<RuleName>("newest");
  const [column, setColumn] = useState("");
  const [ranks, setRanks] = useState("");
  const names = ranks.split(/[\s,]+/).filter(Boolean);
  return (
    <div className="merge-rules" role="group" aria-label="Rules">
      <span className="muted">Decide by rule: take</span>
      <Select aria-label="Rule" value={rule} onChange={setRule} options={rules} />
      {rule === "annotator-rank" && (
        <Input aria-label="Names, the first counts most" placeholder="ann, bob" value={ranks} onChange={setRanks} />
      )}
      <span className="muted">in</span>
      <Select
        aria-label="In"
        value={column}
        onChange={setColumn}
        options={[{ value: "", label: "all columns" }, ...columns.map((each) => ({ value: each, label: each }))]}
      />
      <Button
        busy={busy}
        disabled={merge.counts.open === 0 || rule === "annotator-rank" && names.length === 0}
        onClick={() =>
          onRule({ rule, ...(column ? { column } : {}), ...(rule === "annotator-rank" ? { ranks: names } : {}) })}
      >
        Apply
      </Button>
      <span className="faint small">{rules.find((each) => each.value === rule)?.says}</span>
      <span className="grow" />
      {merge.rules.map((each, index) => (
        <Chip key={index} label={`rule ${each.rule}`} onRemove={() => onDrop(each)}>
          {each.column ? `${each.column}: ` : ""}
          {each.rule}
          {each.ranks ? ` (${each.ranks.join(" > ")})` : ""}
        </Chip>
      ))}
    </div>
  );
}
