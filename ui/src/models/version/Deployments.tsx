import { useQuery } from "../../api/hooks.ts";
import { StateBadge } from "../../kit/Badge.tsx";
import { Panel } from "../../kit/Page.tsx";
import { Loaded } from "../../kit/States.tsx";
import { RefLink } from "../../kit/Values.tsx";
import type { Model, VersionDetail } from "../api.ts";

interface EndpointLine {
  ref: string;
  name: string;
  /** What it is told to serve: a version, an alias or the model. */
  model: string;
  /** The version that it serves now. */
  serving: string | null;
  state: string;
}

/** Where the version answers requests, and by which name it got there. */
export function Deployments({ project, model, version }: { project: string; model: Model; version: VersionDetail }) {
  const query = useQuery(
    "/api/v1/endpoints",
    { query: { project, limit: 200 } },
    { live: ["endpoint.", "model."], fresh: 5_000 },
  );
  return (
    <Panel title="Deployed at">
      <Loaded query={query} compact>
        {(data) => {
          const all = (data as unknown as { items: EndpointLine[] }).items;
          const here = all.filter((endpoint) =>
            endpoint.serving === version.ref || isNamed(endpoint.model, model, version)
          );
          return here.length === 0 ? <p className="faint">No endpoint serves this version.</p> : (
            <ul className="stack">
              {here.map((endpoint) => (
                <li key={endpoint.ref} className="row row-between">
                  <RefLink value={endpoint.ref} />
                  <span className="row">
                    <span className="small muted">by {endpoint.model.replace(/^model:/, "")}</span>
                    <StateBadge state={endpoint.state} />
                  </span>
                </li>
              ))}
            </ul>
          );
        }}
      </Loaded>
    </Panel>
  );
}

/** Whether a ref means this version now. */
function isNamed(ref: string, model: Model, version: VersionDetail): boolean {
  if (ref === version.ref) return true;
  if (ref === `model:${model.name}`) return model.aliases["champion"] === version.version;
  const alias = ref.startsWith(`model:${model.name}@`) ? ref.slice(ref.indexOf("@") + 1) : null;
  return alias !== null && model.aliases[alias] === version.version;
}
