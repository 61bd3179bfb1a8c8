import type { ReactNode } from "react";
import { Icon, type IconName } from "./Icon.tsx";

export type Tone = "neutral" | "good" | "warn" | "bad" | "info" | "accent";

/** A word that stands for a state. The colour never stands alone: the word says it too. */
export function Badge(
  { tone = "neutral", icon, children, title }: { tone?: Tone; icon?: IconName; children: ReactNode; title?: string },
) {
  return (
    <span className={`badge badge-${tone}`} title={title}>
      {icon && <Icon name={icon} size={12} />}
      {children}
    </span>
  );
}

const tones: Record<string, Tone> = {
  succeeded: "good",
  finished: "good",
  passed: "good",
  ok: "good",
  ready: "good",
  approved: "good",
  accepted: "good",
  resolved: "good",
  met: "good",
  active: "good",
  serving: "good",
  completed: "good",
  healthy: "good",
  equal: "good",
  failed: "bad",
  error: "bad",
  rejected: "bad",
  killed: "bad",
  broken: "bad",
  drift: "bad",
  open: "bad",
  late: "warn",
  warning: "warn",
  warn: "warn",
  pending: "warn",
  acknowledged: "warn",
  stale: "warn",
  skipped: "warn",
  insufficient: "warn",
  refused: "warn",
  cancelled: "neutral",
  idle: "neutral",
  deleted: "neutral",
  running: "info",
  scheduled: "info",
  queued: "info",
  started: "info",
  loading: "info",
  cached: "accent",
};

/** A state of the server's as a badge: FINISHED, running, drift … */
export function StateBadge({ state, title }: { state: string; title?: string }) {
  const word = state.toLowerCase();
  const tone = tones[word] ?? "neutral";
  const icon: IconName | undefined = word === "running" || word === "loading"
    ? "play"
    : tone === "good"
    ? "check"
    : tone === "bad"
    ? "error"
    : tone === "warn"
    ? "warning"
    : undefined;
  return <Badge tone={tone} icon={icon} title={title}>{word.replaceAll("_", " ")}</Badge>;
}

/** A removable piece: a chosen filter, a tag. */
export function Chip({ children, onRemove, label }: { children: ReactNode; onRemove?: () => void; label?: string }) {
  return (
    <span className="chip">
      <span className="ellipsis">{children}</span>
      {onRemove && (
        <button type="button" className="chip-remove" aria-label={`Remove ${label ?? ""}`.trim()} onClick={onRemove}>
          <Icon name="close" size={10} />
        </button>
      )}
    </span>
  );
}

/** A keyboard key. */
export function Key({ children }: { children: ReactNode }) {
  return <kbd className="key">{children}</kbd>;
}
