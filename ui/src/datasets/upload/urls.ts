import { urlOf } from "../../api/client.ts";

/** The address of a write that XMLHttpRequest sends. */
export function hrefOfWrite(
  what: "append" | "archive" | "contract/check",
  name: string,
  query: Record<string, string>,
): string {
  return urlOf(`/api/v1/datasets/{name}/${what}`, { name }, query);
}
