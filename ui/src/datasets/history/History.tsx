import { useMemo, useState } from "react";
import { usePages } from "../../api/hooks.ts";
import { Link, navigate } from "../../app/router.tsx";
import { text, useUrlState } from "../../app/urlState.ts";
import { Badge } from "../../kit/Badge.tsx";
import { Button } from "../../kit/Button.tsx";
import { Checkbox, Select } from "../../kit/Field.tsx";
import { Failed, Skeleton } from "../../kit/States.tsx";
import { Bytes, Time } from "../../kit/Values.tsx";
import type { NamedVersion, Version } from "../api.ts";
import type { PartProps } from "../DatasetPage.tsx";
import { VirtualList } from "../grid/VirtualList.tsx";
import { datasetPath } from "../paths.ts";
import { colourOf } from "../rows/shapes.ts";
import { useNames } from "../VersionPicker.tsx";
import { type Lane, lanesOf } from "./lanes.ts";

const rowHeight = 52;
const step = 16;

/** All versions, newest first, with the lines of descent, branches and tags; any two can be compared. */
export default function History({ project, dataset, version }: PartProps) {
  const [branch, setBranch] = useUrlState("branch", text, "");
  const [picked, setPicked] = useState<number[]>([]);
  const about = (event: { subject: string }) => event.subject.startsWith(dataset.ref);
  const pages = usePages("/api/v1/datasets/{name}/versions", { path: { name: dataset.name }, query: { branch } }, {
    live: ["dataset."],
    about,
    limit: 200,
  });
  const { branches, tags } = useNames(dataset.name);
  const lanes = useMemo(() => lanesOf(pages.items), [pages.items]);
  const byNumber = useMemo(() => new Map(pages.items.map((each) => [each.version, each])), [pages.items]);
  const width = Math.min(12, Math.max(1, ...lanes.map((lane) => lane.width))) * step + 12;
  if (pages.error && pages.items.length === 0) return <Failed error={pages.error} retry={pages.refresh} />;
  if (pages.loading) return <Skeleton rows={10} />;
  const toggle = (number: number) =>
    setPicked((old) => old.includes(number) ? old.filter((each) => each !== number) : [...old.slice(-1), number]);
  const [from, to] = [...picked].sort((a, b) => a - b);
  return (
    <div className="history">
      <div className="list-tools">
        <Select
          aria-label="Branch"
          value={branch}
          onChange={setBranch}
          options={[
            { value: "", label: "All branches" },
            ...branches.map((each) => ({ value: each.name, label: each.name })),
          ]}
        />
        <span className="grow small muted">
          {picked.length === 0 ? "Choose two versions to compare them." : picked.length === 1 ? "Choose one more." : ""}
        </span>
        <Button
          icon="swap"
          disabled={picked.length !== 2}
          onClick={() => navigate(datasetPath(project, dataset.name, { tab: "diff", from, to }))}
        >
          {picked.length === 2 ? `Compare ${from} and ${to}` : "Compare"}
        </Button>
      </div>
      <div className="history-list">
        <VirtualList
          count={pages.items.length}
          lineHeight={rowHeight}
          label="Versions"
          onRange={(_, last) => pages.more && last > pages.items.length - 20 && pages.loadMore()}
        >
          {(line) => {
            const each = pages.items[line];
            const lane = lanes[line];
            if (!each || !lane) return null;
            return (
              <VersionRow
                project={project}
                version={each}
                parent={each.parent === null ? undefined : byNumber.get(each.parent)}
                lane={lane}
                width={width}
                names={[...branches, ...tags].filter((name) => name.version === each.version)}
                isShown={each.version === version.version}
                isPicked={picked.includes(each.version)}
                onPick={() => toggle(each.version)}
              />
            );
          }}
        </VirtualList>
      </div>
    </div>
  );
}

function VersionRow(
  { project, version, parent, lane, width, names, isShown, isPicked, onPick }: {
    project: string;
    version: Version;
    parent: Version | undefined;
    lane: Lane;
    width: number;
    names: readonly NamedVersion[];
    isShown: boolean;
    isPicked: boolean;
    onPick: () => void;
  },
) {
  const more = parent ? version.rows - parent.rows : version.parent === null ? version.rows : null;
  return (
    <div
      role="listitem"
      className={`history-row${isShown ? " history-shown" : ""}${version.deleted ? " history-deleted" : ""}`}
    >
      <Checkbox checked={isPicked} onChange={onPick} label={`Compare version ${version.version}`} />
      <Lines lane={lane} width={width} branch={version.branch} />
      <Link to={datasetPath(project, version.dataset, { v: version.version })} className="history-number">
        {version.version}
      </Link>
      <div className="history-text">
        <div className="row">
          {names.map((name) => (
            <Badge
              key={name.kind + name.name}
              tone={name.kind === "branch" ? "accent" : "info"}
              icon={name.kind === "branch" ? "branch" : "tag"}
            >
              {name.name}
            </Badge>
          ))}
          <span className="ellipsis">{version.message || <span className="faint">{version.recipe.kind}</span>}</span>
        </div>
        <div className="history-facts">
          <span>{version.recipe.kind}</span>
          <span>{version.author}</span>
          <Time at={version.created} />
          {version.branch !== "main" && <span>on {version.branch}</span>}
          {version.merged !== null && <span>merges {version.merged}</span>}
          {version.deleted && <Badge tone="warn" icon="trash">files given up</Badge>}
        </div>
      </div>
      <div className="history-rows">
        <b>{version.rows.toLocaleString("en")}</b>
        <span className={more === null || more === 0 ? "faint" : more > 0 ? "tone-good" : "tone-bad"}>
          {more === null ? "" : more === 0 ? "same" : `${more > 0 ? "+" : "−"}${Math.abs(more).toLocaleString("en")}`}
        </span>
      </div>
      <div className="history-size">
        <Bytes value={version.sizeBytes} />
      </div>
      {version.parent !== null && (
        <Link
          className="small history-diff"
          to={datasetPath(project, version.dataset, { tab: "diff", from: version.parent, to: version.version })}
        >
          what changed
        </Link>
      )}
    </div>
  );
}

function Lines({ lane, width, branch }: { lane: Lane; width: number; branch: string }) {
  const x = (index: number) => 8 + Math.min(index, 11) * step;
  const half = rowHeight / 2;
  return (
    <svg className="history-lines" width={width} height={rowHeight} aria-hidden>
      {lane.segments.map(({ from, to, kind }, index) => {
        const [top, bottom] = kind === "down" ? [0, rowHeight] : kind === "in" ? [0, half] : [half, rowHeight];
        const middle = (top + bottom) / 2;
        return <path key={index} d={`M${x(from)} ${top}C${x(from)} ${middle} ${x(to)} ${middle} ${x(to)} ${bottom}`} />;
      })}
      <circle
        cx={x(lane.lane)}
        cy={half}
        r={5}
        style={{ fill: branch === "main" ? "var(--accent)" : colourOf(branch) }}
      />
    </svg>
  );
}
