import { type KeyboardEvent, type ReactNode, useEffect, useId, useLayoutEffect, useRef, useState } from "react";
import { createPortal } from "react-dom";
import { Button, type ButtonProps, IconButton } from "./Button.tsx";
import { Icon, type IconName } from "./Icon.tsx";

export interface MenuItem {
  id: string;
  label: ReactNode;
  icon?: IconName;
  /** Right of the label: a key, a count. */
  hint?: string;
  /** Shown with a check mark; undefined for items that cannot be checked. */
  checked?: boolean;
  disabled?: boolean;
  danger?: boolean;
  /** A line above this item. */
  separated?: boolean;
  onSelect: () => void;
  /** The menu stays open, as for columns that one ticks. */
  stay?: boolean;
}

export interface Place {
  /** The rectangle that the floating thing belongs to, in the window. */
  anchor: { left: number; right: number; top: number; bottom: number };
  align?: "start" | "end";
}

/** What floats now, the last opened on top: Escape and a press elsewhere close that one only. */
const floating: object[] = [];

/**
 * Something that floats beside its anchor and stays inside the window; closes on Escape and on a press elsewhere.
 * In a modal dialog it is put into the dialog, because what lies outside of one cannot be used.
 */
export function Floating(
  { place, onClose, children, className }: {
    place: Place;
    onClose: () => void;
    children: ReactNode;
    className?: string;
  },
) {
  const ref = useRef<HTMLDivElement>(null);
  const [position, setPosition] = useState<{ left: number; top: number; maxHeight: number } | null>(null);
  useLayoutEffect(() => {
    const box = ref.current?.getBoundingClientRect();
    if (!box) return;
    const margin = 8;
    const { anchor, align = "start" } = place;
    const below = innerHeight - anchor.bottom - margin;
    const above = anchor.top - margin;
    const isBelow = box.height <= below || below >= above;
    const maxHeight = Math.max(120, isBelow ? below - 4 : above - 4);
    const height = Math.min(box.height, maxHeight);
    const left = align === "end" ? anchor.right - box.width : anchor.left;
    setPosition({
      left: Math.max(margin, Math.min(left, innerWidth - box.width - margin)),
      top: isBelow ? anchor.bottom + 4 : anchor.top - height - 4,
      maxHeight,
    });
  }, [place.anchor.left, place.anchor.top, place.anchor.bottom]);
  const close = useRef(onClose);
  close.current = onClose;
  useEffect(() => {
    const self = {};
    floating.push(self);
    const press = (event: Event) => {
      if (floating.at(-1) !== self) return;
      if (event.target instanceof Node && ref.current?.contains(event.target)) return;
      close.current();
    };
    const escape = (event: globalThis.KeyboardEvent) => {
      if (event.key !== "Escape" || floating.at(-1) !== self) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      close.current();
    };
    document.addEventListener("pointerdown", press, true);
    document.addEventListener("keydown", escape, true);
    return () => {
      floating.splice(floating.indexOf(self), 1);
      document.removeEventListener("pointerdown", press, true);
      document.removeEventListener("keydown", escape, true);
    };
  }, []);
  const host = document.querySelector<HTMLElement>("dialog[open]:last-of-type") ?? document.body;
  return createPortal(
    <div
      ref={ref}
      className={`floating ${className ?? ""}`}
      style={position ?? { left: 0, top: 0, visibility: "hidden" }}
    >
      {children}
    </div>,
    host,
  );
}

