import type { ReactNode } from "react";
import type { ApiError } from "../api/errors.ts";
import type { QueryState } from "../api/hooks.ts";
import { Button } from "./Button.tsx";
import { Icon, type IconName } from "./Icon.tsx";

export interface EmptyProps {
  icon?: IconName;
  title: string;
  /** What would be here, and how it comes to be here. */
  children?: ReactNode;
  action?: ReactNode;
  compact?: boolean;
}

/** Nothing is there (yet): says what belongs here and what to do. */
export function Empty({ icon = "info", title, children, action, compact }: EmptyProps) {
  return (
    <div className={compact ? "state state-compact" : "state"}>
      <span className="state-icon">
        <Icon name={icon} size={compact ? 18 : 24} />
      </span>
      <h2 className="state-title">{title}</h2>
      {children && <div className="state-text">{children}</div>}
      {action && <div className="state-action">{action}</div>}
    </div>
  );
}

/** Grey bars where text will be. `rows` lines, or one block of a height in px. */
export function Skeleton({ rows = 3, height }: { rows?: number; height?: number }) {
  if (height !== undefined) return <div className="skeleton" style={{ height }} aria-hidden />;
  return (
    <div className="skeleton-rows" role="status" aria-label="Loading">
      {Array.from(
        { length: rows },
        (_, index) => <div key={index} className="skeleton" style={{ width: `${90 - (index * 17) % 45}%` }} />,
      )}
    </div>
  );
}

/** What went wrong, and what to do. */
export function Failed({ error, retry, compact }: { error: ApiError; retry?: () => void; compact?: boolean }) {
  if (error.code === "forbidden") return <Forbidden error={error} compact={compact} />;
  const isMissing = error.code === "not_found";
  return (
    <div className={compact ? "state state-compact" : "state"} role="alert">
      <span className={isMissing ? "state-icon" : "state-icon tone-bad"}>
        <Icon name={isMissing ? "search" : "error"} size={compact ? 18 : 24} />
      </span>
      <h2 className="state-title">{titles[error.code] ?? "That did not work"}</h2>
      <div className="state-text">{error.message}</div>
      <div className="state-action">
        {retry && !isMissing && error.code !== "invalid" && <Button icon="refresh" onClick={retry}>Try again</Button>}
        {isMissing && <Button icon="chevron-left" onClick={() => history.back()}>Back</Button>}
      </div>
      {error.requestId && <div className="state-detail">Request {error.requestId}</div>}
    </div>
  );
}

const titles: Partial<Record<ApiError["code"], string>> = {
  not_found: "There is no such thing",
  offline: "The server does not answer",
  internal: "The server failed",
  unavailable: "A part of the server is not there now",
  deadline_exceeded: "That took too long",
  rate_limited: "Too many requests",
  invalid: "That is not right yet",
  unauthenticated: "You are not signed in",
};

/** No permission: says which, and who can give it. */
export function Forbidden({ error, compact }: { error: ApiError; compact?: boolean }) {
  return (
    <div className={compact ? "state state-compact" : "state"} role="alert">
      <span className="state-icon tone-warn">
        <Icon name="lock" size={compact ? 18 : 24} />
      </span>
      <h2 className="state-title">You may not see this</h2>
      <div className="state-text">{error.message}</div>
      <div className="state-text faint">An owner of the project can give you a role (Admin → Members).</div>
    </div>
  );
}

/** Shows a query's skeleton, failure or data. While newer data is fetched the old stays. */
export function Loaded<T>(
  { query, skeleton, children, compact }: {
    query: Pick<QueryState<T>, "data" | "error"> & { refresh?: () => void };
    skeleton?: ReactNode;
    children: (data: T) => ReactNode;
    compact?: boolean;
  },
) {
  if (query.data !== undefined) return <>{children(query.data)}</>;
  if (query.error) return <Failed error={query.error} retry={query.refresh} compact={compact} />;
  return <>{skeleton ?? <Skeleton rows={5} />}</>;
}

/** A notice across a place: what is off, and the way out. */
export function Notice(
  { tone = "info", children, action }: {
    tone?: "info" | "good" | "warn" | "bad";
    children: ReactNode;
    action?: ReactNode;
  },
) {
  const icon: IconName = tone === "good" ? "check" : tone === "warn" ? "warning" : tone === "bad" ? "error" : "info";
  return (
    <div className={`notice notice-${tone}`} role={tone === "bad" ? "alert" : "status"}>
      <Icon name={icon} />
      <div className="grow">{children}</div>
      {action}
    </div>
  );
}
