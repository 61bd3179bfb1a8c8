import { useEffect, useRef, useState } from "react";
import { asApiError } from "../../api/errors.ts";
import { Failed, Skeleton } from "../States.tsx";
import type { Hint, Instance } from "./codemirror.d.ts";

export interface EditorProblem {
  /** From 0. */
  line: number;
  message: string;
  tone?: "bad" | "warn";
}

export interface EditorCompletion {
  text: string;
  /** Right of it: what it is. */
  detail?: string;
  /** Replaces this many characters before the cursor; the word before it if absent. */
  replaces?: number;
}

export interface EditorProps {
  /** For screen readers: "Definition". */
  label: string;
  value: string;
  onChange?: (text: string) => void;
  language: "yaml" | "json" | "sql" | "markdown";
  readOnly?: boolean;
  /** What may stand at the cursor; line and column from 0. Asked while typing and at Ctrl+Space. */
  complete?: (text: string, line: number, column: number) => EditorCompletion[] | Promise<EditorCompletion[]>;
  /** Marked in the gutter. */
  problems?: readonly EditorProblem[];
  /** Ctrl+Enter: run the query, check the text. */
  onSubmit?: () => void;
  /** Ctrl+S. */
  onSave?: () => void;
  /** A CSS height, "auto" for as high as the text; fills its place if absent. */
  height?: string;
  placeholder?: string;
  /** Where the cursor goes; a new object moves it anew. */
  cursor?: { line: number } | null;
}

const modes = {
  yaml: "yaml",
  json: { name: "javascript", json: true },
  sql: "text/x-pgsql",
  markdown: "markdown",
} as const;

/**
 * A text editor for YAML, JSON, SQL and Markdown with completion and marks at lines. Loaded when it is shown. Tab
 * indents; Escape and then Tab leaves it, so that nobody is caught in it.
 */
export function Editor(props: EditorProps) {
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<Instance | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const marked = useRef<number[]>([]);
  const [error, setError] = useState<unknown>(null);
  const [isReady, setReady] = useState(false);

  useEffect(() => {
    let isGone = false;
    void import("./load.ts").then(({ default: CodeMirror }) => {
      if (isGone || !host.current) return;
      const mirror = create(CodeMirror, host.current, latest);
      editor.current = mirror;
      setReady(true);
    }).catch((problem) => setError(problem));
    return () => {
      isGone = true;
      editor.current?.getWrapperElement().remove();
      editor.current = null;
    };
  }, []);

  useEffect(() => {
    const mirror = editor.current;
    if (!mirror || mirror.getValue() === props.value) return;
    const cursor = mirror.getCursor();
    const { left, top } = mirror.getScrollInfo();
    mirror.setValue(props.value);
    mirror.setCursor(cursor);
    mirror.scrollTo(left, top);
  }, [props.value, isReady]);

  useEffect(() => {
    editor.current?.setOption("readOnly", props.readOnly ?? props.onChange === undefined);
  }, [props.readOnly, props.onChange === undefined, isReady]);

  useEffect(() => {
    const mirror = editor.current;
    if (!mirror) return;
    mirror.clearGutter("editor-marks");
    for (const line of marked.current) mirror.removeLineClass(line, "background", "editor-wrong");
    marked.current = [];
    for (const { line, message, tone = "bad" } of props.problems ?? []) {
      const at = Math.max(0, Math.min(line, mirror.lineCount() - 1));
      const mark = document.createElement("span");
      mark.className = `editor-mark editor-mark-${tone}`;
      mark.title = message;
      mark.setAttribute("aria-label", message);
      mark.setAttribute("role", "img");
      mirror.setGutterMarker(at, "editor-marks", mark);
      mirror.addLineClass(at, "background", "editor-wrong");
      marked.current.push(at);
    }
  }, [props.problems, isReady]);

  useEffect(() => {
    const mirror = editor.current;
    if (!mirror || !props.cursor) return;
    const place = { line: props.cursor.line, ch: mirror.getLine(props.cursor.line)?.length ?? 0 };
    mirror.setCursor(place);
    mirror.scrollIntoView(place, 80);
    mirror.focus();
  }, [props.cursor, isReady]);

  if (error) return <Failed compact error={asApiError(error)} />;
  return (
    <div
      ref={host}
      className={props.height === "auto" ? "editor editor-auto" : "editor"}
      style={props.height && props.height !== "auto" ? { height: props.height } : undefined}
    >
      {!isReady && (
        <div className="editor-wait">
          <Skeleton rows={6} />
        </div>
      )}
    </div>
  );
}

