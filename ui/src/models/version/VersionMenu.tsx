import { useState } from "react";
import { navigate } from "../../app/router.tsx";
import { useMay } from "../../app/project.ts";
import { remove } from "../../api/client.ts";
import { useMutation } from "../../api/hooks.ts";
import { Confirm } from "../../kit/Dialog.tsx";
import { Menu } from "../../kit/Menu.tsx";
import { Notice } from "../../kit/States.tsx";
import { toast } from "../../kit/Toast.tsx";
import { copyText } from "../../kit/Values.tsx";
import type { Model, VersionDetail } from "../api.ts";
import { modelPath } from "../paths.ts";

/** What else can be done with a version. */
export function VersionMenu({ project, model, version }: { project: string; model: Model; version: VersionDetail }) {
  const [asked, setAsked] = useState<{ what: "delete" } | { what: "alias"; alias: string } | null>(null);
  const mayWrite = useMay("models.write", model.project);
  const mayPromote = useMay("models.promote", model.project);
  const removal = useMutation(
    () =>
      remove("/api/v1/models/{name}/versions/{version}", { path: { name: model.name, version: version.version } })
        .then(() => true),
    {
      invalidates: ["/api/v1/models"],
      onDone: () => {
        toast.done(`Deleted version ${version.version}.`);
        navigate(modelPath(project, model.name));
      },
    },
  );
  const end = useMutation(
    (alias: string) =>
      remove("/api/v1/models/{name}/aliases/{alias}", { path: { name: model.name, alias } }).then(() => true),
    { invalidates: ["/api/v1/models"], onDone: () => setAsked(null) },
  );
  const alias = asked?.what === "alias" ? asked.alias : "";
  return (
    <>
      <Menu
        label="More to do with the version"
        align="end"
        items={[
          { id: "copy", label: "Copy its ref", icon: "copy", onSelect: () => void copyText(version.ref) },
          ...version.aliases.map((each) => ({
            id: "end " + each,
            label: `Take away ${each}…`,
            icon: "tag" as const,
            disabled: !mayPromote,
            onSelect: () => setAsked({ what: "alias", alias: each }),
          })),
          {
            id: "delete",
            label: "Delete…",
            icon: "trash",
            danger: true,
            separated: true,
            disabled: !mayWrite,
            onSelect: () => setAsked({ what: "delete" }),
          },
        ]}
      />
      <Confirm
        open={asked?.what === "alias"}
        onClose={() => setAsked(null)}
        title={`Take ${alias} away from version ${version.version}?`}
        action={`Take ${alias} away`}
        error={end.error}
        onConfirm={() => end.run(alias)}
      >
        <p>Nobody is {alias} then. Endpoints and code that ask for model:{model.name}@{alias} find no model.</p>
      </Confirm>
      <Confirm
        open={asked?.what === "delete"}
        onClose={() => setAsked(null)}
        title={`Delete version ${version.version} of ${model.name}?`}
        action="Delete the version"
        typeToConfirm={`${model.name} ${version.version}`}
        error={removal.error}
        onConfirm={() => removal.run()}
      >
        <p>
          Its {version.files.length}{" "}
          files go and cannot come back; its number is never given again. Predictions and decisions that name it stay.
        </p>
        {version.aliases.length > 0 && (
          <Notice tone="warn">It is {version.aliases.join(" and ")} now; that ends with it.</Notice>
        )}
      </Confirm>
    </>
  );
}
