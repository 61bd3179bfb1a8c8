import { useEffect, useMemo, useState } from "react";
import { PagedRows } from "../grid/rowSource.ts";
import { fetchRows, orderText, placeRef, type RowsPlace, type RowsView } from "./place.ts";

export function usePagedRows(place: RowsPlace, view: RowsView): PagedRows | null {
  const key = JSON.stringify([placeRef(place), view.filter, view.search, orderText(view.sort)]);
  const [source, setSource] = useState<{ key: string; rows: PagedRows } | null>(null);
  const asked = useMemo(() => ({ place, view }), [key]);
  useEffect(() => {
    const rows = new PagedRows((ask, signal) => fetchRows(asked.place, asked.view, ask, signal));
    setSource({ key, rows });
    return () => rows.close();
  }, [asked]);
  return source?.key === key ? source.rows : null;
}
