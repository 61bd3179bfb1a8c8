export { FilterBar, type FilterBarProps } from "./FilterBar.tsx";
export { type FilterFieldInfo, quoteName, quoteText } from "./filterWords.ts";
