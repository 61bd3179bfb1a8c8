import { useState } from "react";
import { remove } from "../../api/client.ts";
import { useMutation } from "../../api/hooks.ts";
import { Link } from "../../app/router.tsx";
import { Button, IconButton } from "../../kit/Button.tsx";
import { Confirm } from "../../kit/Dialog.tsx";
import { Icon } from "../../kit/Icon.tsx";
import { Panel } from "../../kit/Page.tsx";
import { toast } from "../../kit/Toast.tsx";
import { Time } from "../../kit/Values.tsx";
import type { NamedVersion } from "../api.ts";
import type { PartProps } from "../DatasetPage.tsx";
import { datasetPath } from "../paths.ts";
import { NameDialog } from "../VersionMenu.tsx";
import { useNames } from "../VersionPicker.tsx";

/** Branches and tags, and taking them away. */
export function Names({ project, dataset, version }: PartProps) {
  const { branches, tags, refresh } = useNames(dataset.name);
  const [gone, setGone] = useState<NamedVersion | null>(null);
  const [makes, setMakes] = useState<"branch" | "tag" | null>(null);
  const drop = useMutation(
    (named: NamedVersion) =>
      remove(
        named.kind === "branch" ? "/api/v1/datasets/{name}/branches/{label}" : "/api/v1/datasets/{name}/tags/{label}",
        { path: { name: dataset.name, label: named.name } },
      ),
    {
      onDone: () => {
        toast.done(`${gone?.kind === "tag" ? "Tag" : "Branch"} ${gone?.name} is gone; its versions stay.`);
        setGone(null);
        refresh();
      },
    },
  );
  return (
    <Panel
      title="Branches and tags"
      flush
      tools={
        <>
          <Button
            small
            icon="branch"
            onClick={() => setMakes("branch")}
          >
            Branch
          </Button>
          <Button small icon="tag" onClick={() => setMakes("tag")}>Tag</Button>
        </>
      }
    >
      <ul>
        {[...branches, ...tags].map((each) => (
          <li key={each.kind + each.name} className="settings-item">
            <Icon name={each.kind} size={14} />
            <Link to={datasetPath(project, dataset.name, { v: each.name === "main" ? null : each.name })}>
              <b>{each.name}</b>
            </Link>
            <span className="grow muted">version {each.version}</span>
            <span className="faint small">
              {each.author}, <Time at={each.created} />
            </span>
            {each.name === "main" && each.kind === "branch"
              ? <span className="settings-space" />
              : <IconButton icon="trash" label={`Remove ${each.name}`} small onClick={() => setGone(each)} />}
          </li>
        ))}
      </ul>
      {makes && (
        <NameDialog
          kind={makes}
          project={project}
          dataset={dataset.name}
          version={version.version}
          onClose={() => setMakes(null)}
        />
      )}
      <Confirm
        open={gone !== null}
        onClose={() => setGone(null)}
        title={`Remove the ${gone?.kind} ${gone?.name}?`}
        action="Remove"
        error={drop.error}
        onConfirm={() => gone ? drop.run(gone) : undefined}
      >
        <p>The name goes. Version {gone?.version} and those before it stay, as long as the retention keeps them.</p>
      </Confirm>
    </Panel>
  );
}