/** The list of a menu. Arrow keys move, letters jump, Enter selects. */
export function MenuList(
  { items, onClose, label }: { items: MenuItem[]; onClose: () => void; label: string },
) {
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    ref.current?.querySelector<HTMLElement>("[role^=menuitem]:not(:disabled)")?.focus();
  }, []);
  const move = (event: KeyboardEvent) => {
    const all = [...ref.current?.querySelectorAll<HTMLElement>("[role^=menuitem]:not(:disabled)") ?? []];
    const at = all.indexOf(document.activeElement as HTMLElement);
    const to = event.key === "ArrowDown"
      ? (at + 1) % all.length
      : event.key === "ArrowUp"
      ? (at - 1 + all.length) % all.length
      : event.key === "Home"
      ? 0
      : event.key === "End"
      ? all.length - 1
      : event.key.length === 1
      ? all.findIndex((each, index) =>
        index !== at && (each.textContent ?? "").trim().toLowerCase().startsWith(event.key.toLowerCase())
      )
      : -1;
    if (event.key === "Tab") onClose();
    if (to < 0) return;
    event.preventDefault();
    all[to]?.focus();
  };
  return (
    <div ref={ref} role="menu" aria-label={label} className="menu" onKeyDown={move}>
      {items.map((item) => (
        <button
          key={item.id}
          type="button"
          role={item.checked === undefined ? "menuitem" : "menuitemcheckbox"}
          aria-checked={item.checked}
          disabled={item.disabled}
          tabIndex={-1}
          className={`menu-item${item.danger ? " menu-danger" : ""}${item.separated ? " menu-separated" : ""}`}
          onClick={() => {
            if (!item.stay) onClose();
            item.onSelect();
          }}
        >
          <span className="menu-mark">
            {item.checked ? <Icon name="check" size={14} /> : item.icon ? <Icon name={item.icon} size={14} /> : null}
          </span>
          <span className="grow ellipsis">{item.label}</span>
          {item.hint && <span className="menu-hint">{item.hint}</span>}
        </button>
      ))}
    </div>
  );
}

export interface MenuProps {
  items: MenuItem[];
  /** The button's text; without it the button is an icon. */
  text?: ReactNode;
  label: string;
  icon?: IconName;
  kind?: ButtonProps["kind"];
  small?: boolean;
  align?: "start" | "end";
  disabled?: boolean;
}

/** A button that opens a menu. */
export function Menu({ items, text, label, icon = "more", kind, small, align = "start", disabled }: MenuProps) {
  const [place, setPlace] = useState<Place | null>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();
  const open = () => {
    const box = button.current?.getBoundingClientRect();
    if (box) setPlace({ anchor: box, align });
  };
  const close = () => {
    setPlace(null);
    button.current?.focus();
  };
  const common = {
    ref: button,
    id,
    small,
    disabled,
    "aria-haspopup": "menu" as const,
    "aria-expanded": place !== null,
    onClick: () => place ? close() : open(),
    onKeyDown: (event: KeyboardEvent) => {
      if (event.key !== "ArrowDown") return;
      event.preventDefault();
      open();
    },
  };
  return (
    <>
      {text === undefined
        ? <IconButton icon={icon} label={label} kind={kind ?? "quiet"} {...common} />
        : (
          <Button icon={icon === "more" ? undefined : icon} kind={kind} {...common}>
            <span className="row">
              {text}
              <Icon name="chevron-down" size={12} />
            </span>
          </Button>
        )}
      {place && (
        <Floating place={place} onClose={close}>
          <MenuList items={items} onClose={close} label={label} />
        </Floating>
      )}
    </>
  );
}

/** A button that opens a panel with anything in it: filters, settings. */
export function Popover(
  { text, label, icon, kind, small, align = "start", children }: {
    text?: ReactNode;
    label: string;
    icon?: IconName;
    kind?: ButtonProps["kind"];
    small?: boolean;
    align?: "start" | "end";
    children: (close: () => void) => ReactNode;
  },
) {
  const [place, setPlace] = useState<Place | null>(null);
  const button = useRef<HTMLButtonElement>(null);
  const close = () => {
    setPlace(null);
    button.current?.focus();
  };
  const toggle = () => {
    const box = button.current?.getBoundingClientRect();
    if (place) close();
    else if (box) setPlace({ anchor: box, align });
  };
  const common = {
    ref: button,
    small,
    "aria-haspopup": "dialog" as const,
    "aria-expanded": place !== null,
    onClick: toggle,
  };
  return (
    <>
      {text === undefined
        ? <IconButton icon={icon ?? "more"} label={label} kind={kind ?? "quiet"} {...common} />
        : <Button icon={icon} kind={kind} title={label} {...common}>{text}</Button>}
      {place && (
        <Floating place={place} onClose={close} className="popover">
          <div role="dialog" aria-label={label}>{children(close)}</div>
        </Floating>
      )}
    </>
  );
}
