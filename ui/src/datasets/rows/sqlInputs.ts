/** The refs of the tables that a SELECT names: `data` is what is looked at, others are datasets of the project. */
export function inputsOf(sql: string, dataRef: string, datasets: readonly string[]): Record<string, string> {
  const bare = sql.replace(/--[^\n]*|'(?:[^']|'')*'/g, " ");
  const named = new Set([...bare.matchAll(/"([^"\n]+)"|([A-Za-z_]\w*)/g)].map((match) => match[1] ?? match[2] ?? ""));
  const inputs: Record<string, string> = { data: dataRef };
  for (const name of datasets) if (name !== "data" && named.has(name)) inputs[name] = `dataset:${name}`;
  return inputs;
}
