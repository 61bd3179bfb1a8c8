import { equal } from "../testing.ts";
import { score } from "./fuzzy.ts";
import { matchPath, pathTo, specificity } from "./paths.ts";
import { parseRef, shortRef } from "./refs.ts";
import { list, number, oneOf, withParam } from "./urlCodecs.ts";

Deno.test("paths match and are written", () => {
  equal(matchPath("/p/:project/datasets/:name", "/p/restock/datasets/a%2Fb"), { project: "restock", name: "a/b" });
  equal(matchPath("/p/:project/datasets/:name", "/p/restock/datasets"), null);
  equal(matchPath("/p/:project", "/p/restock/datasets"), null);
  equal(matchPath("/p/:project/files/:path*", "/p/x/files/a/b%20c"), { project: "x", path: "a/b c" });
  equal(matchPath("/p/:project", "/p/%E0%A4%A"), { project: "%E0%A4%A" });
  equal(pathTo("/p/:project/files/:path*", { project: "x y", path: "a/b c" }), "/p/x%20y/files/a/b%20c");
});

Deno.test("the more exact pattern wins", () => {
  const patterns = [
    "/p/:project/:place",
    "/p/:project/datasets/:path*",
    "/p/:project/datasets",
    "/p/:project/datasets/new",
    "/p/:project/datasets/:name",
  ];
  equal(patterns.sort((a, b) => specificity(b) - specificity(a)), [
    "/p/:project/datasets/new",
    "/p/:project/datasets/:name",
    "/p/:project/datasets/:path*",
    "/p/:project/datasets",
    "/p/:project/:place",
  ]);
});

Deno.test("refs parse as on the server", () => {
  equal(parseRef("dataset:sales@3"), { kind: "dataset", name: "sales", selector: "3", text: "dataset:sales@3" });
  equal(parseRef("file:/a@b/c#sha256:1"), {
    kind: "file",
    name: "/a@b/c#sha256:1",
    selector: null,
    text: "file:/a@b/c#sha256:1",
  });
  equal(["sales", "Dataset:x", "dataset:", ""].map(parseRef), [null, null, null, null]);
  equal(shortRef(parseRef("run:01a20d4914e592650a521526c6312b64")!), "01a20d…2b64");
});

Deno.test("state in the URL", () => {
  equal(withParam("?a=1&b=2", "a", null), "?b=2");
  equal(withParam("", "filter", "x > 1 AND y = 'a b'"), "?filter=x+%3E+1+AND+y+%3D+%27a+b%27");
  equal(list.read(list.write(["a,b", "c%2Cd"]) ?? ""), ["a,b", "c%2Cd"]);
  equal([number.read("1e3"), number.read("x"), number.read("")], [1000, undefined, undefined]);
  equal([oneOf("rows", "profile").read("profile"), oneOf("rows", "profile").read("other")], ["profile", undefined]);
});

Deno.test("what one types finds what one means", () => {
  const texts = ["Datasets", "daily-sales", "Models", "restock-features", "Theme: dark"];
  const best = (typed: string) =>
    texts.map((text) => [text, score(typed, text)] as const).filter(([, points]) => points > 0)
      .sort((a, b) => b[1] - a[1])[0]?.[0];
  equal(["data", "sales", "rst feat", "dark", "zzz"].map(best), [
    "Datasets",
    "daily-sales",
    "restock-features",
    "Theme: dark",
    undefined,
  ]);
});
