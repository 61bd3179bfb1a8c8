"""MLflow's own web page, as its wheel brings it, against Slipway: a browser opens experiments, runs, charts and models.

It needs Debian's chromium, playwright (scripts/setup --browser) and the full mlflow (scripts/setup --bench); without them it
is skipped. SLIPWAY_SCREENSHOTS names a folder for pictures of the pages."""

import os
import pathlib
import shutil

import mlflow
import pytest
import requests
from mlflow.entities import Metric
from servers import REPOSITORY, serving

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: scripts/setup --browser")
CHROMIUM = shutil.which("chromium")
BUILDS = list((REPOSITORY / ".slipway/bench-venv/lib").glob("python3*/site-packages/mlflow/server/js/build"))
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: scripts/setup --browser"),
    pytest.mark.skipif(not BUILDS, reason="the full mlflow is not installed: scripts/setup --bench"),
]


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """(server, experiment's id, run's id) of a server with the page and something to show on it."""
    with serving(tmp_path_factory.mktemp("ui"), "--mlflow-ui", BUILDS[0]) as server:
        mlflow.set_tracking_uri(server.url)
        mlflow.set_registry_uri(server.url)
        client = mlflow.MlflowClient()
        experiment = client.create_experiment("restock forecast")
        for depth in (2, 4, 8):
            run = client.create_run(experiment, run_name=f"depth-{depth}")
            client.log_batch(run.info.run_id, metrics=[
                Metric("rmse", 4 / depth + 2 / (step + 1), 1_700_000_000_000 + step, step) for step in range(50)])
            client.log_param(run.info.run_id, "max_depth", depth)
            client.log_text(run.info.run_id, "hello", "notes/readme.txt")
            client.set_terminated(run.info.run_id)
        client.create_registered_model("restock", description="Units to order")
        client.create_model_version("restock", f"{run.info.artifact_uri}/notes", run.info.run_id)
        client.set_registered_model_alias("restock", "champion", "1")
        yield server, experiment, run.info.run_id


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as engine:
        chromium = engine.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.mark.parametrize("name, path, texts", [
    ("experiments", "#/experiments", ["restock forecast"]),
    ("runs", "#/experiments/{experiment}/runs", ["depth-2", "depth-4", "depth-8"]),
    ("charts", "#/experiments/{experiment}/runs?compareRunsMode=CHART", ["rmse", "depth-8"]),
    ("run", "#/experiments/{experiment}/runs/{run}", ["depth-8", "max_depth", "rmse"]),
    ("metrics", "#/experiments/{experiment}/runs/{run}/model-metrics", ["rmse"]),
    ("artifacts", "#/experiments/{experiment}/runs/{run}/artifacts", ["notes"]),
    ("models", "#/models", ["restock"]),
    ("model", "#/models/restock", ["Version 1"]),
])
def test_page(filled, browser, name, path, texts):
    server, experiment, run = filled
    page = browser.new_page(viewport={"width": 1600, "height": 900})
    failed, broken = [], []
    page.on("response", lambda answer: answer.status >= 500 and answer.status != 501 and failed.append(answer.url))
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.goto(f"{server.url}/{path.format(experiment=experiment, run=run)}")
    for text in texts:
        page.get_by_text(text, exact=False).first.wait_for(timeout=30_000)
    if folder := os.environ.get("SLIPWAY_SCREENSHOTS"):
        page.wait_for_timeout(2000)
        page.screenshot(path=pathlib.Path(folder) / f"{name}.png")
    notices = page.get_by_text("ENDPOINT_NOT_FOUND").all_inner_texts()
    page.close()
    assert (failed, broken, notices) == ([], [], [])


def test_headers_and_graphql(filled):
    server, experiment, run = filled
    page = requests.get(server.url, timeout=30)
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["X-Frame-Options"] == "DENY"
    for path in ("static-files/../../index.html", "static-files/%2e%2e/%2e%2e/etc/passwd", "static-files/absent.js"):
        assert requests.get(f"{server.url}/{path}", timeout=30).status_code in (400, 404)
    query = "query GetRun($data: Input!) @component(name: \"x\") { mlflowGetRun(input: $data) { apiError { code } " \
        "run { info { runName startTime } data { metrics { key value step } tags { key } } experiment { name } } } }"
    answer = requests.post(f"{server.url}/graphql", json={"query": query, "variables": {"data": {"runId": run}}}, timeout=30)
    found = answer.json()["data"]["mlflowGetRun"]
    assert found["apiError"] is None
    assert (found["run"]["info"]["runName"], found["run"]["experiment"]["name"]) == ("depth-8", "restock forecast")
    assert found["run"]["data"]["metrics"] == [{"key": "rmse", "value": 0.54, "step": "49"}]
    absent = requests.post(
        f"{server.url}/graphql", json={"query": query, "variables": {"data": {"runId": "0" * 32}}}, timeout=30).json()
    assert absent["data"]["mlflowGetRun"] == {"apiError": {"code": "RESOURCE_DOES_NOT_EXIST"}, "run": None}
