import { type KeyboardEvent, useEffect, useId, useMemo, useRef, useState } from "react";
import type { ApiError } from "../../api/errors.ts";
import { Icon } from "../Icon.tsx";
import { type FilterFieldInfo, suggest, type Suggestion } from "./filterWords.ts";

export interface FilterBarProps {
  /** The filter that holds. */
  value: string;
  /** Called on Enter and when the field is left. */
  onChange: (filter: string) => void;
  fields: readonly FilterFieldInfo[];
  placeholder?: string;
  label?: string;
  /** What the server says of the filter, shown under it. */
  error?: ApiError | undefined;
}

/**
 * A filter in the API's own grammar, with completion: names, comparisons, usual values, AND and OR. Enter applies, Tab
 * takes the suggestion, Escape closes the list and then restores.
 */
export function FilterBar({ value, onChange, fields, placeholder, label = "Filter", error }: FilterBarProps) {
  const [text, setText] = useState(value);
  const [caret, setCaret] = useState(value.length);
  const [isOpen, setOpen] = useState(false);
  const [at, setAt] = useState(-1);
  const input = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLUListElement>(null);
  const id = useId();
  useEffect(() => setText(value), [value]);
  const suggestions = useMemo(() => suggest(text, caret, fields), [text, caret, fields]);
  const items = isOpen ? suggestions.items : [];
  const apply = (next: string) => {
    setOpen(false);
    if (next.trim() !== value.trim()) onChange(next.trim());
  };
  const take = (item: Suggestion) => {
    const next = text.slice(0, suggestions.from) + item.text + text.slice(suggestions.to).replace(/^ /, "");
    const place = suggestions.from + item.text.length;
    setText(next);
    setCaret(place);
    setAt(-1);
    requestAnimationFrame(() => {
      input.current?.focus();
      input.current?.setSelectionRange(place, place);
    });
  };
  const press = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0) {
      event.preventDefault();
      if (!isOpen) return setOpen(true);
      const next = items.length === 0 ? -1 : (at + step + items.length) % items.length;
      setAt(next);
      list.current?.children[next]?.scrollIntoView({ block: "nearest" });
      return;
    }
    const chosen = items[at] ?? (event.key === "Tab" && suggestions.from < caret ? items[0] : undefined);
    if ((event.key === "Enter" || event.key === "Tab") && chosen && !event.shiftKey) {
      event.preventDefault();
      take(chosen);
    } else if (event.key === "Enter") {
      event.preventDefault();
      apply(text);
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      if (isOpen && items.length > 0) setOpen(false);
      else setText(value);
    }
  };
  return (
    <div className="filter-bar">
      <div className={error ? "filter-box filter-wrong" : "filter-box"}>
        <Icon name="filter" />
        <input
          ref={input}
          role="combobox"
          aria-label={label}
          aria-expanded={items.length > 0}
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          aria-activedescendant={at >= 0 ? `${id}-${at}` : undefined}
          aria-invalid={error ? true : undefined}
          aria-describedby={error ? `${id}-error` : undefined}
          placeholder={placeholder ?? "Filter, as in metrics.rmse < 0.3 AND tags.stage = 'prod'"}
          spellCheck={false}
          autoComplete="off"
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setCaret(event.target.selectionStart ?? event.target.value.length);
            setAt(-1);
            setOpen(true);
          }}
          onSelect={(event) => setCaret(event.currentTarget.selectionStart ?? 0)}
          onFocus={() => setOpen(true)}
          onBlur={() => apply(text)}
          onKeyDown={press}
        />
        {text !== "" && (
          <button
            type="button"
            className="filter-clear"
            aria-label="Clear the filter"
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => {
              setText("");
              apply("");
            }}
          >
            <Icon name="close" size={12} />
          </button>
        )}
      </div>
      {items.length > 0 && (
        <ul ref={list} id={`${id}-list`} role="listbox" aria-label="Suggestions" className="filter-list">
          {items.map((item, index) => (
            <li
              key={item.label}
              id={`${id}-${index}`}
              role="option"
              aria-selected={index === at}
              className="filter-item"
              onMouseDown={(event) => event.preventDefault()}
              onClick={() =>
                take(item)}
            >
              <span className="ellipsis mono">{item.label}</span>
              {item.detail && <span className="faint small">{item.detail}</span>}
            </li>
          ))}
        </ul>
      )}
      {error && <div id={`${id}-error`} className="field-error" role="alert">{error.message}</div>}
    </div>
  );
}
