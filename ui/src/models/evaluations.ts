import type { Evaluation } from "./api.ts";

/** What was measured on the same rows: the newest numbers of a version on one dataset version or slice. */
export interface Subject {
  /** Tells subjects apart. */
  key: string;
  dataset: string | null;
  slice: string | null;
}

export interface Measured {
  subject: Subject;
  evaluation: Evaluation;
}

export function subjectOf({ dataset, slice }: Evaluation): Subject {
  return { key: `${dataset ?? ""} ${slice ?? ""}`, dataset, slice };
}

/** The newest evaluation of each subject, the most recently measured subject first; whole datasets before their slices. */
export function newestBySubject(evaluations: readonly Evaluation[]): Measured[] {
  const found = new Map<string, Measured>();
  for (const evaluation of [...evaluations].sort((a, b) => a.created.localeCompare(b.created))) {
    const subject = subjectOf(evaluation);
    // Put at the end, so that the order is that of the newest measurement.
    found.delete(subject.key);
    found.set(subject.key, { subject, evaluation });
  }
  const all = [...found.values()].reverse();
  return [
    ...all.filter(({ subject }) => subject.slice === null),
    ...all.filter(({ subject }) => subject.slice !== null),
  ];
}

export function metricsOf(measured: readonly Measured[]): string[] {
  return [...new Set(measured.flatMap(({ evaluation }) => Object.keys(evaluation.metrics)))].sort();
}

/** The same subject of two versions; undefined: that version was not measured there. */
export interface Pair {
  subject: Subject;
  left: Evaluation | undefined;
  right: Evaluation | undefined;
}

/** Subjects on which both were measured come first: only those say which one is better. */
export function pairs(left: readonly Evaluation[], right: readonly Evaluation[]): Pair[] {
  const [a, b] = [newestBySubject(left), newestBySubject(right)];
  const find = (list: readonly Measured[], key: string) => list.find(({ subject }) => subject.key === key)?.evaluation;
  const subjects = new Map([...b, ...a].map(({ subject }) => [subject.key, subject]));
  const all = [...subjects.values()].map((subject) => ({
    subject,
    left: find(a, subject.key),
    right: find(b, subject.key),
  }));
  return [...all.filter((pair) => pair.left && pair.right), ...all.filter((pair) => !(pair.left && pair.right))];
}

/** A change from `before` to `after`: as a number and as a share of what was. Null where one of them is missing. */
export function changeOf(
  before: number | undefined,
  after: number | undefined,
): { by: number; share: number | null } | null {
  if (before === undefined || after === undefined || !Number.isFinite(before) || !Number.isFinite(after)) return null;
  return { by: after - before, share: before === 0 ? null : (after - before) / Math.abs(before) };
}
