import { Link } from "../app/router.tsx";
import { Badge, type Tone } from "../kit/Badge.tsx";

/** An alias, and the version that it names if that is not said elsewhere. */
export function AliasBadge({ alias, version, to }: { alias: string; version?: number; to?: string }) {
  const tone: Tone = alias === "champion" || alias === "production" ? "accent" : "neutral";
  const badge = (
    <Badge tone={tone} icon="tag">
      {alias}
      {version !== undefined && <span className="tabular">→ {version}</span>}
    </Badge>
  );
  return to ? <Link to={to}>{badge}</Link> : badge;
}
