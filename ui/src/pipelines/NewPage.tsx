import type { PageProps } from "../app/feature.ts";
import { pathTo } from "../app/paths.ts";
import { PageLayout } from "../kit/Page.tsx";
import { DefinitionEditor } from "./DefinitionEditor.tsx";

const start = `name: my-pipeline
description:

params:
  day: {type: text, description: Which day}

steps:
  - name: features
    run: python features.py --until \${params.day}
    outputs:
      table: dir

  - name: train
    run: python train.py
    inputs:
      table: steps.features.table
    outputs:
      model: dir
    network: true
`;

export default function NewPage({ params: { project } }: PageProps<"/p/:project/pipeline-new">) {
  return (
    <PageLayout
      fill
      title="New pipeline"
      crumbs={[{ label: "Pipelines", to: pathTo("/p/:project/pipelines", { project }) }]}
      sub="Steps that run code need its files: slipway pipeline put pipeline.yaml --code code.tar brings both."
    >
      <DefinitionEditor project={project} initial={start} />
    </PageLayout>
  );
}
