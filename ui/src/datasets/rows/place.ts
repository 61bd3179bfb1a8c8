import type {} from "../slices/api.ts";
import { get, hrefOf } from "../../api/client.ts";
import type { RowsPage, Series, TableProfile } from "../api.ts";
import type { Sort } from "../grid/HugeGrid.tsx";
import type { Ask } from "../grid/rowSource.ts";
import { quoted } from "../editor/complete.ts";

/** Where rows are: a version of a dataset, or a slice. */
export type RowsPlace =
  | { kind: "dataset"; name: string; version: number }
  | { kind: "slice"; name: string; version: string | null };

export interface RowsView {
  filter: string;
  search: string;
  sort: readonly Sort[];
}

export function placeRef(place: RowsPlace): string {
  return place.version === null ? `${place.kind}:${place.name}` : `${place.kind}:${place.name}@${place.version}`;
}

export function orderText(sort: readonly Sort[]): string {
  return sort.map(({ column, descending }) => quoted(column) + (descending ? " DESC" : "")).join(", ");
}

function queryOf(view: RowsView) {
  return { filter: view.filter, search: view.search, order: orderText(view.sort) };
}

export function fetchRows(
  place: RowsPlace,
  view: RowsView,
  { at, limit }: Ask,
  signal: AbortSignal,
): Promise<RowsPage> {
  const query = { ...queryOf(view), limit, ...(at === undefined ? {} : { at }) };
  return place.kind === "dataset"
    ? get("/api/v1/datasets/{name}/versions/{version}/rows", {
      path: { name: place.name, version: place.version },
      query,
      signal,
    })
    : get("/api/v1/slices/{name}/rows", {
      path: { name: place.name },
      query: { ...query, version: place.version },
      signal,
    });
}

export function fetchProfile(place: RowsPlace, signal: AbortSignal): Promise<TableProfile> {
  return place.kind === "dataset"
    ? get("/api/v1/datasets/{name}/versions/{version}/profile", {
      path: { name: place.name, version: place.version },
      signal,
    })
    : get("/api/v1/slices/{name}/profile", { path: { name: place.name }, signal });
}

export interface SeriesQuestion {
  x: string;
  y: readonly string[];
  buckets: number;
  filter: string;
  from?: string;
  to?: string;
}

export function fetchSeries(place: RowsPlace, asked: SeriesQuestion, signal: AbortSignal): Promise<Series> {
  const query = { ...asked, y: asked.y.join(",") };
  return place.kind === "dataset"
    ? get("/api/v1/datasets/{name}/versions/{version}/series", {
      path: { name: place.name, version: place.version },
      query,
      signal,
    })
    : get("/api/v1/slices/{name}/series", {
      path: { name: place.name },
      query: { ...query, version: place.version },
      signal,
    });
}

/** The address of all rows of a view as a file. */
export function downloadHref(place: RowsPlace, view: RowsView, format: "csv" | "parquet" | "arrow"): string {
  const query = { ...queryOf(view), format };
  return place.kind === "dataset"
    ? hrefOf("/api/v1/datasets/{name}/versions/{version}/data", {
      path: { name: place.name, version: place.version },
      query,
    })
    : hrefOf("/api/v1/slices/{name}/data", { path: { name: place.name }, query });
}
