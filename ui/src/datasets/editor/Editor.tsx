import { type KeyboardEvent, useId, useLayoutEffect, useMemo, useRef, useState } from "react";
import { Floating, type Place } from "../../kit/Menu.tsx";
import type { Complete, Suggestions } from "./complete.ts";
import { highlight, type Language } from "./highlight.ts";

export interface EditorProps {
  value: string;
  onChange: (value: string) => void;
  label: string;
  language: Language;
  complete?: Complete | undefined;
  /** Enter in one line, Ctrl-Enter in several. */
  onRun?: () => void;
  /** One line, as for a filter. */
  single?: boolean;
  placeholder?: string;
  /** Lines at least. */
  rows?: number;
  invalid?: boolean;
  id?: string;
}

/** A text with colours and completion. A textarea lies over the coloured text, so that the browser does the editing. */
export function Editor(props: EditorProps) {
  const { value, onChange, label, language, complete, onRun, single, placeholder, rows = 5, invalid } = props;
  const area = useRef<HTMLTextAreaElement>(null);
  const back = useRef<HTMLPreElement>(null);
  const [shown, setShown] = useState<{ found: Suggestions; place: Place } | null>(null);
  const [chosen, setChosen] = useState(0);
  const listId = useId();
  const caretAfter = useRef<number | null>(null);
  const pieces = useMemo(() => highlight(value, language), [value, language]);

  const suggest = (text: string, caret: number) => {
    const found = complete?.(text, caret) ?? null;
    const element = area.current;
    if (!found || !element || document.activeElement !== element) return setShown(null);
    setChosen(0);
    setShown({ found, place: { anchor: placeOf(element, text, found.from) } });
  };
  const take = (index: number) => {
    const item = shown?.found.items[index];
    const element = area.current;
    if (!item || !element || !shown) return;
    const space = item.text.endsWith("(") ? "" : " ";
    const rest = value.slice(element.selectionStart).replace(/^ /, "");
    const text = value.slice(0, shown.found.from) + item.text + space;
    caretAfter.current = text.length;
    onChange(text + rest);
    setShown(null);
  };
  useLayoutEffect(() => {
    const at = caretAfter.current;
    if (at === null || !area.current) return;
    caretAfter.current = null;
    area.current.setSelectionRange(at, at);
    suggest(value, at);
  }, [value]);

  const pressed = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    const count = shown?.found.items.length ?? 0;
    if (shown && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      setChosen((chosen + (event.key === "ArrowDown" ? 1 : count - 1)) % count);
    } else if (shown && event.key === "Tab" && !event.shiftKey) {
      event.preventDefault();
      take(chosen);
    } else if (shown && event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      setShown(null);
    } else if (event.key === "Enter" && onRun && (single || event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      setShown(null);
      onRun();
    } else if (event.key === "Enter" && shown && chosen > 0) {
      event.preventDefault();
      take(chosen);
    } else if (event.key === " " && event.ctrlKey) {
      event.preventDefault();
      suggest(value, event.currentTarget.selectionStart);
    }
  };
  return (
    <div className={`editor${single ? " editor-single" : ""}${invalid ? " editor-invalid" : ""}`}>
      <pre ref={back} className="editor-back" aria-hidden>
        {pieces.map((piece, index) => <span key={index} className={`code-${piece.kind}`}>{piece.text}</span>)}
        {"\n"}
      </pre>
      <textarea
        ref={area}
        id={props.id}
        className="editor-area"
        aria-label={label}
        aria-autocomplete={complete ? "list" : undefined}
        aria-controls={shown ? listId : undefined}
        aria-invalid={invalid || undefined}
        spellCheck={false}
        autoCapitalize="off"
        rows={single ? 1 : Math.max(rows, Math.min(24, value.split("\n").length + 1))}
        wrap="off"
        placeholder={placeholder}
        value={value}
        onChange={(event) => {
          const text = single ? event.target.value.replaceAll("\n", " ") : event.target.value;
          onChange(text);
          suggest(text, event.target.selectionStart);
        }}
        onClick={(event) => suggest(value, event.currentTarget.selectionStart)}
        onFocus={(event) => value === "" && suggest(value, event.currentTarget.selectionStart)}
        onBlur={() => setTimeout(() => setShown(null), 120)}
        onKeyDown={pressed}
        onScroll={(event) => {
          if (!back.current) return;
          back.current.scrollTop = event.currentTarget.scrollTop;
          back.current.scrollLeft = event.currentTarget.scrollLeft;
        }}
      />
      {shown && (
        <Floating place={shown.place} onClose={() => setShown(null)} className="editor-menu">
          <ul role="listbox" id={listId} aria-label="Suggestions">
            {shown.found.items.map((item, index) => (
              <li
                key={item.text}
                role="option"
                aria-selected={index === chosen}
                className="editor-item"
                onPointerDown={(event) => {
                  event.preventDefault();
                  take(index);
                }}
              >
                <span className="ellipsis">{item.text}</span>
                {item.detail && <span className="editor-detail">{item.detail.toLowerCase()}</span>}
              </li>
            ))}
          </ul>
          <p className="editor-hint">Tab takes it, Esc closes</p>
        </Floating>
      )}
    </div>
  );
}

/** Where a character of a textarea is in the window; its font has one width. */
function placeOf(element: HTMLTextAreaElement, text: string, at: number): Place["anchor"] {
  const style = getComputedStyle(element);
  const context = document.createElement("canvas").getContext("2d");
  if (context) context.font = `${style.fontSize} ${style.fontFamily}`;
  const width = context?.measureText("0").width ?? 8;
  const lines = text.slice(0, at).split("\n");
  const box = element.getBoundingClientRect();
  const lineHeight = parseFloat(style.lineHeight);
  const top = box.top + parseFloat(style.paddingTop) + (lines.length - 1) * lineHeight - element.scrollTop;
  const left = box.left + parseFloat(style.paddingLeft) + (lines.at(-1)?.length ?? 0) * width - element.scrollLeft;
  const inside = Math.max(box.left, Math.min(left, box.right - 40));
  return { left: inside, right: inside, top, bottom: top + lineHeight };
}
