export { DataGrid, type DataGridProps } from "./DataGrid.tsx";
export { ColumnChooser } from "./ColumnChooser.tsx";
export type { Column, ColumnLayout, Sort } from "./columns.ts";
export { arraySource, pagesSource, type RowSource, useWindowSource } from "./source.ts";
export type { Selection } from "./selection.ts";
export { layoutCodec, sortCodec } from "./urlCodecs.ts";
