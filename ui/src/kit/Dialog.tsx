import { type ReactNode, useEffect, useId, useRef, useState } from "react";
import type { ApiError } from "../api/errors.ts";
import { Button, IconButton } from "./Button.tsx";
import { Notice } from "./States.tsx";

export interface DialogProps {
  open: boolean;
  onClose: () => void;
  title: string;
  children: ReactNode;
  /** Buttons, the main one last. */
  actions?: ReactNode;
  size?: "small" | "medium" | "large" | "full";
  /** Slides in from the right and leaves the page readable: for details beside a list. */
  side?: boolean;
}

/** A modal dialog: the browser's own, which keeps the focus inside and gives it back. Escape closes. */
export function Dialog({ open, onClose, title, children, actions, size = "medium", side }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    const dialog = ref.current;
    if (!dialog) return;
    if (open && !dialog.open) {
      dialog.showModal();
      // What one came for, not the way out: the first field, else the first button below (Cancel, when asked).
      const first =
        ".dialog-body :is(input, select, textarea):not(:disabled), .dialog-foot button, .dialog-body button";
      dialog.querySelector<HTMLElement>("[autofocus]")?.focus();
      if (!dialog.querySelector(".dialog-body :focus")) dialog.querySelector<HTMLElement>(first)?.focus();
    }
    if (!open && dialog.open) dialog.close();
  }, [open]);
  if (!open) return null;
  return (
    <dialog
      ref={ref}
      className={`dialog dialog-${size}${side ? " dialog-side" : ""}`}
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === ref.current) onClose();
      }}
    >
      <div className="dialog-frame">
        <header className="dialog-head">
          <h2 id={titleId}>{title}</h2>
          <IconButton icon="close" label="Close" onClick={onClose} />
        </header>
        <div className="dialog-body">{children}</div>
        {actions && <footer className="dialog-foot">{actions}</footer>}
      </div>
    </dialog>
  );
}

export interface ConfirmProps {
  open: boolean;
  onClose: () => void;
  title: string;
  /** Exactly what will happen, with counts: what goes, what stays, whether it can be undone. */
  children: ReactNode;
  /** The verb: "Delete 3 runs". */
  action: string;
  onConfirm: () => Promise<unknown> | void;
  error?: ApiError | undefined;
  /** Has to be typed before the button works: for what cannot be undone. */
  typeToConfirm?: string;
  danger?: boolean;
}

/** Asks before something that destroys or is seen by others. Stays open while the action runs and when it fails. */
export function Confirm(
  { open, onClose, title, children, action, onConfirm, error, typeToConfirm, danger = true }: ConfirmProps,
) {
  const [busy, setBusy] = useState(false);
  const [typed, setTyped] = useState("");
  const fieldId = useId();
  useEffect(() => {
    if (open) setTyped("");
  }, [open]);
  const confirm = async () => {
    setBusy(true);
    try {
      await onConfirm();
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog
      open={open}
      onClose={onClose}
      title={title}
      size="small"
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            kind={danger ? "danger" : "primary"}
            busy={busy}
            disabled={typeToConfirm !== undefined && typed !== typeToConfirm}
            onClick={() => void confirm()}
          >
            {action}
          </Button>
        </>
      }
    >
      <div className="stack">
        {children}
        {typeToConfirm !== undefined && (
          <div className="field">
            <label className="field-label" htmlFor={fieldId}>
              Type <code>{typeToConfirm}</code> to confirm
            </label>
            <input
              id={fieldId}
              className="input"
              value={typed}
              autoComplete="off"
              onChange={(event) => setTyped(event.target.value)}
            />
          </div>
        )}
        {error && <Notice tone="bad">{error.message}</Notice>}
      </div>
    </Dialog>
  );
}
