import { type KeyboardEvent, type ReactNode, useId, useRef } from "react";

export interface Tab<T extends string> {
  id: T;
  label: ReactNode;
  /** A number beside the label. */
  count?: number | undefined;
}

/** Tabs over a panel. Arrow keys move between them; keep the chosen one in the URL with `useUrlState`. */
export function Tabs<T extends string>(
  { tabs, value, onChange, label, children }: {
    tabs: readonly Tab<T>[];
    value: T;
    onChange: (id: T) => void;
    label: string;
    /** The panel of the chosen tab. */
    children?: ReactNode;
  },
) {
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const move = (event: KeyboardEvent) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const at = tabs.findIndex((tab) => tab.id === value);
    const next = tabs[(at + step + tabs.length) % tabs.length];
    if (!next) return;
    onChange(next.id);
    list.current?.querySelector<HTMLElement>(`[data-tab="${next.id}"]`)?.focus();
  };
  return (
    <>
      <div ref={list} role="tablist" aria-label={label} className="tabs" onKeyDown={move}>
        {tabs.map((tab) => (
          <button
            key={tab.id}
            type="button"
            role="tab"
            id={`${id}-${tab.id}`}
            data-tab={tab.id}
            aria-selected={tab.id === value}
            aria-controls={children !== undefined ? `${id}-panel` : undefined}
            tabIndex={tab.id === value ? 0 : -1}
            className="tab"
            onClick={() => onChange(tab.id)}
          >
            {tab.label}
            {tab.count !== undefined && <span className="tab-count">{tab.count.toLocaleString("en")}</span>}
          </button>
        ))}
      </div>
      {children !== undefined && (
        <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${value}`} className="tab-panel">
          {children}
        </div>
      )}
    </>
  );
}

/** A few choices of which one holds, in one frame: linear or log, light or dark. */
export function Segmented<T extends string>(
  { options, value, onChange, label }: {
    options: readonly { id: T; label: ReactNode; title?: string }[];
    value: T;
    onChange: (id: T) => void;
    label: string;
  },
) {
  return (
    <div role="radiogroup" aria-label={label} className="segmented">
      {options.map((option) => (
        <button
          key={option.id}
          type="button"
          role="radio"
          aria-checked={option.id === value}
          title={option.title}
          className="segment"
          onClick={() => onChange(option.id)}
        >
          {option.label}
        </button>
      ))}
    </div>
  );
}
