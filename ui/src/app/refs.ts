import type { Ref } from "./feature.ts";

/** Parses `kind:name[@selector]`; null if the text is not a ref. The same rule as the server's. */
export function parseRef(text: string): Ref | null {
  const match = /^([a-z][a-z-]*):(.+)$/s.exec(text.trim());
  const kind = match?.[1];
  const rest = match?.[2];
  if (!kind || !rest) return null;
  if (kind !== "file" && kind !== "object") {
    const at = rest.lastIndexOf("@");
    if (at > 0) return { kind, name: rest.slice(0, at), selector: rest.slice(at + 1) || null, text: text.trim() };
  }
  return { kind, name: rest, selector: null, text: text.trim() };
}

export function formatRef(kind: string, name: string, selector?: string | number | null): string {
  return `${kind}:${name}${selector === undefined || selector === null ? "" : "@" + selector}`;
}

/** A ref as people read it: long ids shortened. `run:01a20d49…2b64` */
export function shortRef(ref: Ref): string {
  const name = /^[0-9a-f-]{20,}$/.test(ref.name.replace(/^m-/, ""))
    ? ref.name.slice(0, 6) + "…" + ref.name.slice(-4)
    : ref.name;
  return `${name}${ref.selector ? "@" + ref.selector : ""}`;
}
