"""Leaving for MLflow: what a server has, written to a folder, opened by MLflow's own server, and taken in again."""

import json
import math
import subprocess
import time

import mlflow
import pytest
import requests
from exchange import MLFLOW, command, mlflow_server
from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModelInput,
    LoggedModelOutput,
    Metric,
    Param,
    RunTag,
    ViewType,
)
from servers import BINARY, serving


def fill(client, folder):
    """Something of everything; answers with the run that has it."""
    (folder / "f.txt").write_text("hello")
    client.create_experiment("first")
    weekly = client.create_experiment("restock/weekly", tags={"team": "ä"})
    run = client.create_run(weekly, run_name="one", tags={"Käse": "🧀"}).info.run_id
    client.log_batch(
        run, [Metric("loss", math.nan, 5, 1), Metric("loss", -math.inf, 6, 2), Metric("acc/top", 0.5, 7, 0)],
        [Param("lr", "0.1"), Param("opt/name", "a\nb")], [RunTag("long", "x" * 5000)])
    for part in range(25):
        client.log_batch(run, [Metric("long", i / 3, 1000 + i, i) for i in range(part * 1000, part * 1000 + 1000)])
    client.log_batch(run, [Metric("back", 1.0, 50, 9), Metric("back", 2.0, 51, 3)])  # the highest step is the newest
    client.log_artifact(run, folder / "f.txt", "model/ä b")
    client.log_inputs(run, [DatasetInput(
        Dataset("ds", "dig", "local", "src", '{"a":1}'), [InputTag("mlflow.data.context", "training")])])
    model = client.create_logged_model(weekly, name="mod", source_run_id=run, params={"p": "1"}, tags={"t": "2"})
    client.log_model_artifact(model.model_id, str(folder / "f.txt"))
    client.finalize_logged_model(model.model_id, "READY")
    client.log_outputs(run, [LoggedModelOutput(model.model_id, 3)])
    client.log_inputs(run, models=[LoggedModelInput(model.model_id)])
    client.log_metric(run, "acc", 0.75, 8, 1, model_id=model.model_id, dataset_name="ds", dataset_digest="dig")
    gone = client.create_logged_model(weekly, name="gone")
    client.delete_logged_model(gone.model_id)
    client.set_terminated(run, end_time=1_795_000_000_000)
    deleted = client.create_run(weekly).info.run_id
    client.delete_run(deleted)
    old = client.create_experiment("old")
    client.create_run(old)
    client.delete_experiment(old)
    client.create_registered_model("reg", tags={"x": "y"}, description="what it is")
    client.create_model_version("reg", f"runs:/{run}/model", run)
    client.create_model_version("reg", f"models:/{model.model_id}", run, tags={"v": "2"}, description="second")
    client.create_model_version("reg", f"runs:/{run}/model", run)
    client.delete_model_version("reg", "3")
    client.set_registered_model_alias("reg", "champion", 2)
    client.transition_model_version_stage("reg", 1, "Staging")
    return run


def seen(client):
    """All that a client can see of a server."""
    def run(found):
        metrics = {
            key: sorted(
                (p.step, p.timestamp, repr(p.value)) for p in client.get_metric_history(found.info.run_id, key))
            for key in found.data.metrics}
        files = []
        def walk(path=None):
            for file in client.list_artifacts(found.info.run_id, path):
                walk(file.path) if file.is_dir else files.append((file.path, file.file_size))
        walk()
        info = found.info
        return {
            "info": (info.run_name, info.status, info.start_time, info.end_time, info.lifecycle_stage, info.user_id),
            "experiment": info.experiment_id, "params": found.data.params, "tags": found.data.tags, "metrics": metrics,
            "latest": {key: repr(value) for key, value in found.data.metrics.items()}, "files": files,
            "datasets": [
                (d.dataset.name, d.dataset.digest, d.dataset.schema, d.dataset.source, [(t.key, t.value) for t in d.tags])
                for d in found.inputs.dataset_inputs],
            "models": [m.model_id for m in found.inputs.model_inputs],
            "outputs": [(m.model_id, m.step) for m in found.outputs.model_outputs]}
    experiments = {
        e.experiment_id: (e.name, e.lifecycle_stage, e.tags, e.creation_time)
        for e in client.search_experiments(view_type=ViewType.ALL)}
    return {
        "experiments": experiments,
        "runs": {
            found.info.run_id: run(client.get_run(found.info.run_id))
            for found in client.search_runs(list(experiments), run_view_type=ViewType.ALL, max_results=1000)},
        "logged models": {
            m.model_id: (m.name, m.params, m.tags, str(m.status), m.source_run_id, m.creation_timestamp,
                         [(x.key, x.value, x.step, x.timestamp, x.run_id, x.dataset_name) for x in m.metrics])
            for m in client.search_logged_models(list(experiments))},
        "models": {
            m.name: (m.description, m.tags, m.aliases, m.creation_timestamp)
            for m in client.search_registered_models()},
        "versions": {
            (v.name, int(v.version)): (v.source, v.run_id, v.current_stage, v.description, v.tags, v.creation_timestamp)
            for v in (client.get_model_version(x.name, x.version) for x in client.search_model_versions())}}


