import { text, useUrlState } from "../../app/urlState.ts";
import { useFetch } from "../../api/hooks.ts";
import { Select } from "../../kit/Field.tsx";
import { Empty, Loaded } from "../../kit/States.tsx";
import { Badge } from "../../kit/Badge.tsx";
import type { Artifact, Run } from "../api.ts";
import { Preview } from "../artifacts/Preview.tsx";
import { listArtifacts } from "../artifacts/read.ts";
import { stepImage } from "../artifacts/tables.ts";
import { byName } from "../fields.ts";

interface Found {
  path: string;
  /** By run; null: it lacks the file. */
  digests: (string | null)[];
}

/** The same file of several runs beside each other. */
export function CompareFiles({ runs }: { runs: readonly Run[] }) {
  const [chosen, setChosen] = useUrlState("file", text, "");
  const query = useFetch(
    `files of ${runs.map((run) => run.id).join(" ")}`,
    async (signal) => join(await Promise.all(runs.map((run) => filesOf(run.id, signal)))),
    { fresh: 30_000 },
  );
  return (
    <Loaded query={query}>
      {(files) => {
        if (files.length === 0) {
          return <Empty icon="folder" title="No files to compare">The runs stored no artifacts.</Empty>;
        }
        const file = files.find((each) => each.path === chosen) ?? files.find(differs) ?? files[0];
        return (
          <div className="stack">
            <Select
              aria-label="File"
              className="compare-file"
              value={file?.path ?? ""}
              onChange={setChosen}
              options={files.map((each) => ({
                value: each.path,
                label: `${each.path}${differs(each) ? "" : " (same)"}`,
              }))}
            />
            {file && (
              <div className="compare-files">
                {runs.map((run, index) => (
                  <div key={run.id} className="compare-file-part">
                    <div className="row">
                      <strong className="ellipsis">{run.name}</strong>
                      {index > 0 && file.digests[index] !== null && file.digests[index] === file.digests[0] && (
                        <Badge>same as the first</Badge>
                      )}
                    </div>
                    {file.digests[index] === null
                      ? <Empty compact icon="file" title="Not in this run" />
                      : <Preview owner={{ kind: "run", id: run.id }} path={file.path} />}
                  </div>
                ))}
              </div>
            )}
          </div>
        );
      }}
    </Loaded>
  );
}

function differs(file: Found): boolean {
  return file.digests.some((digest) => digest !== file.digests[0]);
}

/** Folders below the top are looked into so deep. */
const deepest = 2;

async function filesOf(run: string, signal: AbortSignal): Promise<Artifact[]> {
  const owner = { kind: "run" as const, id: run };
  const walk = async (folder: string, depth: number): Promise<Artifact[]> => {
    const items = await listArtifacts(owner, folder, signal);
    const inner = depth < deepest
      ? await Promise.all(items.filter((item) => item.folder).map((item) => walk(item.path, depth + 1)))
      : [];
    return [...items.filter((item) => !item.folder), ...inner.flat()];
  };
  return await walk("", 0);
}

function join(lists: readonly Artifact[][]): Found[] {
  // Images by step have names of their own in each run; charts show those.
  const paths = byName(
    new Set(lists.flat().map((item) => item.path).filter((path) => !stepImage(path) && !/\+compressed\./.test(path))),
  );
  const digests = lists.map((items) => new Map(items.map((item) => [item.path, item.digest])));
  return paths.map((path) => ({ path, digests: digests.map((each) => each.get(path) ?? null) }));
}
