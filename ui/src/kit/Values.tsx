import { type ReactNode, useSyncExternalStore } from "react";
import { parseRef, shortRef } from "../app/refs.ts";
import { resolverOf } from "../app/registry.ts";
import { Link } from "../app/router.tsx";
import { useProject } from "../app/project.ts";
import { IconButton } from "./Button.tsx";
import { formatBytes, formatDuration, formatNumber, formatRelative, formatTime } from "./format.ts";
import { Icon } from "./Icon.tsx";
import { toast } from "./Toast.tsx";

/** One clock for all relative times of the page. */
const clockListeners = new Set<() => void>();
let clockNow = Date.now();
let clockTimer: number | undefined;

function subscribeClock(listener: () => void): () => void {
  clockListeners.add(listener);
  clockTimer ??= setInterval(() => {
    clockNow = Date.now();
    for (const each of [...clockListeners]) each();
  }, 10_000);
  return () => {
    clockListeners.delete(listener);
    if (clockListeners.size > 0) return;
    clearInterval(clockTimer);
    clockTimer = undefined;
  };
}

/** The time now, in ms, renewed every ten seconds. */
export function useNow(): number {
  return useSyncExternalStore(subscribeClock, () => clockNow);
}

/** When something was: "3 min ago", with the exact time as a title. `exact` shows that instead. */
export function Time({ at, exact }: { at: string | number | null | undefined; exact?: boolean }) {
  const now = useNow();
  if (at === null || at === undefined) return <span className="faint">never</span>;
  const time = typeof at === "number" ? at : Date.parse(at);
  if (Number.isNaN(time)) return <span>{at}</span>;
  const full = formatTime(time, true);
  return (
    <time dateTime={new Date(time).toISOString()} title={exact ? formatRelative(time, now) : full}>
      {exact ? formatTime(time) : formatRelative(time, Math.max(now, Math.min(time, Date.now())))}
    </time>
  );
}

/** How long something took, or has taken so far if it has no end. */
export function Duration({ from, to }: { from: string | null | undefined; to: string | null | undefined }) {
  const now = useNow();
  if (!from) return <span className="faint">–</span>;
  const end = to ? Date.parse(to) : now;
  return <span className="tabular">{formatDuration(Math.max(0, end - Date.parse(from)))}</span>;
}

export function Bytes({ value }: { value: number | null | undefined }) {
  if (value === null || value === undefined) return <span className="faint">–</span>;
  return <span className="tabular" title={`${value.toLocaleString("en")} bytes`}>{formatBytes(value)}</span>;
}

/** A measured value; the exact one as a title. */
export function Num({ value, digits }: { value: number | null | undefined; digits?: number }) {
  if (value === null || value === undefined) return <span className="faint">–</span>;
  return <span className="tabular" title={String(value)}>{formatNumber(value, digits)}</span>;
}

/** The start of a digest, to be copied whole. */
export function Digest({ value, length = 10 }: { value: string | null | undefined; length?: number }) {
  if (!value) return <span className="faint">–</span>;
  const bare = value.replace(/^sha256:/, "");
  return (
    <span className="digest">
      <code title={value}>{bare.slice(0, length)}</code>
      <CopyButton text={value} label="Copy digest" />
    </span>
  );
}

export function CopyButton({ text, label = "Copy" }: { text: string; label?: string }) {
  return (
    <IconButton
      className="copy-button"
      icon="copy"
      small
      label={label}
      onClick={(event) => {
        event.stopPropagation();
        void copyText(text);
      }}
    />
  );
}

/** Copies, and says so. */
export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    toast.info("Copied.");
  } catch {
    toast.failed(new Error("The browser does not let this page copy. Select the text and copy it by hand."));
  }
}

/** A ref as a link to its page. Refs without a page are text. */
export function RefLink(
  { value, kind = true, children }: {
    value: string | null | undefined;
    /** Show the icon of its kind. */
    kind?: boolean;
    children?: ReactNode;
  },
) {
  const project = useProject();
  if (!value) return <span className="faint">–</span>;
  const ref = parseRef(value);
  const resolver = ref ? resolverOf(ref.kind) : undefined;
  if (!ref || !resolver) {
    return <code className="ref" title={value}>{children ?? (ref ? `${ref.kind}:${shortRef(ref)}` : value)}</code>;
  }
  const to = project ? resolver.path(ref, project) : "/ref/" + encodeURIComponent(value);
  return (
    <Link to={to} className="ref" title={value}>
      {kind && <Icon name={resolver.icon} size={13} />}
      <span className="ellipsis">{children ?? shortRef(ref)}</span>
    </Link>
  );
}

/** Names and values, one a line. Values that are null or undefined are left out. */
export function KeyValues(
  { items, columns = 1 }: { items: [name: ReactNode, value: ReactNode][]; columns?: 1 | 2 | 3 },
) {
  return (
    <dl className={`key-values key-values-${columns}`}>
      {items.filter(([, value]) => value !== null && value !== undefined).map(([name, value], index) => (
        <div key={index} className="key-value">
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** How far something is, 0 to 1; null: under way, nobody knows how far. */
export function Progress({ value, label }: { value: number | null; label: string }) {
  const percent = value === null ? undefined : Math.round(Math.max(0, Math.min(1, value)) * 100);
  return (
    <div
      className={value === null ? "progress progress-unknown" : "progress"}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
    >
      <div style={{ width: percent === undefined ? "30%" : `${percent}%` }} />
    </div>
  );
}
