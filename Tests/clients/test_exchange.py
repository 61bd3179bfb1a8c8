"""Arriving from MLflow: stores that MLflow itself wrote, imported, looked at with MLflow's client."""

import json
import math
import os
import re
import shutil
import subprocess
import textwrap
import time
import uuid

import mlflow
import pytest
import requests
from exchange import ENVIRONMENT, MLFLOW, command, mlflow_server
from mlflow.entities import ViewType
from servers import BINARY, serving

MAKE = textwrap.dedent("""
    import json, sys
    import mlflow
    from mlflow.entities import (Dataset, DatasetInput, InputTag, LoggedModelOutput, Metric)
    folder, uri, parts = sys.argv[1:]
    mlflow.set_tracking_uri(uri)
    client = mlflow.MlflowClient()
    client.create_experiment("first")
    experiment = client.create_experiment("restock/weekly", artifact_location=f"file://{folder}/arts", tags={"team": "a"})
    run = client.create_run(experiment, run_name="one", tags={"Käse": "🧀"}).info.run_id
    client.log_param(run, "lr", "0.1")
    client.log_batch(run, [Metric("loss", float("nan"), 5, 1), Metric("loss", float("-inf"), 6, 2), Metric("acc", 0.5, 7, 0)])
    for part in range(int(parts)):
        client.log_batch(run, [Metric("long", i / 3, 1000 + i, i) for i in range(part * 1000, part * 1000 + 1000)])
    open(f"{folder}/f.txt", "w").write("hello")
    client.log_artifact(run, f"{folder}/f.txt", "model/ä b")
    client.log_inputs(run, [DatasetInput(Dataset("ds", "12345e67", "local", "src", '{"a":1}'), [InputTag("mlflow.data.context", "training")])])
    model = client.create_logged_model(experiment, name="mod", source_run_id=run, params={"p": "1"}, tags={"t": "2"})
    client.log_model_artifact(model.model_id, f"{folder}/f.txt")
    client.finalize_logged_model(model.model_id, "READY")
    client.log_outputs(run, [LoggedModelOutput(model.model_id, 3)])
    client.log_metric(run, "acc", 0.75, step=1, model_id=model.model_id, dataset_name="ds", dataset_digest="12345e67")
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
    print(json.dumps({"experiment": experiment, "run": run, "gone": gone, "old": old, "model": model.model_id}))
""")


