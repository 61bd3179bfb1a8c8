"""What the pages take for granted of the API, held against a real server.

`src/api/paths.ts` is made from the server's OpenAPI document: UPDATE_GOLDEN=1 writes it anew. Every GET whose answer a
feature describes (`interface Responses` in its api.ts) is asked of the server of world.py, and the answer is
type-checked. A field that the server leaves out, names otherwise or gives another type fails; more fields than the pages
know do not.
"""

import json
import os
import re
import subprocess

import pytest
import requests
from servers import REPOSITORY

UI = REPOSITORY / "ui"
DENO = REPOSITORY / ".slipway/ui-venv/bin/deno"
METHODS = ("delete", "get", "patch", "post", "put")


def paths_of(document):
    lines = [
        "// Generated from the OpenAPI document of the server; do not edit. ui/tests/test_api_types.py says how.", "",
        "/** Every route of the API: the names in its path and of its query. */", "export interface Paths {"]
    for path, operations in sorted(document["paths"].items()):
        for method in METHODS:
            if path.startswith("/api/v1/") and method in operations:
                def names(place):
                    found = [f'"{item["name"]}"' for item in operations[method]["parameters"] if item["in"] == place]
                    return " | ".join(found) or "never"
                lines.append(f'  "{method.upper()} {path}": {{ path: {names("path")}; query: {names("query")} }};')
    return "\n".join([*lines, "}", ""])


def test_paths_are_those_of_the_server(world):
    text = paths_of(requests.get(f"{world.url}/api/v1/openapi.json", timeout=10).json())
    file = UI / "src/api/paths.ts"
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(text)
    assert text == file.read_text(), f"the API's routes differ from {file}; run with UPDATE_GOLDEN=1"


# What stands for a {name} of a path, by the part before it, and queries. A route that answers differently to different
# queries is described by all of its fields: what it answers to each is taken together.
PARTS = {
    "datasets": "sales", "versions": "1", "slices": "harbour", "experiments": "{forecast}", "runs": "{run}", "metrics": "loss",
    "models": "restock", "endpoints": "restock", "pipelines": "nightly", "projects": "shop", "goals": "forecast-error",
    "label-schemas": "digit", "label-tasks": "read-digits", "items": "1", "lineage": "model:restock@1", "artifacts": "table.csv",
    "source-policies": "shop",
}
QUERIES = {
    "/metrics": "metric=rmse&run={run}", "/runs": "experiment={forecast}", "/datasets/{name}/diff": "from=1&to=2 from=1&to=2&kind=added",
    "/compare": "left=dataset:sales@1&right=dataset:sales@2", "/labels": "dataset=digits&key=digit-000.png",
    "/datasets/{name}/versions/{version}/series": "x=day&y=units", "/slices/{name}/series": "x=day&y=units",
    "/predictions": "endpoint=restock", "/secrets": "project=shop", "/webhooks": "project=shop", "/openlineage": "namespace=slipway",
}
# Routes of which world.py makes nothing: described by a page, not checked here.
UNMADE = {
    "/alerts/{id}", "/merges/{id}", "/merges/{id}/conflicts", "/monitors/{name}", "/monitors/{name}/reports", "/reproductions/{id}",
    "/monitors/{name}/reports/{id}", "/monitors/{name}/reference", "/pipeline-runs/{id}", "/pipeline-runs/{id}/steps/{step}/log",
    "/sources/{name}", "/traces/{id}", "/webhooks/{webhook}", "/webhooks/{webhook}/deliveries", "/logged-models/{id}",
    "/logged-models/{id}/artifacts", "/events/stream", "/label-tasks/{task}/export",
    "/endpoints/{name}/log",
}


def described():
    """(files that describe answers, paths of the GETs that they describe)."""
    files, paths = [], set()
    for file in sorted((UI / "src").rglob("*.ts")):
        code = re.sub(r"/\*.*?\*/", "", file.read_text(), flags=re.DOTALL)
        blocks = re.findall(r"interface Responses \{(.*?)\n  \}", code, re.DOTALL)
        if blocks:
            files.append(file.relative_to(UI / "src").as_posix())
            paths |= set(re.findall(r'"GET /api/v1(/[^"]*)"', "\n".join(blocks)))
    return files, sorted(paths)


def targets(path, world):
    """The path with something of `world` for each {name}, once for each of its queries."""
    names = path.split("/")
    parts = []
    for before, part in zip(["", *names], names):
        if part == "{path}" and before == "files":
            part = "digit-000.png" if names[1] == "datasets" else "model.onnx"
        elif part == "{id}" and before == "predictions":
            part = world.call("GET", "/predictions?endpoint=restock")["items"][0]["id"]
        elif part.startswith("{"):
            part = PARTS[before].format(**world.ids)
        parts.append(part)
    queries = QUERIES.get(path, "").format(**world.ids).split(" ")
    return ["/".join(parts) + (f"?{query}" if query else "") for query in queries]


def test_answers_are_as_the_pages_describe_them(world):
    if not DENO.exists():
        pytest.skip("deno is not installed: scripts/setup --ui")
    lines, failed = [], []
    files, paths = described()
    for path in paths:
        if path in UNMADE:
            continue
        try:
            answers = [requests.get(f"{world.url}/api/v1{target}", timeout=30, headers={"accept": "application/json"})
                       for target in targets(path, world)]
        except KeyError as missing:
            failed.append(f"GET {path}: PARTS says nothing about {missing}")
            continue
        refused = [answer for answer in answers if answer.status_code != 200]
        if refused:
            failed.append(f"GET {path}: {refused[0].status_code} {refused[0].text[:200]}")
            continue
        found = [a.json() if "json" in a.headers.get("content-type", "") else a.text for a in answers]
        value = json.dumps(found[0] if len(found) == 1 else {name: each[name] for each in found for name in each}, indent=1)
        number = len(lines) // 2
        lines.append(f"const answer{number} = {value} as const;")
        lines.append(f'export const checked{number}: Read<Responses["GET /api/v1{path}"]> = answer{number};')
    assert not failed, "\n".join(failed)
    # Inside src, so that its deno.json and its descriptions count; the name says whose it is if a run is cut off.
    file = UI / "src/answers.generated.ts"
    file.write_text("\n".join([
        'import type { Responses } from "./api/types.ts";',
        *[f'import "./{name}";' for name in files],
        # What is read as a constant keeps its exact texts, and through a name it may have more fields than are asked for.
        "type Read<T> = T extends readonly (infer E)[] ? readonly Read<E>[]",
        "  : T extends object ? { readonly [K in keyof T]: Read<T[K]> } : T;", *lines, ""]))
    try:
        result = subprocess.run(
            [DENO, "check", "--quiet", file], cwd=UI, capture_output=True, text=True, timeout=120,
            env={**os.environ, "DENO_DIR": str(REPOSITORY / ".slipway/deno"), "NO_COLOR": "1", "DENO_NO_UPDATE_CHECK": "1"})
        assert result.returncode == 0, result.stderr[-6000:]
    finally:
        file.unlink()
    assert lines
