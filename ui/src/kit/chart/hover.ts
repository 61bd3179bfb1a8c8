import { useCallback, useEffect, useState } from "react";

/** Charts with the same group name read out at the same x. */
const groups = new Map<string, Set<(x: number | null) => void>>();

export function useSharedHover(group: string | undefined): [number | null, (x: number | null) => void] {
  const [x, setX] = useState<number | null>(null);
  useEffect(() => {
    if (!group) return;
    const members = groups.get(group) ?? new Set();
    groups.set(group, members);
    members.add(setX);
    return () => {
      members.delete(setX);
      if (members.size === 0) groups.delete(group);
    };
  }, [group]);
  const tell = useCallback((value: number | null) => {
    if (!group) setX(value);
    else for (const member of groups.get(group) ?? []) member(value);
  }, [group]);
  return [x, tell];
}
