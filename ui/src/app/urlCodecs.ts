/** How a value is written in the query of the URL. */
export interface Codec<T> {
  read: (text: string) => T | undefined;
  /** null: the value is the default and is left out. */
  write: (value: T) => string | null;
}

export const text: Codec<string> = { read: (value) => value, write: (value) => value === "" ? null : value };

export const number: Codec<number> = {
  read: (value) => value !== "" && Number.isFinite(Number(value)) ? Number(value) : undefined,
  write: (value) => String(value),
};

export const flag: Codec<boolean> = { read: (value) => value === "1", write: (value) => value ? "1" : "0" };

/** Names separated by commas; a comma inside a name is written as %2C. */
export const list: Codec<string[]> = {
  read: (value) =>
    value === "" ? [] : value.split(",").map((part) => part.replaceAll("%2C", ",").replaceAll("%25", "%")),
  write: (value) => value.map((part) => part.replaceAll("%", "%25").replaceAll(",", "%2C")).join(","),
};

/** One of a few words. */
export function oneOf<T extends string>(...words: T[]): Codec<T> {
  return { read: (value) => words.find((word) => word === value), write: (value) => value };
}

export function json<T>(check: (value: unknown) => value is T): Codec<T> {
  return {
    read: (value) => {
      try {
        const parsed: unknown = JSON.parse(value);
        return check(parsed) ? parsed : undefined;
      } catch {
        return undefined;
      }
    },
    write: (value) => JSON.stringify(value),
  };
}

/** The query with one name set, or left out if the value is null. Pure, so that it can be tested. */
export function withParam(search: string, name: string, value: string | null): string {
  const params = new URLSearchParams(search);
  if (value === null) params.delete(name);
  else params.set(name, value);
  const written = params.toString();
  return written ? "?" + written : "";
}
