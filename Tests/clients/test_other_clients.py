"""Clients other than the newest Python one: the 2.x line runs these tests' own files, and the R and Java clients are
followed by their HTTP calls, each with its own way to write numbers."""

import os
import pathlib
import subprocess

import pytest
import requests

HERE = pathlib.Path(__file__).resolve().parent
OLDER = pathlib.Path(os.environ.get("SLIPWAY_MLFLOW2_PYTHON", HERE.parents[1] / ".slipway/mlflow2-venv/bin/python"))


@pytest.mark.skipif(not OLDER.exists(), reason="mlflow 2.22 is not installed: scripts/setup --test does it")
def test_the_2_x_line(url):
    """The tests of tracking, models and artifacts, run by an mlflow of the 2.x line."""
    tests = [HERE / name for name in ("test_tracking.py", "test_models.py", "test_artifacts.py")]
    # Its MlflowClient sends artifacts to the global server, whatever server it was made for.
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "not objects_in_s3"]
    done = subprocess.run(
        [OLDER, *words, *tests], env={**os.environ, "SLIPWAY_TEST_URL": url},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def java(value):
    """Protocol buffers' JSON as Java prints it: 64-bit integers are text."""
    return str(value)


def r(value):
    """R's client writes times as text and other numbers as numbers."""
    return value


@pytest.mark.parametrize("agent, whole", [("mlflow-java-client/3.17.2", java), ("mlflow/3.17.2/R", r)])
def test_calls_of_java_and_r(url, unique, agent, whole):
    http = requests.Session()
    http.headers["User-Agent"] = agent

    def call(method, path, /, **fields):
        answer = http.request(
            method, f"{url}/api/2.0/mlflow/{path}", timeout=30, **{"params" if method == "GET" else "json": fields})
        assert answer.status_code == 200, (path, answer.text)
        return answer.json()

    name = unique(agent.split("/")[0])
    experiment = call("POST", "experiments/create", name=name)["experiment_id"]
    assert call("GET", "experiments/get-by-name", experiment_name=name)["experiment"]["experiment_id"] == experiment
    assert call("GET", "experiments/get", experiment_id=experiment)["experiment"]["lifecycle_stage"] == "active"
    found = call("GET", "experiments/search", view_type="ACTIVE_ONLY", max_results=1000, filter=f"name = '{name}'")
    assert [e["experiment_id"] for e in found["experiments"]] == [experiment]
    run = call("POST", "runs/create", experiment_id=experiment, user_id="ann", start_time=str(1000),
               tags=[{"key": "mlflow.source.name", "value": "train.R"}])["run"]
    run_id = run["info"]["run_uuid"]
    both = {"run_id": run_id, "run_uuid": run_id}
    call("POST", "runs/log-parameter", **both, key="depth", value="3")
    call("POST", "runs/log-metric", **both, key="rmse", value=0.5, timestamp=str(1001), step=whole(1))
    call("POST", "runs/log-metric", **both, key="nan", value="NaN", timestamp=str(1001), step=whole(0))
    call("POST", "runs/log-batch", **both, params=[{"key": "rate", "value": "0.1"}],
         tags=[{"key": "stage", "value": "dev"}],
         metrics=[{"key": "rmse", "value": 1 / n, "timestamp": whole(1000 + n), "step": whole(n)} for n in (2, 3)])
    call("POST", "runs/set-tag", **both, key="note", value="x")
    call("POST", "runs/delete-tag", run_id=run_id, key="note")
    call("POST", "runs/log-model", run_id=run_id, model_json=(
        '{"artifact_path": "model", "run_id": "%s", "utc_time_created": "2026-01-01", "flavors": {"crate": {}}}' % run_id))
    call("POST", "runs/update", **both, status="FINISHED", end_time=str(2000))
    seen = call("GET", "runs/get", **both)["run"]
    assert (seen["info"]["status"], seen["info"]["start_time"], seen["info"]["end_time"]) == ("FINISHED", 1000, 2000)
    assert {p["key"]: p["value"] for p in seen["data"]["params"]} == {"depth": "3", "rate": "0.1"}
    assert {m["key"]: m["value"] for m in seen["data"]["metrics"]} == {"rmse": 1 / 3, "nan": "NaN"}
    history = call("GET", "metrics/get-history", **both, metric_key="rmse")["metrics"]
    assert [(m["step"], m["timestamp"]) for m in history] == [(1, 1001), (2, 1002), (3, 1003)]
    page = call("POST", "runs/search", experiment_ids=[experiment], filter="metrics.rmse < 0.4",
                run_view_type="ACTIVE_ONLY", max_results=whole(10), order_by=["metrics.rmse ASC"])
    assert [r["info"]["run_id"] for r in page["runs"]] == [run_id]
    # Artifacts: R's client uploads through the proxy, and reads a single one by /get-artifact.
    place = seen["info"]["artifact_uri"].removeprefix("mlflow-artifacts:/")
    put = http.put(f"{url}/api/2.0/mlflow-artifacts/artifacts/{place}/model/crate.bin", data=b"crate", timeout=30)
    assert put.status_code == 200
    listed = call("GET", "artifacts/list", **both, path="model")
    assert [(f["path"], int(f["file_size"])) for f in listed["files"]] == [("model/crate.bin", 5)]
    got = http.get(f"{url}/get-artifact", params={"run_uuid": run_id, "path": "model/crate.bin"}, timeout=30)
    assert got.content == b"crate"
    # The registry.
    call("POST", "registered-models/create", name=name, description="by " + agent)
    version = call("POST", "model-versions/create", name=name, source=seen["info"]["artifact_uri"] + "/model",
                   run_id=run_id)["model_version"]
    assert (version["version"], version["status"]) == ("1", "READY")
    call("POST", "model-versions/transition-stage", name=name, version="1", stage="Staging",
         archive_existing_versions=True)
    latest = call("POST", "registered-models/get-latest-versions", name=name, stages=["Staging"])["model_versions"]
    assert [v["version"] for v in latest] == ["1"]
    call("PATCH", "model-versions/update", name=name, version="1", description="better")
    assert call("GET", "model-versions/get", name=name, version="1")["model_version"]["description"] == "better"
    assert call("GET", "model-versions/get-download-uri", name=name, version="1")["artifact_uri"]
    found = call("GET", "registered-models/search", filter=f"name = '{name}'")
    assert [m["name"] for m in found["registered_models"]] == [name]
    call("DELETE", "model-versions/delete", name=name, version="1")
    call("DELETE", "registered-models/delete", name=name)
    call("POST", "runs/delete", **both)
    call("POST", "runs/restore", run_id=run_id)
    call("POST", "experiments/update", experiment_id=experiment, new_name=name + "-new")
    call("POST", "experiments/set-experiment-tag", experiment_id=experiment, key="a", value="b")
    call("POST", "experiments/delete", experiment_id=experiment)
    call("POST", "experiments/restore", experiment_id=experiment)
