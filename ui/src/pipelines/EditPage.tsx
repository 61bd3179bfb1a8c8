import { useQuery } from "../api/hooks.ts";
import type { PageProps } from "../app/feature.ts";
import { pathTo } from "../app/paths.ts";
import { PageLayout } from "../kit/Page.tsx";
import { Loaded, Skeleton } from "../kit/States.tsx";
import { DefinitionEditor } from "./DefinitionEditor.tsx";
import { definitionYaml } from "./definitionYaml.ts";

export default function EditPage({ params: { project, name } }: PageProps<"/p/:project/pipelines/:name/edit">) {
  // Not live: nobody's text is taken out of their hands while they write.
  const pipeline = useQuery("/api/v1/pipelines/{name}", { path: { name } }, { fresh: 3_600_000 });
  return (
    <PageLayout
      fill
      title={`Edit ${name}`}
      crumbs={[
        { label: "Pipelines", to: pathTo("/p/:project/pipelines", { project }) },
        { label: name, to: pathTo("/p/:project/pipelines/:name", { project, name }) },
      ]}
    >
      <Loaded query={pipeline} skeleton={<Skeleton height={400} />}>
        {({ definition, version }) => (
          <DefinitionEditor project={project} name={name} version={version} initial={definitionYaml(definition)} />
        )}
      </Loaded>
    </PageLayout>
  );
}
