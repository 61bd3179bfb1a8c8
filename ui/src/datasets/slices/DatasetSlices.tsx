import { useState } from "react";
import { useQuery } from "../../api/hooks.ts";
import { Button } from "../../kit/Button.tsx";
import type { PartProps } from "../DatasetPage.tsx";
import { SliceDialog } from "./SliceDialog.tsx";
import { SlicesList } from "./SlicesList.tsx";

/** The slices over a dataset, and how a new one comes to be. */
export default function DatasetSlices({ project, dataset, version }: PartProps) {
  const [makes, setMakes] = useState(false);
  const slices = useQuery("/api/v1/slices", { query: { dataset: dataset.name } }, { live: ["slice."] });
  return (
    <>
      <div className="list-tools">
        <span className="grow small muted">
          A slice is a named query. Its rows are found anew when it is used; what used it writes down the version.
        </span>
        <Button kind="primary" icon="plus" onClick={() => setMakes(true)}>New slice or split</Button>
      </div>
      <SlicesList project={project} query={slices} />
      {makes && (
        <SliceDialog
          project={project}
          over={dataset.ref}
          columns={version.columns}
          onClose={() => setMakes(false)}
        />
      )}
    </>
  );
}
