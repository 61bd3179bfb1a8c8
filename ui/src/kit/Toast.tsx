import { useSyncExternalStore } from "react";
import { asApiError } from "../api/errors.ts";
import { IconButton } from "./Button.tsx";
import { Icon } from "./Icon.tsx";

interface Shown {
  id: number;
  tone: "good" | "bad" | "info";
  text: string;
  action?: { label: string; run: () => void };
}

let shown: readonly Shown[] = [];
let nextId = 1;
const listeners = new Set<() => void>();

function set(value: readonly Shown[]): void {
  shown = value;
  for (const listener of [...listeners]) listener();
}

function show(toast: Omit<Shown, "id">): void {
  const id = nextId++;
  set([...shown.slice(-3), { ...toast, id }]);
  // What failed stays until it is closed: it may have to be read twice.
  if (toast.tone !== "bad") setTimeout(() => dismiss(id), toast.action ? 10_000 : 5_000);
}

function dismiss(id: number): void {
  set(shown.filter((toast) => toast.id !== id));
}

/** Short messages in the corner: what was done, with a way back if there is one; what failed. */
export const toast = {
  done: (text: string, action?: Shown["action"]) =>
    show(action ? { tone: "good", text, action } : { tone: "good", text }),
  info: (text: string) => show({ tone: "info", text }),
  failed: (error: unknown) => show({ tone: "bad", text: asApiError(error).message }),
};

export function Toasts() {
  const all = useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, () => shown);
  return (
    <div className="toasts" role="region" aria-label="Messages" aria-live="polite">
      {all.map(({ id, tone, text, action }) => (
        <div key={id} className={`toast toast-${tone}`} role={tone === "bad" ? "alert" : "status"}>
          <Icon name={tone === "good" ? "check" : tone === "bad" ? "error" : "info"} />
          <span className="grow">{text}</span>
          {action && (
            <button
              type="button"
              className="toast-action"
              onClick={() => {
                dismiss(id);
                action.run();
              }}
            >
              {action.label}
            </button>
          )}
          <IconButton
            icon="close"
            label="Dismiss"
            small
            onClick={() =>
              dismiss(id)}
          />
        </div>
      ))}
    </div>
  );
}
