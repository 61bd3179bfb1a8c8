import { useCallback, useMemo } from "react";
import { currentLocation, navigate, useLocation } from "./router.tsx";
import { type Codec, withParam } from "./urlCodecs.ts";

export { type Codec, flag, json, list, number, oneOf, text } from "./urlCodecs.ts";

export interface SetOptions {
  /** Make a step for Back; by default the step is replaced, so that Back leaves the page. */
  push?: boolean;
}

/**
 * A piece of state that lives in the URL, so that the view can be shared.
 *
 *     const [tab, setTab] = useUrlState("tab", oneOf("rows", "profile"), "rows");
 */
export function useUrlState<T>(
  name: string,
  codec: Codec<T>,
  initial: T,
): [T, (value: T | ((old: T) => T), options?: SetOptions) => void] {
  const { search } = useLocation();
  const raw = useMemo(() => new URLSearchParams(search).get(name), [search, name]);
  const initialKey = codec.write(initial);
  const value = useMemo(() => (raw === null ? undefined : codec.read(raw)) ?? initial, [raw, initialKey]);
  const set = useCallback((next: T | ((old: T) => T), options: SetOptions = {}) => {
    const here = currentLocation();
    const now = new URLSearchParams(here.search).get(name);
    const old = (now === null ? undefined : codec.read(now)) ?? initial;
    const wanted = typeof next === "function" ? (next as (old: T) => T)(old) : next;
    const written = codec.write(wanted);
    const search = withParam(here.search, name, written === initialKey ? null : written);
    if (search === here.search) return;
    navigate(here.path + search + here.hash, { replace: !options.push, keepScroll: true });
  }, [name, initialKey]);
  return [value, set];
}
