/** A line of the history's picture: from a lane at one height of its row to a lane at another. */
export interface Segment {
  from: number;
  to: number;
  /** down: from the top to the bottom; in: from the top to the version; out: from the version to the bottom. */
  kind: "down" | "in" | "out";
}

export interface Lane {
  version: number;
  lane: number;
  segments: Segment[];
  /** How many lanes there are beside each other in this row. */
  width: number;
}

interface Node {
  version: number;
  parent: number | null;
  merged: number | null;
}

/** Versions, the newest first, in lanes: each line of descent goes straight down until it meets its parent. */
export function lanesOf(versions: readonly Node[]): Lane[] {
  const lanes: (number | null)[] = [];
  const free = () => {
    const at = lanes.indexOf(null);
    return at < 0 ? lanes.push(null) - 1 : at;
  };
  return versions.map(({ version, parent, merged }) => {
    const before = [...lanes];
    let lane = lanes.indexOf(version);
    if (lane < 0) lane = free();
    for (const [index, wanted] of lanes.entries()) if (wanted === version) lanes[index] = null;
    const segments: Segment[] = before.flatMap((wanted, index): Segment[] =>
      wanted === null
        ? []
        : wanted === version
        ? [{ from: index, to: lane, kind: "in" }]
        : [{ from: index, to: index, kind: "down" }]
    );
    for (const next of [parent, merged]) {
      if (next === null) continue;
      let to = lanes.indexOf(next);
      if (to < 0) {
        to = next === parent ? lane : free();
        lanes[to] = next;
      }
      segments.push({ from: lane, to, kind: "out" });
    }
    while (lanes.length > 0 && lanes.at(-1) === null) lanes.pop();
    return { version, lane, segments, width: Math.max(before.length, lanes.length, lane + 1) };
  });
}
