import type { PartProps } from "../DatasetPage.tsx";
import { LineageGraph } from "./LineageGraph.tsx";

export default function Lineage({ version }: PartProps) {
  return <LineageGraph refText={version.ref} />;
}
