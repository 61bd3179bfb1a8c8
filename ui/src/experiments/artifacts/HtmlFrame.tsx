import { useEffect, useRef } from "react";

/**
 * A stored HTML page in a frame that runs nothing: no scripts, no forms, no requests. The page's policy forbids styles that
 * stand in the text, so they are taken out and put in by the style API, which can only paint.
 */
export default function HtmlFrame({ html, title }: { html: string; title: string }) {
  const frame = useRef<HTMLIFrameElement>(null);
  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    const { text, sheets, inline } = withoutStyles(html);
    const dress = () => {
      const page = element.contentDocument;
      const view = element.contentWindow as (Window & typeof globalThis) | null;
      if (!page || !view) return;
      page.adoptedStyleSheets = sheets.map((css) => {
        const sheet = new view.CSSStyleSheet();
        sheet.replaceSync(css);
        return sheet;
      });
      for (const [index, style] of inline.entries()) {
        const dressed = page.querySelector<HTMLElement>(`[data-slipway-style="${index}"]`);
        if (dressed) dressed.style.cssText = style;
      }
    };
    element.addEventListener("load", dress);
    element.srcdoc = text;
    return () => element.removeEventListener("load", dress);
  }, [html]);
  return (
    <>
      <iframe
        ref={frame}
        className="html-frame"
        title={title}
        sandbox="allow-same-origin"
        referrerPolicy="no-referrer"
      />
      <p className="small faint">
        Shown without its scripts and without asking other servers. Download it to see all of it.
      </p>
    </>
  );
}

function withoutStyles(html: string): { text: string; sheets: string[]; inline: string[] } {
  const page = new DOMParser().parseFromString(html, "text/html");
  const sheets: string[] = [];
  const inline: string[] = [];
  for (const style of page.querySelectorAll("style")) {
    sheets.push(style.textContent ?? "");
    style.remove();
  }
  for (
    const element of page.querySelectorAll("script, base, link, meta[http-equiv], object, embed, iframe, frame, form")
  ) {
    element.remove();
  }
  for (const element of page.querySelectorAll<HTMLElement>("[style]")) {
    element.setAttribute("data-slipway-style", String(inline.length));
    inline.push(element.getAttribute("style") ?? "");
    element.removeAttribute("style");
  }
  for (const element of page.querySelectorAll("*")) {
    for (const { name } of [...element.attributes]) if (name.startsWith("on")) element.removeAttribute(name);
  }
  return { text: "<!doctype html>" + page.documentElement.outerHTML, sheets, inline };
}