type Static = typeof import("./codemirror.d.ts").default;

function create(CodeMirror: Static, host: HTMLElement, latest: { current: EditorProps }): Instance {
  const hint = () => showHints(mirror, latest.current);
  const mirror = CodeMirror(host, {
    value: latest.current.value,
    mode: modes[latest.current.language],
    lineNumbers: true,
    gutters: ["editor-marks", "CodeMirror-linenumbers"],
    indentUnit: 2,
    tabSize: 2,
    matchBrackets: true,
    autoCloseBrackets: true,
    readOnly: latest.current.readOnly ?? latest.current.onChange === undefined,
    viewportMargin: latest.current.height === "auto" ? Infinity : 30,
    inputStyle: "contenteditable",
    screenReaderLabel: latest.current.label,
    extraKeys: {
      "Ctrl-Space": hint,
      "Ctrl-/": "toggleComment",
      "Cmd-/": "toggleComment",
      "Ctrl-Enter": () => latest.current.onSubmit?.(),
      "Cmd-Enter": () => latest.current.onSubmit?.(),
      "Ctrl-S": () => latest.current.onSave?.(),
      "Cmd-S": () => latest.current.onSave?.(),
      Tab: () => mirror.execCommand(mirror.somethingSelected() ? "indentMore" : "insertSoftTab"),
      "Shift-Tab": "indentLess",
      // Escape lets the next Tab go on to what follows the editor.
      Esc: () => {
        const leave = { Tab: false, "Shift-Tab": false };
        (mirror as unknown as { addKeyMap: (map: object) => void }).addKeyMap(leave);
        setTimeout(() => (mirror as unknown as { removeKeyMap: (map: object) => void }).removeKeyMap(leave), 3000);
      },
    },
  });
  mirror.getInputField().setAttribute("aria-label", latest.current.label);
  if (latest.current.placeholder) {
    mirror.getInputField().setAttribute("aria-description", latest.current.placeholder);
  }
  mirror.on("change", (() => latest.current.onChange?.(mirror.getValue())) as () => void);
  mirror.on(
    "inputRead",
    ((_: unknown, change: { text: string[] }) => {
      if (mirror.state.completionActive || !latest.current.complete) return;
      if (/[\w.:${@-]$/.test(change.text.join(""))) hint();
    }) as (...args: never[]) => void,
  );
  return mirror;
}

/** What the word before the cursor is that a completion replaces. */
function wordBefore(line: string, column: number): number {
  return /[\w.$@{}:/-]*$/.exec(line.slice(0, column))?.[0].length ?? 0;
}

function showHints(mirror: Instance, { complete }: EditorProps): void {
  if (!complete) return;
  mirror.showHint({
    completeSingle: false,
    closeCharacters: /[\s()[\]{};>,]/,
    hint: async () => {
      const cursor = mirror.getCursor();
      const found = await complete(mirror.getValue(), cursor.line, cursor.ch);
      const word = wordBefore(mirror.getLine(cursor.line), cursor.ch);
      const list: (Hint & { from: typeof cursor; to: typeof cursor })[] = found.slice(0, 60).map((each) => ({
        text: each.text,
        from: { line: cursor.line, ch: cursor.ch - (each.replaces ?? word) },
        to: cursor,
        render: (element) => {
          const text = document.createElement("span");
          text.textContent = each.text;
          const detail = document.createElement("span");
          detail.className = "editor-hint-detail";
          detail.textContent = each.detail ?? "";
          element.append(text, detail);
        },
      }));
      return list.length === 0 ? null : { list, from: cursor, to: cursor };
    },
  });
}
