import type { ReactNode } from "react";
import type { ApiError } from "../api/errors.ts";
import { Button } from "./Button.tsx";
import { Dialog } from "./Dialog.tsx";
import { Notice } from "./States.tsx";

export interface FormDialogProps {
  title: string;
  /** The button's verb: "Create", "Rename". */
  action: string;
  onClose: () => void;
  onSubmit: () => void;
  /** Whether what is needed was filled in. */
  ready: boolean;
  busy: boolean;
  error?: ApiError | undefined;
  /** Fields. */
  children: ReactNode;
}

/** A dialog that asks for a few things and does one: Enter or its button submits, a refusal stands below the fields. */
export function FormDialog({ title, action, onClose, onSubmit, ready, busy, error, children }: FormDialogProps) {
  return (
    <Dialog
      open
      size="small"
      title={title}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" busy={busy} disabled={!ready} onClick={onSubmit}>{action}</Button>
        </>
      }
    >
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (ready) onSubmit();
        }}
      >
        {children}
        {error && <Notice tone="bad">{error.message}</Notice>}
        <button type="submit" hidden />
      </form>
    </Dialog>
  );
}
