import type { PageProps } from "../../app/feature.ts";
import { pathTo } from "../../app/paths.ts";
import { text, useUrlState } from "../../app/urlState.ts";
import { PageLayout } from "../../kit/Page.tsx";
import { Empty } from "../../kit/States.tsx";
import { Compare } from "./Compare.tsx";

/** Two versions or slices of any datasets side by side. */
export default function ComparePage({ params: { project } }: PageProps<"/p/:project/compare-data">) {
  const [left] = useUrlState("left", text, "");
  const [right] = useUrlState("right", text, "");
  return (
    <PageLayout title="Side by side" crumbs={[{ label: "Datasets", to: pathTo("/p/:project/datasets", { project }) }]}>
      {left && right
        ? <Compare left={left} right={right} />
        : <Empty icon="swap" title="Nothing to compare">Choose two versions or slices.</Empty>}
    </PageLayout>
  );
}
