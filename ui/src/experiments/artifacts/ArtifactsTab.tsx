import { type KeyboardEvent, useMemo, useState } from "react";
import { text, useUrlState } from "../../app/urlState.ts";
import { useFetch } from "../../api/hooks.ts";
import { formatBytes } from "../../kit/format.ts";
import { Icon, type IconName } from "../../kit/Icon.tsx";
import { Empty, Failed, Skeleton } from "../../kit/States.tsx";
import type { Artifact, Run } from "../api.ts";
import { Preview } from "./Preview.tsx";
import { listArtifacts, type Owner, previewKind } from "./read.ts";

const icons: Record<ReturnType<typeof previewKind>, IconName> = {
  image: "image",
  table: "table",
  parquet: "table",
  json: "code",
  markdown: "file",
  html: "file",
  notebook: "code",
  text: "file",
  binary: "file",
};

/** Files of a run or of a logged model: a tree, and beside it what is in the chosen one. */
export function ArtifactsTab({ owner, run }: { owner: Owner; project: string; run?: Run }) {
  const [chosen, setChosen] = useUrlState("path", text, "");
  const top = useFolder(owner, "", run?.status === "RUNNING");
  if (top.error && !top.data) return <Failed error={top.error} retry={top.refresh} />;
  if (!top.data) return <Skeleton rows={6} />;
  if (top.data.length === 0) {
    return (
      <Empty icon="folder" title="No artifacts">
        Files that the run stores with <code>mlflow.log_artifact</code> or <code>mlflow.log_table</code> are shown here.
      </Empty>
    );
  }
  const shown = chosen || firstFile(top.data);
  return (
    <div className="artifacts">
      <div className="artifacts-tree" role="tree" aria-label="Artifacts" onKeyDown={moveInTree}>
        <Entries owner={owner} items={top.data} level={1} chosen={shown} onChoose={setChosen} />
      </div>
      <div className="artifacts-preview">
        {shown
          ? <Preview key={shown} owner={owner} path={shown} />
          : <Empty compact icon="file" title="Choose a file" />}
      </div>
    </div>
  );
}

function firstFile(items: readonly Artifact[]): string {
  const file = items.find((item) => !item.folder && previewKind(item.path) !== "binary") ??
    items.find((item) => !item.folder);
  return file?.path ?? "";
}

function useFolder(owner: Owner, folder: string, isLive = false) {
  return useFetch(
    `artifacts ${owner.kind} ${owner.id} ${folder}`,
    (signal) => listArtifacts(owner, folder, signal),
    { fresh: isLive ? 2_000 : 60_000 },
  );
}

interface EntriesProps {
  owner: Owner;
  items: readonly Artifact[];
  level: number;
  chosen: string;
  onChoose: (path: string) => void;
}

function Entries(props: EntriesProps) {
  return <>{props.items.map((item) => <Entry key={item.path} {...props} item={item} />)}</>;
}

function Entry({ owner, item, level, chosen, onChoose }: EntriesProps & { item: Artifact }) {
  const [isOpen, setOpen] = useState(chosen.startsWith(item.path + "/"));
  const name = item.path.slice(item.path.lastIndexOf("/") + 1);
  const isChosen = item.path === chosen;
  return (
    <>
      <div
        role="treeitem"
        aria-level={level}
        aria-expanded={item.folder ? isOpen : undefined}
        aria-selected={isChosen}
        tabIndex={isChosen || level === 1 ? 0 : -1}
        className={isChosen ? "tree-entry tree-chosen" : "tree-entry"}
        style={{ paddingLeft: 8 + (level - 1) * 16 }}
        onClick={() => item.folder ? setOpen(!isOpen) : onChoose(item.path)}
        onKeyDown={(event) => {
          if (event.key === "Enter" || event.key === " ") {
            event.preventDefault();
            if (item.folder) setOpen(!isOpen);
            else onChoose(item.path);
          } else if (item.folder && event.key === "ArrowRight") setOpen(true);
          else if (item.folder && event.key === "ArrowLeft") setOpen(false);
        }}
        title={item.path}
      >
        <Icon
          name={item.folder ? (isOpen ? "chevron-down" : "chevron-right") : icons[previewKind(item.path)]}
          size={14}
        />
        <span className="ellipsis grow">{name}</span>
        {item.sizeBytes !== null && <span className="faint small tabular">{formatBytes(item.sizeBytes)}</span>}
      </div>
      {item.folder && isOpen && (
        <FolderEntries owner={owner} folder={item.path} level={level + 1} chosen={chosen} onChoose={onChoose} />
      )}
    </>
  );
}

function FolderEntries({ folder, ...props }: Omit<EntriesProps, "items"> & { folder: string }) {
  const query = useFolder(props.owner, folder);
  const none = useMemo<Artifact[]>(() => [], []);
  if (query.error) return <div className="tree-entry tone-bad">{query.error.message}</div>;
  if (!query.data) return <div className="tree-entry faint" style={{ paddingLeft: props.level * 16 }}>…</div>;
  return <Entries {...props} items={query.data ?? none} />;
}

/** Arrow up and down move through the entries that are seen. */
function moveInTree(event: KeyboardEvent<HTMLElement>): void {
  const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
  if (step === 0) return;
  const entries = [...event.currentTarget.querySelectorAll<HTMLElement>("[role=treeitem]")];
  const at = entries.indexOf(document.activeElement as HTMLElement);
  event.preventDefault();
  entries[Math.max(0, Math.min(entries.length - 1, at + step))]?.focus();
}
