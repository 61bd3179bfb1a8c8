import { useEffect, useMemo, useRef, useState } from "react";
import { hrefOf, send } from "../api/client.ts";
import { type ApiError, asApiError, isAbort } from "../api/errors.ts";
import { IconButton } from "../kit/Button.tsx";
import { SearchInput } from "../kit/Field.tsx";
import { formatBytes, plural } from "../kit/format.ts";
import { Failed, Skeleton } from "../kit/States.tsx";
import { copyText } from "../kit/Values.tsx";

/** Older text is dropped from the page (never from the server) beyond this many characters. */
const kept = 2_000_000;
const linesShown = 5_000;

/** What a step printed, as it prints it: one stream that stays open while the step runs. */
export function LogView({ run, step, live }: { run: string; step: string; live: boolean }) {
  const [text, setText] = useState<string | null>(null);
  const [dropped, setDropped] = useState(0);
  const [error, setError] = useState<ApiError | null>(null);
  const [search, setSearch] = useState("");
  const [wraps, setWraps] = useState(true);
  const box = useRef<HTMLPreElement>(null);
  const follows = useRef(true);
  const url = hrefOf("/api/v1/pipeline-runs/{id}/steps/{step}/log", {
    path: { id: run, step },
    query: live ? { follow: "1" } : {},
  });
  useEffect(() => {
    const stopping = new AbortController();
    setText(null);
    setError(null);
    setDropped(0);
    let whole = "";
    let drawn = 0;
    const draw = () => {
      drawn = 0;
      setText(whole);
    };
    void (async () => {
      const response = await send("GET", url, { accept: "text/plain", signal: stopping.signal });
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { value, done } = await reader?.read() ?? { value: undefined, done: true };
        if (done) break;
        whole += value;
        if (whole.length > kept) {
          const cut = whole.indexOf("\n", whole.length - kept) + 1;
          setDropped((old) => old + cut);
          whole = whole.slice(cut);
        }
        // A chatty step must not draw the page a thousand times a second.
        if (drawn === 0) drawn = setTimeout(draw, 80);
      }
      clearTimeout(drawn);
      setText(whole);
    })().catch((problem) => {
      if (!isAbort(problem)) setError(asApiError(problem));
    });
    return () => {
      stopping.abort();
      clearTimeout(drawn);
    };
  }, [url]);
  const lines = useMemo(() => plainText(text ?? "").split("\n"), [text]);
  const wanted = search.toLowerCase();
  const found = useMemo(() => wanted ? lines.filter((line) => line.toLowerCase().includes(wanted)) : lines, [
    lines,
    wanted,
  ]);
  const shown = found.slice(-linesShown);
  useEffect(() => {
    const element = box.current;
    if (element && follows.current) element.scrollTop = element.scrollHeight;
  }, [shown.length, text]);
  if (error) return <Failed compact error={error} />;
  if (text === null) return <Skeleton rows={4} />;
  return (
    <div className="log">
      <div className="log-tools">
        <SearchInput value={search} onChange={setSearch} placeholder="Only lines with…" aria-label="Only lines with" />
        <span className="faint small grow">
          {wanted
            ? `${found.length} of ${plural(lines.length, "line")}`
            : plural(text === "" ? 0 : lines.length, "line")}
          {live && " · live"}
          {dropped > 0 && ` · the first ${formatBytes(dropped)} are in the download`}
        </span>
        <IconButton small icon="menu" label="Break long lines" pressed={wraps} onClick={() => setWraps(!wraps)} />
        <IconButton small icon="copy" label="Copy" onClick={() => void copyText(found.join("\n"))} />
        <a
          className="button button-quiet button-small button-icon"
          href={hrefOf("/api/v1/pipeline-runs/{id}/steps/{step}/log", { path: { id: run, step } })}
          download={`${step}.log`}
          title="Download"
          aria-label="Download the log"
        >
          ↓
        </a>
      </div>
      <pre
        ref={box}
        className={wraps ? "log-text log-wraps" : "log-text"}
        tabIndex={0}
        aria-label={`Log of ${step}`}
        onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
          follows.current = scrollHeight - scrollTop - clientHeight < 24;
        }}
      >
        {shown.length < found.length && <div className="faint">… {found.length - shown.length} lines before</div>}
        {text === "" ? <span className="faint">It printed nothing{live ? " yet" : ""}.</span> : shown.join("\n")}
      </pre>
    </div>
  );
}

/** Without colours and cursor movements; of a line that was drawn over, what came last. */
function plainText(text: string): string {
  // deno-lint-ignore no-control-regex
  const bare = text.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, "");
  return bare.includes("\r") ? bare.replace(/\r\n/g, "\n").replace(/^.*\r(?=[^\n])/gm, "") : bare;
}
