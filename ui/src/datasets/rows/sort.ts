import type { Codec } from "../../app/urlState.ts";
import type { Sort } from "../grid/HugeGrid.tsx";

/** `price,-day`: by price, then the newest day first. */
export const sortCodec: Codec<Sort[]> = {
  read: (text) =>
    text.split(",").filter(Boolean).map((part) => {
      const name = part.replace(/^-/, "").replaceAll("%2C", ",").replaceAll("%2D", "-").replaceAll("%25", "%");
      return { column: name, descending: part.startsWith("-") };
    }),
  write: (sort) =>
    sort.length === 0 ? null : sort.map(({ column, descending }) => {
      const name = column.replaceAll("%", "%25").replaceAll(",", "%2C").replace(/^-/, "%2D");
      return (descending ? "-" : "") + name;
    }).join(","),
};

/** What a click on a column's name does: ascending, descending, as the rows lie. */
export function nextSort(sort: readonly Sort[], column: string, add: boolean): Sort[] {
  const now = sort.find((each) => each.column === column);
  const others = add ? sort.filter((each) => each.column !== column) : [];
  if (!now) return [...others, { column, descending: false }];
  return now.descending
    ? [...others]
    : add
    ? sort.map((each) => each === now ? { ...each, descending: true } : each)
    : [{ column, descending: true }];
}
