import { useEffect } from "react";
import { useFetch } from "../api/hooks.ts";
import { Empty, Failed, Skeleton } from "../kit/States.tsx";
import { parseRef } from "./refs.ts";
import { resolverOf } from "./registry.ts";
import { navigate } from "./router.tsx";

/** `/ref/model:restock@5`: finds the project of a thing and goes to its page. */
export function RefPage({ text }: { text: string }) {
  const ref = parseRef(text);
  const resolver = ref ? resolverOf(ref.kind) : undefined;
  const project = useFetch(ref && resolver ? `project of ${text}` : null, async (signal) => {
    if (!ref) return "default";
    return await resolver?.project?.(ref, signal) ?? "default";
  });
  useEffect(() => {
    if (ref && resolver && project.data !== undefined) navigate(resolver.path(ref, project.data), { replace: true });
  }, [project.data, text]);
  if (!ref) {
    return (
      <Empty icon="search" title="That is not a ref">
        A ref is a kind and a name: <code>dataset:sales@3</code>.
      </Empty>
    );
  }
  if (!resolver) {
    return (
      <Empty icon="search" title={`A ${ref.kind} has no page`}>
        <code>{text}</code>
      </Empty>
    );
  }
  if (project.error) return <Failed error={project.error} retry={project.refresh} />;
  return (
    <div className="page">
      <Skeleton rows={6} />
    </div>
  );
}
