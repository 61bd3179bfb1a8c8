import { useQuery } from "../api/hooks.ts";
import { Menu, type MenuItem } from "../kit/Menu.tsx";
import type { NamedVersion, Version } from "./api.ts";

/** Branches, tags and the newest versions; `null` is the head of main. */
export function VersionPicker(
  { dataset, version, chosen, onChoose }: {
    dataset: string;
    version: Version | undefined;
    chosen: string;
    onChoose: (version: string) => void;
  },
) {
  const { branches, tags } = useNames(dataset);
  const newest = useQuery("/api/v1/datasets/{name}/versions", { path: { name: dataset }, query: { limit: 12 } }, {
    live: ["dataset."],
  });
  const items: MenuItem[] = [
    ...branches.map((each): MenuItem => ({
      id: "b" + each.name,
      icon: "branch",
      label: each.name,
      hint: `version ${each.version}`,
      onSelect: () => onChoose(each.name === "main" ? "" : each.name),
    })),
    ...tags.map((each, index): MenuItem => ({
      id: "t" + each.name,
      icon: "tag",
      label: each.name,
      hint: `version ${each.version}`,
      separated: index === 0,
      onSelect: () => onChoose(each.name),
    })),
    ...(newest.data?.items ?? []).map((each, index): MenuItem => ({
      id: "v" + each.version,
      label: `Version ${each.version}`,
      hint: each.message.slice(0, 28) || each.recipe.kind,
      checked: each.version === version?.version,
      disabled: each.deleted !== null,
      separated: index === 0,
      onSelect: () => onChoose(String(each.version)),
    })),
  ];
  const head = branches.find((each) => each.name === (chosen || "main"));
  const text = !version
    ? "…"
    : head
    ? `${head.name} · version ${version.version}`
    : tags.some((each) => each.name === chosen)
    ? `${chosen} · version ${version.version}`
    : `version ${version.version}`;
  return <Menu label="Version" text={text} icon="branch" items={items} />;
}

export function useNames(dataset: string): { branches: NamedVersion[]; tags: NamedVersion[]; refresh: () => void } {
  const options = {
    live: ["dataset."],
    about: (event: { subject: string }) => event.subject.startsWith(`dataset:${dataset}`),
  };
  const branches = useQuery("/api/v1/datasets/{name}/branches", { path: { name: dataset } }, options);
  const tags = useQuery("/api/v1/datasets/{name}/tags", { path: { name: dataset } }, options);
  return {
    branches: branches.data?.items ?? [],
    tags: tags.data?.items ?? [],
    refresh: () => {
      branches.refresh();
      tags.refresh();
    },
  };
}