def made_by_mlflow(folder, uri, parts=3):
    if not MLFLOW.exists():
        pytest.skip("MLflow with its database is not there: scripts/setup --bench")
    made = subprocess.run(
        [MLFLOW, "-c", MAKE, folder, uri, str(parts)], capture_output=True, text=True, timeout=120, env=ENVIRONMENT)
    assert made.returncode == 0, made.stderr[-3000:]
    return json.loads(made.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mlflow")
    uri = f"sqlite:///{folder}/m.db"
    return folder, uri, made_by_mlflow(folder, uri)


@pytest.fixture(scope="module", params=["sqlite", "folder", "postgres", "http"])
def store(request, sqlite, tmp_path_factory):
    """A store of each kind with the same in it: the kind, the arguments that lead to it, and the ids."""
    kind = request.param
    folder, uri, ids = sqlite
    if kind == "sqlite":
        yield kind, [uri], ids
    elif kind == "http":
        with mlflow_server(folder, uri) as url:
            yield kind, [url], ids
    elif kind == "folder":
        # Artifacts that MLflow was told to put elsewhere are read only from where the user says.
        folder = tmp_path_factory.mktemp("mlruns")
        ids = made_by_mlflow(folder, f"{folder}/mlruns")
        yield kind, [f"{folder}/mlruns", "--artifacts", f"{folder}/arts"], ids
    elif "SLIPWAY_TEST_POSTGRES" not in os.environ:
        pytest.skip("needs PostgreSQL: scripts/services run")
    else:
        server, name = os.environ["SLIPWAY_TEST_POSTGRES"].rsplit("/", 1)[0], f"mlflow_{uuid.uuid4().hex}"
        subprocess.run(
            ["psql", "-q", f"{server}/postgres", "-c", f"CREATE DATABASE {name}"], check=True, timeout=60)
        uri = f"postgresql+psycopg2://{server.split('://')[1]}/{name}"
        yield kind, [uri], made_by_mlflow(tmp_path_factory.mktemp("postgres"), uri)


@pytest.fixture(scope="module")
def arrived(store, tmp_path_factory):
    with serving(tmp_path_factory.mktemp("arrived")) as server:
        yield server.url


def test_everything_arrives_once(store, arrived):
    kind, source, ids = store
    # Cut off in the middle, wherever that is.
    cut = subprocess.Popen([BINARY, "import", "mlflow", *source, "--url", arrived], stdout=subprocess.DEVNULL)
    time.sleep(0.4)
    cut.kill()
    cut.wait()
    report = command(arrived, "import", "mlflow", *source)
    assert report["found"] == {
        "experiments": 4, "runs": 3, "points": 3_004, "loggedModels": 1, "models": 1, "versions": 2, "files": 2,
        "bytes": 10}
    assert (report["problems"], report["verified"], report["continued"]) == ([], 3, 0)
    events = requests.get(f"{arrived}/api/v1/events?type=run.imported&limit=100", timeout=10).json()["items"]
    assert len(events) == 3
    again = command(arrived, "import", "mlflow", *source)
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
    least = -math.inf if kind == "folder" else -1.7976931348623157e308
    assert math.isnan(loss[0].value) and loss[1].value == least and [p.step for p in loss] == [1, 2]
    long = client.get_metric_history(ids["run"], "long")
    assert [(p.step, p.timestamp, p.value) for p in long] == [(i, 1000 + i, i / 3) for i in range(3_000)]
    [used] = run.inputs.dataset_inputs
    assert (used.dataset.name, used.dataset.digest, used.dataset.schema, used.tags[0].value) == (
        "ds", "12345e67", '{"a":1}', "training")
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
    # That there was a third one cannot be seen through the API.
    following = client.create_model_version("reg", f"runs:/{ids['run']}/model").version
    assert str(following) == ("3" if kind == "http" else "4")


def test_artifacts_arrive(store, arrived, tmp_path):
    _, _, ids = store
    mlflow.set_tracking_uri(arrived)
    path = mlflow.artifacts.download_artifacts(f"runs:/{ids['run']}/model/ä b/f.txt", dst_path=str(tmp_path))
    assert open(path).read() == "hello"
    files = requests.get(f"{arrived}/api/v1/models/reg/versions/2/files/f.txt", timeout=10)
    assert files.text == "hello"


def test_a_run_that_went_on_here_is_whole(store, arrived):
    _, source, ids = store
    client = mlflow.MlflowClient(arrived, arrived)
    client.log_metric(ids["run"], "long", 1.5, step=99_999)
    client.set_tag(ids["run"], "Käse", "Brie")
    report = command(arrived, "import", "mlflow", *source)
    assert (report["added"], report["changed"], report["verified"], report["continued"]) == ({}, {}, 2, 1)
    assert report["problems"] == [f"run {ids['run']}: kept other values of the tags Käse"]
    assert client.get_run(ids["run"]).data.tags["Käse"] == "Brie"
    assert len(client.get_metric_history(ids["run"], "long")) == 3_001


LATER = textwrap.dedent("""
    import sys
    import mlflow
    from mlflow.entities import Metric
    folder, uri, run = sys.argv[1:]
    mlflow.set_tracking_uri(uri)
    client = mlflow.MlflowClient()
    client.log_batch(run, [Metric("loss", i / 7, 100 + i, i) for i in range(5)])
    client.log_metric(run, "loss", 0.5, 50, 0)  # out of order
    client.log_metric(run, "loss", 0.5, 50, 0)  # and twice
    client.log_param(run, "later", "yes")
    client.set_terminated(run)
""")


def test_a_folder_is_merged_late(tmp_path):
    """Logged without a network, carried to another place, imported while it is written, and again at the end."""
    written, folder = tmp_path / "there", tmp_path / "here"
    written.mkdir()
    start = textwrap.dedent("""
        import sys, mlflow
        mlflow.set_tracking_uri(sys.argv[2])
        client = mlflow.MlflowClient()
        run = client.create_run("0", start_time=1).info.run_id
        client.log_metric(run, "loss", 1.0, 7, 0)
        client.log_metric(run, "loss", float("inf"), 8, 1)
        print(run)
    """)
    def python(*arguments):
        done = subprocess.run(
            [MLFLOW, "-c", *arguments], capture_output=True, text=True, timeout=60, env=ENVIRONMENT)
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout.split()[-1:]
    if not MLFLOW.exists():
        pytest.skip("MLflow with its stores is not there: scripts/setup --bench")
    [run] = python(start, written, written / "mlruns")
    shutil.copytree(written, folder)
    loss = folder / "mlruns/0" / run / "metrics/loss"
    whole = loss.read_text()
    loss.write_text(whole + "9 0.2")  # a line that is being written
    with serving(tmp_path / "server") as server:
        first = command(server.url, "import", "mlflow", str(folder / "mlruns"))
        assert (first["found"]["points"], first["verified"], first["problems"]) == (2, 1, [])
        loss.write_text(whole)
        python(LATER, folder, folder / "mlruns", run)
        # Where MLflow would write it, had the folder stayed where it was.
        (folder / "mlruns/0" / run / "artifacts/g.txt").write_text("later")
        (folder / "mlruns/0" / run / "metrics/broken").write_text("1 2 3\nnonsense here\n4 5 6\n")
        second = command(server.url, "import", "mlflow", str(folder / "mlruns"))
        assert second["added"] == {"points": 8, "files": 1} and second["changed"] == {"runs": 1}
        [problem] = second["problems"]
        assert re.search(r"metrics/broken:2: is not a point", problem), problem
        third = command(server.url, "import", "mlflow", str(folder / "mlruns"))
        assert (third["added"], third["changed"], third["verified"]) == ({}, {}, 1)
        client = mlflow.MlflowClient(server.url)
        points = [(p.timestamp, p.step, p.value) for p in client.get_metric_history(run, "loss")]
        assert points == [(7, 0, 1.0), (8, 1, math.inf), (50, 0, 0.5), *((100 + i, i, i / 7) for i in range(5))]
        found = client.get_run(run)
        assert (found.info.status, found.data.params) == ("FINISHED", {"later": "yes"})


def test_a_folder_from_anybody_names_no_file_of_this_machine(tmp_path):
    folder, secret = tmp_path / "mlruns", tmp_path / "secret"
    (secret / "deeper").mkdir(parents=True)
    (secret / "deeper/key").write_text("private")
    runs = {}
    for number, uri in enumerate([str(secret), f"file://{secret}", "own/../../secret", "link"]):
        run = folder / "5" / f"{number:032x}"
        for name in ("metrics", "params", "tags"):
            (run / name).mkdir(parents=True)
        (run / "artifacts").symlink_to(secret)
        (run / "params/link").symlink_to(secret / "deeper/key")
        (run / "meta.yaml").write_text(
            f"artifact_uri: '{uri if uri != 'link' else run / 'artifacts'}'\nexperiment_id: '5'\nstatus: 3\n"
            f"lifecycle_stage: active\nrun_id: {run.name}\nrun_name: x\nstart_time: 5\nend_time: 6\n")
        runs[run.name] = uri
    (folder / "5/meta.yaml").write_text("experiment_id: '5'\nname: five\ncreation_time: 4\n")
    (folder / "5" / ("e" * 32)).mkdir()
    (folder / "5" / ("e" * 32) / "meta.yaml").write_text("run_id: [unclosed")
    with serving(tmp_path / "server") as server:
        report = command(server.url, "import", "mlflow", str(folder))
        assert (report["found"]["runs"], report["found"]["files"], report["verified"]) == (4, 0, 4)
        assert len([p for p in report["problems"] if "outside" in p or "not usable" in p]) >= 4
        assert mlflow.MlflowClient(server.url).get_run("0" * 32).data.params == {}
    refused = subprocess.run([BINARY, "import", "mlflow", str(secret)], capture_output=True, text=True, timeout=20)
    assert refused.returncode != 0 and "no folder in it has a meta.yaml" in refused.stderr