def records(url):
    """Everything as records, but for where it is."""
    def items(what, **query):
        after, found = None, []
        while True:
            page = requests.get(f"{url}/api/v1/export/{what}", params={**query, "after": after}, timeout=30).json()
            found += page["items"]
            after = page.get("next")
            if not after:
                return found
    experiments = items("experiments")
    ids = [e["id"] for e in experiments]
    runs = [run for e in ids for run in items("runs", experiment=e)]
    digests = requests.post(
        f"{url}/api/v1/import/summaries", json={"runs": [r["id"] for r in runs]}, timeout=30).json()["items"]
    files = {
        r["id"]: requests.get(f"{url}/api/v1/import/files?of=run:{r['id']}", timeout=30).json()["items"] for r in runs}
    return {
        "experiments": experiments, "runs": sorted(runs, key=lambda r: r["id"]), "files": files,
        "digests": sorted(digests, key=lambda d: d["id"]), "models": items("models"),
        "logged models": sorted(
            (m for e in ids for m in items("logged-models", experiment=e)), key=lambda m: m["id"])}


@pytest.mark.skipif(not MLFLOW.exists(), reason="needs MLflow's server: scripts/setup --bench")
def test_mlflow_opens_what_was_exported(tmp_path):
    folder = tmp_path / "leaving"
    with serving(tmp_path / "here") as here:
        client = mlflow.MlflowClient(here.url, here.url)
        run = fill(client, tmp_path)
        cut = subprocess.Popen([BINARY, "export", "mlflow", folder, "--url", here.url], stdout=subprocess.DEVNULL)
        time.sleep(0.2)
        cut.kill()
        cut.wait()
        report = command(here.url, "export", "mlflow", str(folder))
        assert report["found"] == {
            "experiments": 4, "runs": 3, "points": 25_006, "loggedModels": 2, "models": 1, "versions": 2, "files": 2,
            "bytes": 10}
        assert report["problems"] == [] and report["written"]["runs"] + report["present"] == 3
        again = command(here.url, "export", "mlflow", str(folder))
        assert (again["written"], again["present"]) == ({"runs": 0, "files": 0}, 3)
        expected, original = jsonable(seen(client)), records(here.url)
    # The way back first: MLflow's server changes the database to its own form.
    with serving(tmp_path / "back") as back:
        arrived = command(
            back.url, "import", "mlflow", f"sqlite:///{folder}/mlflow.db", "--artifacts", str(folder / "artifacts"))
        assert (arrived["problems"], arrived["verified"]) == ([], 3)
        returned = records(back.url)
        for record in returned, original:
            for model in record["models"]:
                del model["updated"]  # when its alias was set
            # Every server makes its own.
            record["experiments"] = [e for e in record["experiments"] if e["id"] != "0"]
        assert returned == original
    arguments = ["--artifacts-destination", str(folder / "artifacts")]
    with mlflow_server(tmp_path, f"sqlite:///{folder}/mlflow.db", *arguments) as url:
        client = mlflow.MlflowClient(url, url)
        assert jsonable(seen(client)) == expected
        mlflow.set_tracking_uri(url)
        mlflow.set_registry_uri(url)
        for place in (f"runs:/{run}/model/ä b/f.txt", "models:/reg@champion/f.txt"):
            assert open(mlflow.artifacts.download_artifacts(place, dst_path=str(tmp_path / "down"))).read() == "hello"
        assert client.create_model_version("reg", f"runs:/{run}/model", run).version in (4, "4")
        client.log_metric(run, "loss", 0.5, step=9)
        assert client.get_run(run).data.metrics["loss"] == 0.5


def jsonable(value):
    return json.loads(json.dumps({
        what: sorted((str(key), item) for key, item in found.items()) for what, found in value.items()}))


def test_a_part_leaves(tmp_path):
    with serving(tmp_path / "here") as here:
        client = mlflow.MlflowClient(here.url, here.url)
        for name in ("one", "two"):
            run = client.create_run(client.create_experiment(name))
            client.log_metric(run.info.run_id, "m", 1)
        folder = tmp_path / "part"
        assert command(here.url, "export", "mlflow", str(folder), "--experiment", "two")["found"]["runs"] == 1
        # Another one of the same server adds to it; a folder with something else in it is left alone.
        assert command(here.url, "export", "mlflow", str(folder), "--experiment", "one")["written"]["runs"] == 1
        # An infinity, which only an import can bring, is a number in MLflow's store, so the run never is the same there.
        late = {"id": "a" * 32, "experiment": "1", "name": "x", "user": "u", "status": "FINISHED", "started": 1, "ended": 2}
        points = [{"run": "a" * 32, "key": "m", "points": [[0, 1, "Infinity"], [1, 2, "NaN"]]}]
        requests.post(f"{here.url}/api/v1/import/runs", json={"runs": [late], "points": points}, timeout=10)
        for _ in range(2):
            report = command(here.url, "export", "mlflow", str(folder))
            assert (report["written"]["runs"], report["present"], report["problems"]) == (1, 2, [])
        (tmp_path / "other").mkdir()
        (tmp_path / "other/mlflow.db").write_text("mine")
        for arguments, message in [
            ([tmp_path / "other"], "has something else in it"), ([folder, "--experiment", "three"], "There is no experiment"),
        ]:
            done = subprocess.run(
                [BINARY, "export", "mlflow", *arguments, "--url", here.url], capture_output=True, text=True, timeout=30)
            assert done.returncode != 0 and message in done.stderr
        assert (tmp_path / "other/mlflow.db").read_text() == "mine"
        with serving(tmp_path / "another") as another:
            done = subprocess.run(
                [BINARY, "export", "mlflow", folder, "--url", another.url], capture_output=True, text=True, timeout=30)
            assert done.returncode != 0 and "is the export of" in done.stderr
