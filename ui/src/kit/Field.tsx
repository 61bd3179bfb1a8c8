import {
  cloneElement,
  type InputHTMLAttributes,
  type ReactElement,
  type ReactNode,
  type SelectHTMLAttributes,
  type TextareaHTMLAttributes,
  useId,
} from "react";

/** A label over a control, with help under it or what is wrong with it. */
export function Field(
  { label, help, error, required, children }: {
    label: ReactNode;
    help?: ReactNode;
    error?: string | null | undefined;
    required?: boolean;
    /** One control: Input, Select, TextArea … */
    children: ReactElement;
  },
) {
  const id = useId();
  const noteId = `${id}-note`;
  return (
    <div className="field">
      <label className="field-label" htmlFor={id}>
        {label}
        {required && <span className="field-required" aria-hidden>required</span>}
      </label>
      {cloneElement(children, {
        id,
        "aria-describedby": error || help ? noteId : undefined,
        "aria-invalid": error ? true : undefined,
        "aria-required": required || undefined,
      })}
      {(error || help) && <div id={noteId} className={error ? "field-error" : "field-help"}>{error ?? help}</div>}
    </div>
  );
}

export interface InputProps extends Omit<InputHTMLAttributes<HTMLInputElement>, "onChange" | "value"> {
  value: string;
  onChange: (value: string) => void;
  mono?: boolean;
}

export function Input({ onChange, mono, className, ...rest }: InputProps) {
  return (
    <input
      autoComplete="off"
      {...rest}
      className={`input${mono ? " mono" : ""}${className ? " " + className : ""}`}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}

export interface TextAreaProps extends Omit<TextareaHTMLAttributes<HTMLTextAreaElement>, "onChange" | "value"> {
  value: string;
  onChange: (value: string) => void;
  mono?: boolean;
}

export function TextArea({ onChange, mono, className, ...rest }: TextAreaProps) {
  return (
    <textarea
      rows={4}
      {...rest}
      className={`input textarea${mono ? " mono" : ""}${className ? " " + className : ""}`}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}

export interface SelectProps<T extends string>
  extends Omit<SelectHTMLAttributes<HTMLSelectElement>, "onChange" | "value"> {
  value: T;
  onChange: (value: T) => void;
  options: readonly { value: T; label: string }[];
}

export function Select<T extends string>({ onChange, options, className, ...rest }: SelectProps<T>) {
  return (
    <select
      {...rest}
      className={`input select${className ? " " + className : ""}`}
      onChange={(event) => onChange(event.target.value as T)}
    >
      {options.map((option) => <option key={option.value} value={option.value}>{option.label}</option>)}
    </select>
  );
}

export function Checkbox(
  { checked, onChange, children, disabled, indeterminate, label }: {
    checked: boolean;
    onChange: (checked: boolean) => void;
    children?: ReactNode;
    disabled?: boolean;
    indeterminate?: boolean;
    /** For screen readers, where there is no text. */
    label?: string;
  },
) {
  return (
    <label className="checkbox">
      <input
        type="checkbox"
        checked={checked}
        disabled={disabled}
        aria-label={label}
        ref={(element) => {
          if (element) element.indeterminate = indeterminate ?? false;
        }}
        onChange={(event) => onChange(event.target.checked)}
      />
      {children && <span>{children}</span>}
    </label>
  );
}

/** A field to search with, with a magnifying glass. */
export function SearchInput(props: InputProps) {
  return <Input type="search" {...props} className={`search-input ${props.className ?? ""}`} />;
}
