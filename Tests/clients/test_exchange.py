"""Arriving from MLflow: a store that MLflow itself wrote, imported, looked at with MLflow's client."""

import json
import math
import subprocess
import textwrap
import time

import mlflow
import pytest
import requests
from mlflow.entities import ViewType
from servers import BINARY, REPOSITORY, serving

MLFLOW = REPOSITORY / ".slipway/bench-venv/bin/python"

MAKE = textwrap.dedent("""
    import json, sqlite3, sys
    import mlflow
    from mlflow.entities import (Dataset, DatasetInput, InputTag, LoggedModelOutput, Metric)
    folder = sys.argv[1]
    mlflow.set_tracking_uri(f"sqlite:///{folder}/m.db")
    client = mlflow.MlflowClient()
    client.create_experiment("first")
    experiment = client.create_experiment("restock/weekly", artifact_location=f"file://{folder}/arts", tags={"team": "a"})
    run = client.create_run(experiment, run_name="one", tags={"Käse": "🧀"}).info.run_id
    client.log_param(run, "lr", "0.1")
    client.log_batch(run, [Metric("loss", float("nan"), 5, 1), Metric("loss", float("-inf"), 6, 2), Metric("acc", 0.5, 7, 0)])
    for part in range(30):
        client.log_batch(run, [Metric("long", i / 3, 1000 + i, i) for i in range(part * 1000, part * 1000 + 1000)])
    open(f"{folder}/f.txt", "w").write("hello")
    client.log_artifact(run, f"{folder}/f.txt", "model/ä b")
    client.log_inputs(run, [DatasetInput(Dataset("ds", "dig", "local", "src", '{"a":1}'), [InputTag("mlflow.data.context", "training")])])
    model = client.create_logged_model(experiment, name="mod", source_run_id=run, params={"p": "1"}, tags={"t": "2"})
    client.log_model_artifact(model.model_id, f"{folder}/f.txt")
    client.finalize_logged_model(model.model_id, "READY")
    client.log_outputs(run, [LoggedModelOutput(model.model_id, 3)])
    client.log_metric(run, "acc", 0.75, step=1, model_id=model.model_id, dataset_name="ds", dataset_digest="dig")
    client.set_terminated(run, end_time=1_795_000_000_000)
    gone = client.create_run(experiment).info.run_id
    client.delete_run(gone)
    old = client.create_experiment("old")
    client.create_run(old)
    client.delete_experiment(old)
    client.create_registered_model("reg", tags={"x": "y"}, description="what it is")
    client.create_model_version("reg", f"runs:/{run}/model", run)
    client.create_model_version("reg", f"file://{folder}/arts/models/{model.model_id}/artifacts", run, tags={"v": "2"})
    client.create_model_version("reg", "s3://elsewhere/x")
    client.delete_model_version("reg", "3")
    client.set_registered_model_alias("reg", "champion", 2)
    db = sqlite3.connect(f"{folder}/m.db")
    print(json.dumps({"experiment": experiment, "run": run, "gone": gone, "old": old, "model": model.model_id}))
""")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    if not MLFLOW.exists():
        pytest.skip("MLflow with its database is not there: scripts/setup --bench")
    folder = tmp_path_factory.mktemp("mlflow")
    made = subprocess.run(
        [MLFLOW, "-c", MAKE, folder], capture_output=True, text=True, timeout=120,
        env={"MLFLOW_DISABLE_TELEMETRY": "true", "GIT_PYTHON_REFRESH": "quiet", "PATH": "/usr/bin:/bin"})
    assert made.returncode == 0, made.stderr[-3000:]
    return folder, json.loads(made.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def arrived(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("arrived")) as server:
        yield server.url


def command(url, *arguments):
    done = subprocess.run([BINARY, *arguments, "--url", url, "--json"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_everything_arrives_once(store, arrived):
    folder, ids = store
    source = f"sqlite:///{folder}/m.db"
    # Cut off in the middle, wherever that is.
    cut = subprocess.Popen([BINARY, "import", "mlflow", source, "--url", arrived], stdout=subprocess.DEVNULL)
    time.sleep(0.4)
    cut.kill()
    cut.wait()
    report = command(arrived, "import", "mlflow", source)
    assert report["found"] == {
        "experiments": 4, "runs": 3, "points": 30_004, "loggedModels": 1, "models": 1, "versions": 2, "files": 2,
        "bytes": 10}
    assert (report["problems"], report["verified"], report["continued"]) == ([], 3, 0)
    events = requests.get(f"{arrived}/api/v1/events?type=run.imported&limit=100", timeout=10).json()["items"]
    assert len(events) == 3
    again = command(arrived, "import", "mlflow", source)
    assert (again["added"], again["changed"], again["problems"], again["verified"]) == ({}, {}, [], 3)
    assert len(requests.get(f"{arrived}/api/v1/events?type=run.imported&limit=100", timeout=10).json()["items"]) == 3

    client = mlflow.MlflowClient(arrived, arrived)
    experiment = client.get_experiment_by_name("restock/weekly")
    assert (experiment.experiment_id, experiment.tags) == (ids["experiment"], {"team": "a"})
    assert client.get_experiment(ids["old"]).lifecycle_stage == "deleted"
    run = client.get_run(ids["run"])
    assert (run.info.run_name, run.info.status, run.info.end_time) == ("one", "FINISHED", 1_795_000_000_000)
    assert run.data.params == {"lr": "0.1"} and run.data.tags["Käse"] == "🧀"
    loss = client.get_metric_history(ids["run"], "loss")
    assert math.isnan(loss[0].value) and loss[1].value < -1e308 and [p.step for p in loss] == [1, 2]
    long = client.get_metric_history(ids["run"], "long")
    assert [(p.step, p.timestamp, p.value) for p in long] == [(i, 1000 + i, i / 3) for i in range(30_000)]
    [used] = run.inputs.dataset_inputs
    assert (used.dataset.name, used.dataset.schema, used.tags[0].value) == ("ds", '{"a":1}', "training")
    assert [(o.model_id, o.step) for o in run.outputs.model_outputs] == [(ids["model"], 3)]
    gone = client.search_runs([ids["experiment"]], run_view_type=ViewType.DELETED_ONLY)
    assert [r.info.run_id for r in gone] == [ids["gone"]]
    model = client.get_logged_model(ids["model"])
    assert (model.name, model.params, str(model.status)) == ("mod", {"p": "1"}, "READY")
    assert [(m.key, m.value, m.dataset_name) for m in model.metrics] == [("acc", 0.75, "ds")]
    registered = client.get_registered_model("reg")
    assert (registered.description, registered.tags, registered.aliases) == ("what it is", {"x": "y"}, {"champion": "2"})
    versions = {v.version: v for v in client.search_model_versions("name = 'reg'")}
    assert sorted(int(v) for v in versions) == [1, 2]
    assert client.get_model_version("reg", "2").tags == {"v": "2"}
    assert client.create_model_version("reg", f"runs:/{ids['run']}/model").version in (4, "4")


def test_artifacts_arrive(store, arrived, tmp_path):
    _, ids = store
    mlflow.set_tracking_uri(arrived)
    path = mlflow.artifacts.download_artifacts(f"runs:/{ids['run']}/model/ä b/f.txt", dst_path=str(tmp_path))
    assert open(path).read() == "hello"
    files = requests.get(f"{arrived}/api/v1/models/reg/versions/2/files/f.txt", timeout=10)
    assert files.text == "hello"


def test_a_run_that_went_on_here_is_whole(store, arrived):
    folder, ids = store
    client = mlflow.MlflowClient(arrived, arrived)
    client.log_metric(ids["run"], "long", 1.5, step=99_999)
    client.set_tag(ids["run"], "Käse", "Brie")
    report = command(arrived, "import", "mlflow", f"sqlite:///{folder}/m.db")
    assert (report["added"], report["changed"], report["verified"], report["continued"]) == ({}, {}, 2, 1)
    assert report["problems"] == [f"run {ids['run']}: kept other values of the tags Käse"]
    assert client.get_run(ids["run"]).data.tags["Käse"] == "Brie"
    assert len(client.get_metric_history(ids["run"], "long")) == 30_001
