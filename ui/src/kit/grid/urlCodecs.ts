import type { Codec } from "../../app/urlCodecs.ts";
import type { ColumnLayout, Sort } from "./columns.ts";

/** `-started` is descending by started. For `useUrlState("sort", sortCodec, null)`. */
export const sortCodec: Codec<Sort | null> = {
  read: (text) => text === "" ? null : { column: text.replace(/^-/, ""), descending: text.startsWith("-") },
  write: (sort) => sort === null ? null : (sort.descending ? "-" : "") + sort.column,
};

/** Columns in the URL: only what differs from the page's own arrangement. */
export const layoutCodec: Codec<ColumnLayout> = {
  read: (text) => {
    const layout: ColumnLayout = {};
    for (const part of text.split(";")) {
      const [name, value = ""] = split(part, ":");
      const ids = value === "" ? [] : value.split(",").map(decodeURIComponent);
      if (name === "order" || name === "shown" || name === "hidden" || name === "pinned" || name === "unpinned") {
        layout[name] = ids;
      } else if (name === "widths") {
        layout.widths = Object.fromEntries(
          ids.map((pair) => {
            const at = pair.lastIndexOf("=");
            return [pair.slice(0, at), Number(pair.slice(at + 1))] as const;
          }).filter(([id, width]) => id !== "" && Number.isFinite(width)),
        );
      }
    }
    return layout;
  },
  write: (layout) => {
    const parts: string[] = [];
    for (const name of ["order", "shown", "hidden", "pinned", "unpinned"] as const) {
      const ids = layout[name];
      if (ids && ids.length > 0) parts.push(`${name}:${ids.map(encodeURIComponent).join(",")}`);
    }
    const widths = Object.entries(layout.widths ?? {});
    if (widths.length > 0) {
      parts.push(`widths:${widths.map(([id, width]) => encodeURIComponent(`${id}=${width}`)).join(",")}`);
    }
    return parts.length === 0 ? null : parts.join(";");
  },
};

function split(text: string, mark: string): [string, string?] {
  const at = text.indexOf(mark);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
