import { periodSeconds, periodText } from "./period.ts";

Deno.test("periods are written and read", () => {
  const found = ["30m", " 6 h", "1d", "0d", "soon", "7d"].map(periodSeconds);
  if (JSON.stringify(found) !== JSON.stringify([1800, 21600, 86400, undefined, undefined, 604800])) {
    throw new Error(String(found));
  }
  const texts = [1800, 86400, 604800, 90, 61].map(periodText).join();
  if (texts !== "30m,1d,1w,90s,61s") throw new Error(texts);
});
