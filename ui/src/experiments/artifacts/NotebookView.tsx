import { useMemo } from "react";
import { Markdown } from "../../kit/Markdown.tsx";
import { Notice } from "../../kit/States.tsx";
import { type Cell, type Output, parseNotebook } from "./notebook.ts";

/** A Jupyter notebook as it was saved: text, code and what came out. Nothing of it runs. */
export default function NotebookView({ text }: { text: string }) {
  const cells = useMemo(() => parseNotebook(text), [text]);
  if (!cells) return <Notice tone="warn">This is no notebook of the format 4 (JSON with cells).</Notice>;
  return <div className="notebook">{cells.map((cell, index) => <CellView key={index} cell={cell} />)}</div>;
}

function CellView({ cell }: { cell: Cell }) {
  if (cell.kind === "markdown") {
    return (
      <div className="notebook-text">
        <Markdown text={cell.source} />
      </div>
    );
  }
  return (
    <div className="notebook-cell">
      {cell.source !== "" && (
        <div className="notebook-line">
          <span className="notebook-count">{cell.kind === "code" ? `[${cell.count ?? " "}]` : ""}</span>
          <pre className="notebook-code" tabIndex={0}>{cell.source}</pre>
        </div>
      )}
      {cell.outputs.map((output, index) => (
        <div key={index} className="notebook-line">
          <span className="notebook-count" />
          <OutputView output={output} />
        </div>
      ))}
    </div>
  );
}

function OutputView({ output }: { output: Output }) {
  switch (output.kind) {
    case "image":
      return <img className="notebook-image" src={output.url} alt="Output of the cell" />;
    case "error":
      return <pre className="notebook-output tone-bad" tabIndex={0}>{output.text}</pre>;
    case "text":
      return <pre className="notebook-output" tabIndex={0}>{output.text}</pre>;
  }
}
