import { createRoot } from "react-dom/client";
import { App } from "./App.tsx";
import { startTheme } from "./theme.ts";

startTheme();
const root = document.getElementById("root");
if (root) createRoot(root).render(<App />);
