/** Colours of the theme as a canvas needs them: resolved. */
export interface Ink {
  text: string;
  faint: string;
  line: string;
  surface: string;
  accent: string;
  categories: string[];
}

const names = ["--ink-2", "--ink-3", "--line", "--surface", "--accent"];

/** Reads the theme; call again when it changes. */
export function readInk(): Ink {
  const style = getComputedStyle(document.documentElement);
  const [text = "", faint = "", line = "", surface = "", accent = ""] = names.map((name) =>
    style.getPropertyValue(name).trim()
  );
  const categories = Array.from({ length: 8 }, (_, index) => style.getPropertyValue(`--cat-${index + 1}`).trim());
  return { text, faint, line, surface, accent, categories };
}

/** The colour of the nth of many: the palette's eight first, then hues as far apart as they can be (golden angle). */
export function categoryColor(index: number, ink: Ink): string {
  if (index < ink.categories.length) return ink.categories[index] ?? ink.accent;
  const hue = (index * 137.508) % 360;
  return `hsl(${hue.toFixed(0)} 55% ${index % 2 === 0 ? 45 : 60}%)`;
}

/** The same for CSS, where the theme resolves itself. */
export function categoryCss(index: number): string {
  return index < 8
    ? `var(--cat-${index + 1})`
    : `hsl(${((index * 137.508) % 360).toFixed(0)} 55% ${index % 2 === 0 ? 45 : 60}%)`;
}

/** Stops of Viridis (van der Walt and Smith 2015): even steps of lightness, readable when printed grey. */
const viridis = [
  [68, 1, 84],
  [71, 44, 122],
  [59, 81, 139],
  [44, 113, 142],
  [33, 144, 141],
  [39, 173, 129],
  [92, 200, 99],
  [170, 220, 50],
  [253, 231, 37],
] as const;

/** A colour for a share, 0 to 1. */
export function sequential(share: number): string {
  const [r, g, b] = sequentialRgb(share);
  return `rgb(${r} ${g} ${b})`;
}

export function sequentialRgb(share: number): [number, number, number] {
  const at = Math.max(0, Math.min(1, Number.isFinite(share) ? share : 0)) * (viridis.length - 1);
  const index = Math.min(viridis.length - 2, Math.floor(at));
  const low = viridis[index] ?? viridis[0];
  const high = viridis[index + 1] ?? low;
  const part = at - index;
  return [0, 1, 2].map((channel) =>
    Math.round((low[channel] ?? 0) + ((high[channel] ?? 0) - (low[channel] ?? 0)) * part)
  ) as [
    number,
    number,
    number,
  ];
}
