import { useEffect, useMemo, useState } from "react";
import { Button } from "../../kit/Button.tsx";
import { SearchInput } from "../../kit/Field.tsx";
import { Icon } from "../../kit/Icon.tsx";
import type { ApiError } from "../../api/errors.ts";
import type { Column, TableProfile } from "../api.ts";
import { completeFilter } from "../editor/complete.ts";
import { Editor } from "../editor/Editor.tsx";

/** The filter, in the same grammar as the API's, and the search through all text. */
export function FilterBar(
  { filter, search, onFilter, onSearch, columns, profile, error }: {
    filter: string;
    search: string;
    onFilter: (filter: string) => void;
    onSearch: (search: string) => void;
    columns: readonly Column[];
    profile: TableProfile | undefined;
    error: ApiError | undefined;
  },
) {
  const [text, setText] = useState(filter);
  const [words, setWords] = useState(search);
  useEffect(() => setText(filter), [filter]);
  useEffect(() => setWords(search), [search]);
  useEffect(() => {
    if (words === search) return;
    const timer = setTimeout(() => onSearch(words), 350);
    return () => clearTimeout(timer);
  }, [words]);
  const complete = useMemo(() =>
    completeFilter({
      columns,
      values: (name) => profile?.columns.find((each) => each.name === name)?.topValues.map((each) => each.value) ?? [],
    }), [columns, profile]);
  const isWrong = error !== undefined && error.field !== "order" && filter !== "" && error.code === "invalid";
  return (
    <div className="row-filter">
      <div className="row-filter-field">
        <Icon name="filter" size={14} />
        <Editor
          single
          language="filter"
          label="Filter"
          placeholder={columns[0] ? `Filter: ${example(columns)}` : "Filter"}
          value={text}
          onChange={setText}
          onRun={() => onFilter(text.trim())}
          complete={complete}
          invalid={isWrong}
        />
        {text.trim() !== filter
          ? <Button kind="primary" onClick={() => onFilter(text.trim())}>Apply</Button>
          : filter !== "" && <Button kind="quiet" icon="close" onClick={() => onFilter("")}>Clear</Button>}
      </div>
      <div className="row-filter-search">
        <SearchInput value={words} onChange={setWords} placeholder="Search all text" aria-label="Search all text" />
      </div>
    </div>
  );
}

function example(columns: readonly Column[]): string {
  const number = columns.find((column) => /INT|DOUBLE|DECIMAL/.test(column.type));
  const text = columns.find((column) => column.type === "VARCHAR");
  return [number && `${number.name} > 2`, text && `${text.name} = 'x'`].filter(Boolean).join(" AND ") ||
    `${columns[0]?.name} IS NULL`;
}
