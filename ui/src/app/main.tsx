import { createRoot } from "react-dom/client";
import { App } from "./App.tsx";
import { findRoute } from "./registry.ts";
import { currentLocation } from "./router.tsx";
import { startTheme } from "./theme.ts";

// The page's code is fetched while React starts, not after it.
findRoute(currentLocation().path)?.route.load().catch(() => {});
startTheme();
const root = document.getElementById("root");
if (root) createRoot(root).render(<App />);
