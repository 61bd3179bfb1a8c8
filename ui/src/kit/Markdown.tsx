import { createElement, type ReactNode, useMemo } from "react";
import { Link } from "../app/router.tsx";
import { parseRef } from "../app/refs.ts";
import { type Block, type Inline, parseMarkdown } from "./markdown.ts";

/**
 * Markdown as React elements: headings, lists, tasks, tables, code, quotes, links, images, emphasis. HTML in the text is
 * shown as text, and a link or an image goes only where `isSafeUrl` lets it: nothing that somebody wrote can run.
 */
export function Markdown({ text, imageUrl }: { text: string; imageUrl?: (url: string) => string | null }) {
  const blocks = useMemo(() => parseMarkdown(text), [text]);
  return <div className="markdown">{blocks.map((block, index) => drawBlock(block, index, imageUrl))}</div>;
}

type ImageUrl = ((url: string) => string | null) | undefined;

function drawBlock(block: Block, key: number, imageUrl: ImageUrl): ReactNode {
  const inline = (parts: Inline[]) => parts.map((part, index) => drawInline(part, index, imageUrl));
  switch (block.kind) {
    case "heading":
      // A page has its own h1.
      return createElement(`h${Math.min(6, block.level + 1)}`, { key }, inline(block.text));
    case "paragraph":
      return <p key={key}>{inline(block.text)}</p>;
    case "code":
      return <pre key={key} tabIndex={0}><code>{block.text}</code></pre>;
    case "rule":
      return <hr key={key} />;
    case "quote":
      return <blockquote key={key}>{block.blocks.map((each, index) => drawBlock(each, index, imageUrl))}</blockquote>;
    case "list": {
      const items = block.items.map((item, index) => (
        <li key={index} className={item.checked === null ? undefined : "markdown-task"}>
          {item.checked !== null && <input type="checkbox" checked={item.checked} readOnly disabled />}
          {item.blocks.map((each, at) =>
            drawBlock(each, at, imageUrl)
          )}
        </li>
      ));
      return block.ordered ? <ol key={key} start={block.start}>{items}</ol> : <ul key={key}>{items}</ul>;
    }
    case "table":
      return (
        <div key={key} className="markdown-table">
          <table>
            <thead>
              <tr>
                {block.head.map((cell, index) => (
                  <th key={index} style={{ textAlign: block.align[index] }}>{inline(cell)}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {block.rows.map((row, at) => (
                <tr key={at}>
                  {row.map((cell, index) => (
                    <td key={index} style={{ textAlign: block.align[index] }}>{inline(cell)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      );
  }
}

function drawInline(part: Inline, key: number, imageUrl: ImageUrl): ReactNode {
  const inside = (parts: Inline[]) => parts.map((each, index) => drawInline(each, index, imageUrl));
  switch (part.kind) {
    case "text":
      return part.text;
    case "code": {
      const ref = parseRef(part.text);
      const isLink = ref !== null && /^(dataset|model|run|endpoint|monitor|pipeline|slice|experiment)$/.test(ref.kind);
      return isLink
        ? (
          <Link key={key} to={"/ref/" + encodeURIComponent(part.text)}>
            <code>{part.text}</code>
          </Link>
        )
        : <code key={key}>{part.text}</code>;
    }
    case "strong":
      return <strong key={key}>{inside(part.parts)}</strong>;
    case "emphasis":
      return <em key={key}>{inside(part.parts)}</em>;
    case "strike":
      return <del key={key}>{inside(part.parts)}</del>;
    case "break":
      return <br key={key} />;
    case "link":
      return <a key={key} href={part.url} target="_blank" rel="noopener noreferrer">{inside(part.parts)}</a>;
    case "image": {
      const url = imageUrl ? imageUrl(part.url) : part.url.startsWith("data:image/") ? part.url : null;
      return url
        ? <img key={key} src={url} alt={part.alt} />
        : <span key={key} className="faint">[{part.alt || "image"}]</span>;
    }
  }
}
