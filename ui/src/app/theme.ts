import { useSyncExternalStore } from "react";

export type ThemeChoice = "light" | "dark" | "system";

const key = "slipway.theme";
const listeners = new Set<() => void>();
const dark = typeof matchMedia === "undefined" ? null : matchMedia("(prefers-color-scheme: dark)");

function stored(): ThemeChoice {
  try {
    const value = localStorage.getItem(key);
    return value === "light" || value === "dark" ? value : "system";
  } catch {
    // Storage may be shut off; then the system decides.
    return "system";
  }
}

let choice: ThemeChoice = typeof localStorage === "undefined" ? "system" : stored();

function apply(): void {
  document.documentElement.dataset["theme"] = choice === "system" ? dark?.matches ? "dark" : "light" : choice;
  for (const listener of [...listeners]) listener();
}

/** Called once before the first drawing, so that nothing flashes. */
export function startTheme(): void {
  dark?.addEventListener("change", apply);
  apply();
}

export function setTheme(next: ThemeChoice): void {
  choice = next;
  try {
    if (next === "system") localStorage.removeItem(key);
    else localStorage.setItem(key, next);
  } catch {
    // Holds until the page is closed.
  }
  apply();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useThemeChoice(): ThemeChoice {
  return useSyncExternalStore(subscribe, () => choice);
}

/** The theme that is shown; for canvases, which must redraw when it changes. */
export function useTheme(): "light" | "dark" {
  return useSyncExternalStore(
    subscribe,
    () => document.documentElement.dataset["theme"] === "dark" ? "dark" : "light",
  );
}
