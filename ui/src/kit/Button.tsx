import { type ButtonHTMLAttributes, forwardRef, type ReactNode } from "react";
import { Link } from "../app/router.tsx";
import { Icon, type IconName } from "./Icon.tsx";

export interface ButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, "type"> {
  /** primary: the one main action of a place; danger: destroys; quiet: no frame. */
  kind?: "primary" | "plain" | "quiet" | "danger";
  icon?: IconName;
  small?: boolean;
  /** Work is under way: shows it, and cannot be pressed again. */
  busy?: boolean;
  submit?: boolean;
}

export const Button = forwardRef<HTMLButtonElement, ButtonProps>(function Button(
  { kind = "plain", icon, small, busy, submit, className, children, disabled, ...rest },
  ref,
) {
  return (
    <button
      ref={ref}
      type={submit ? "submit" : "button"}
      {...rest}
      disabled={disabled || busy}
      aria-busy={busy || undefined}
      className={buttonClass(kind, small, className)}
    >
      {busy ? <span className="spinner" aria-hidden /> : icon ? <Icon name={icon} size={small ? 14 : 16} /> : null}
      {children !== undefined && <span className="button-text">{children}</span>}
    </button>
  );
});

function buttonClass(kind: string, small: boolean | undefined, more?: string): string {
  return `button button-${kind}${small ? " button-small" : ""}${more ? " " + more : ""}`;
}

export interface IconButtonProps extends Omit<ButtonProps, "children" | "icon"> {
  icon: IconName;
  /** What it does, for the tooltip and for screen readers. */
  label: string;
  pressed?: boolean;
}

export const IconButton = forwardRef<HTMLButtonElement, IconButtonProps>(function IconButton(
  { icon, label, kind = "quiet", small, pressed, className, submit, busy, ...rest },
  ref,
) {
  return (
    <button
      ref={ref}
      type={submit ? "submit" : "button"}
      title={label}
      aria-label={label}
      aria-pressed={pressed}
      aria-busy={busy || undefined}
      {...rest}
      className={buttonClass(kind, small, `button-icon${className ? " " + className : ""}`)}
    >
      {busy ? <span className="spinner" aria-hidden /> : <Icon name={icon} size={small ? 14 : 16} />}
    </button>
  );
});

/** A link that looks like a button: it goes somewhere. */
export function ButtonLink(
  { to, kind = "plain", icon, small, children }: {
    to: string;
    kind?: ButtonProps["kind"];
    icon?: IconName;
    small?: boolean;
    children: ReactNode;
  },
) {
  return (
    <Link to={to} className={buttonClass(kind ?? "plain", small)}>
      {icon && <Icon name={icon} size={small ? 14 : 16} />}
      <span className="button-text">{children}</span>
    </Link>
  );
}
