import { useFetch } from "../../api/hooks.ts";
import { formatCount } from "../../kit/format.ts";
import { Loaded, Notice, Skeleton } from "../../kit/States.tsx";
import { readParquet } from "./parquet/read.ts";
import { bytesOf, type FileSource, sizeOf } from "./read.ts";
import { TableView } from "./TableView.tsx";

/** The first rows of a Parquet file. */
export default function ParquetView({ source }: { source: FileSource }) {
  const query = useFetch(`parquet ${source.key}`, async (signal) => {
    const size = await sizeOf(source, signal);
    return await readParquet(size, (from, to) => bytesOf(source, signal, { from, to }));
  }, { fresh: 60_000 });
  return (
    <Loaded query={query} compact skeleton={<Skeleton height={240} />}>
      {(table) => (
        <>
          {table.isCut && (
            <Notice>
              The first {formatCount(table.rows.length)} of {formatCount(table.total)} rows are shown.
            </Notice>
          )}
          <TableView table={{ ...table, isCut: false }} />
        </>
      )}
    </Loaded>
  );
}
