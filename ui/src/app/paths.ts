/** The names in a path pattern: "/p/:project/datasets/:name" has project and name; ":path*" takes the rest. */
export type PathParams<P extends string> = P extends `${infer Head}/${infer Tail}` ? PathParams<Head> & PathParams<Tail>
  : P extends `:${infer Name}*` ? Record<Name, string>
  : P extends `:${infer Name}` ? Record<Name, string>
  : unknown;

/** Matches a path against a pattern; null if it does not. Parts are decoded. */
export function matchPath(pattern: string, path: string): Record<string, string> | null {
  const want = pattern.split("/").filter(Boolean);
  const have = path.split("/").filter(Boolean);
  const params: Record<string, string> = {};
  for (const [index, part] of want.entries()) {
    if (part.startsWith(":") && part.endsWith("*")) {
      params[part.slice(1, -1)] = have.slice(index).map(decode).join("/");
      return params;
    }
    const text = have[index];
    if (text === undefined) return null;
    if (part.startsWith(":")) params[part.slice(1)] = decode(text);
    else if (part !== text) return null;
  }
  return have.length === want.length ? params : null;
}

/** A path of a pattern: `pathTo("/p/:project/datasets/:name", { project, name })`. */
export function pathTo<P extends string>(pattern: P, params: PathParams<P>): string {
  const values = params as Record<string, string>;
  return pattern.split("/").map((part) => {
    if (!part.startsWith(":")) return part;
    const rest = part.endsWith("*");
    const value = values[part.slice(1, rest ? -1 : undefined)] ?? "";
    return rest ? value.split("/").map(encodeURIComponent).join("/") : encodeURIComponent(value);
  }).join("/");
}

/** How much a pattern pins down: literal parts count more than names, a rest least. The highest match wins. */
export function specificity(pattern: string): number {
  return pattern.split("/").filter(Boolean).reduce(
    (sum, part) => sum * 4 + (part.endsWith("*") ? 1 : part.startsWith(":") ? 2 : 3),
    1,
  );
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
