export { BarChart, type BarChartProps, type BarSeries, Histogram, type HistogramProps } from "./BarChart.tsx";
export { categoryCss, sequential } from "./color.ts";
export {
  ConfusionMatrix,
  ContourChart,
  type ContourChartProps,
  HeatTable,
  type HeatTableProps,
} from "./HeatmapChart.tsx";
export { LineChart, type LineChartProps, type Mark } from "./LineChart.tsx";
export { type ParallelAxis, ParallelChart, type ParallelChartProps } from "./ParallelChart.tsx";
export type { ScaleKind } from "./scale.ts";
export { ScatterChart, type ScatterChartProps, type ScatterPoint } from "./ScatterChart.tsx";
export { extent, type Series, smooth, thin } from "./series.ts";
