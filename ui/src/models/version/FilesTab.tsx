import { hrefOf } from "../../api/client.ts";
import { text, useUrlState } from "../../app/urlState.ts";
import { Icon } from "../../kit/Icon.tsx";
import { Empty } from "../../kit/States.tsx";
import { Bytes, Digest } from "../../kit/Values.tsx";
import { PreviewOf } from "../../experiments/artifacts/Preview.tsx";
import type { VersionDetail } from "../api.ts";

/** The files of the version: its own, whatever becomes of the run. */
export function FilesTab({ version }: { version: VersionDetail }) {
  const [chosen, setChosen] = useUrlState("path", text, "");
  if (version.files.length === 0) {
    return (
      <Empty icon="folder" title="No files">
        {version.hasFiles
          ? "They are taken when the version is first read."
          : "The version was registered from a source without files."}
      </Empty>
    );
  }
  const shown = version.files.find((file) => file.path === chosen) ??
    version.files.find((file) => file.path === "MLmodel") ??
    version.files[0];
  const urlOf = (path: string) =>
    hrefOf("/api/v1/models/{name}/versions/{version}/files/{path}", {
      path: { name: version.name, version: version.version, path },
    });
  return (
    <div className="artifacts">
      <ul className="artifacts-tree">
        {version.files.map((file) => (
          <li key={file.path}>
            <button
              type="button"
              className={file === shown ? "tree-entry tree-chosen version-file" : "tree-entry version-file"}
              aria-current={file === shown ? "true" : undefined}
              onClick={() => setChosen(file.path)}
            >
              <Icon name="file" size={14} />
              <span className="ellipsis grow">{file.path}</span>
              <span className="faint small">
                <Bytes value={file.sizeBytes} />
              </span>
            </button>
          </li>
        ))}
      </ul>
      {shown && (
        <div className="stack">
          <PreviewOf source={{ key: `${version.ref} ${shown.path}`, path: shown.path, url: urlOf(shown.path) }} />
          <div className="row small muted">
            SHA-256 <Digest value={shown.digest} length={24} />
          </div>
        </div>
      )}
    </div>
  );
}
