"""Experiments, runs, parameters, metrics, tags, inputs and search, as the mlflow client makes them."""

import math
import os
import subprocess

import mlflow
import pandas
import pytest
import requests
from mlflow.entities import Metric, Param, RunTag, ViewType
from mlflow.exceptions import MlflowException


def test_experiment_and_run(client, unique):
    name = unique("first")
    experiment = mlflow.set_experiment(name)
    assert mlflow.set_experiment(name).experiment_id == experiment.experiment_id
    assert experiment.artifact_location.startswith("mlflow-artifacts:/")
    with mlflow.start_run() as active:
        assert client.get_run(active.info.run_id).info.status == "RUNNING"
    run = client.get_run(active.info.run_id)
    info = run.info
    assert (info.status, info.experiment_id, info.lifecycle_stage) == ("FINISHED", experiment.experiment_id, "active")
    assert info.run_name and run.data.tags["mlflow.runName"] == info.run_name
    assert info.start_time <= info.end_time
    assert info.artifact_uri == f"{experiment.artifact_location}/{info.run_id}/artifacts"


def test_default_experiment(client):
    assert client.get_experiment("0").name == "Default"


def test_run_that_fails(client, experiment):
    with pytest.raises(ValueError), mlflow.start_run(run_name="broken") as active:
        raise ValueError("on purpose")
    info = client.get_run(active.info.run_id).info
    assert (info.status, info.run_name) == ("FAILED", "broken")


def test_nested_runs(client, experiment):
    with mlflow.start_run() as parent, mlflow.start_run(nested=True) as child:
        pass
    assert client.get_run(child.info.run_id).data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert client.get_parent_run(child.info.run_id).info.run_id == parent.info.run_id


def test_values_one_by_one_and_together(client, experiment):
    with mlflow.start_run(tags={"from": "start"}, description="what it is") as active:
        mlflow.log_param("depth", 3)
        mlflow.log_params({"rate": 0.1, "empty": "", "unicode": "Käse 🧀"})
        mlflow.log_metric("loss", 0.5)
        mlflow.log_metrics({"rmse": 1.25, "mae": -2})
        mlflow.set_tag("stage", "prod")
        mlflow.set_tags({"a/b.c": "1", "gone": "x", "long": "y" * 5000})
        mlflow.delete_tag("gone")
    data = client.get_run(active.info.run_id).data
    assert data.params == {"depth": "3", "rate": "0.1", "empty": "", "unicode": "Käse 🧀"}
    assert data.metrics == {"loss": 0.5, "rmse": 1.25, "mae": -2}
    tags = {k: v for k, v in data.tags.items() if not k.startswith("mlflow.")}
    assert tags == {"from": "start", "stage": "prod", "a/b.c": "1", "long": "y" * 5000}
    assert data.tags["mlflow.note.content"] == "what it is"


def test_batch_and_history(client, experiment):
    run_id = client.create_run(experiment, start_time=1_000).info.run_id
    points = [Metric("loss", 1 / (step + 1), 1_000 + step, step) for step in range(1000)]
    client.log_batch(run_id, metrics=points)
    client.log_batch(
        run_id, metrics=[Metric("other", 7.0, 5, 0)], params=[Param("p", "v")], tags=[RunTag("t", "u")])
    client.set_terminated(run_id, end_time=2_000)
    run = client.get_run(run_id)
    assert (run.info.start_time, run.info.end_time) == (1_000, 2_000)
    assert run.data.metrics == {"loss": points[-1].value, "other": 7.0}
    assert (run.data.params, run.data.tags["t"]) == ({"p": "v"}, "u")
    found = sorted((m.step, m.timestamp, m.value) for m in client.get_metric_history(run_id, "loss"))
    assert found == [(p.step, p.timestamp, p.value) for p in points]
    assert client.get_metric_history(run_id, "absent") == []


def test_latest_metric_is_that_of_the_highest_step(client, experiment):
    run_id = client.create_run(experiment).info.run_id
    for value, timestamp, step in [(1.0, 100, 5), (2.0, 300, 2), (3.0, 200, 5), (4.0, 50, 1)]:
        client.log_metric(run_id, "m", value, timestamp, step)
    assert client.get_run(run_id).data.metrics == {"m": 3.0}


def test_metric_values_that_json_cannot_hold(client, experiment):
    run_id = client.create_run(experiment).info.run_id
    client.log_batch(run_id, metrics=[
        Metric("nan", math.nan, 1, 0), Metric("inf", math.inf, 1, 0), Metric("minus", -math.inf, 1, 0)])
    found = client.get_run(run_id).data.metrics
    assert math.isnan(found["nan"])
    assert found["inf"] >= 1.7976931348623157e308 and found["minus"] <= -1.7976931348623157e308
    assert math.isnan(client.get_metric_history(run_id, "nan")[0].value)


def test_asynchronous_logging(client, experiment):
    with mlflow.start_run() as active:
        for step in range(20):
            mlflow.log_metric("m", step, step=step, synchronous=False)
        mlflow.log_params({"p": 1}, synchronous=False).wait()
        mlflow.flush_async_logging()
    assert [m.value for m in client.get_metric_history(active.info.run_id, "m")] == list(range(20))


def test_parameter_is_written_once(client, experiment):
    run_id = client.create_run(experiment).info.run_id
    client.log_param(run_id, "p", "1")
    client.log_param(run_id, "p", "1")
    with pytest.raises(MlflowException, match="p") as refused:
        client.log_param(run_id, "p", "2")
    assert refused.value.error_code == "INVALID_PARAMETER_VALUE"
    assert client.get_run(run_id).data.params == {"p": "1"}


def test_delete_and_restore_run(client, experiment):
    run_id = client.create_run(experiment, run_name="back").info.run_id
    client.update_run(run_id, status="FINISHED", name="renamed")
    client.delete_run(run_id)
    assert client.get_run(run_id).info.lifecycle_stage == "deleted"
    names = lambda view: [run.info.run_name for run in client.search_runs([experiment], run_view_type=view)]
    assert (names(ViewType.ACTIVE_ONLY), names(ViewType.DELETED_ONLY)) == ([], ["renamed"])
    client.restore_run(run_id)
    assert names(ViewType.ACTIVE_ONLY) == ["renamed"]


@pytest.fixture(scope="module")
def searched(url):
    """Five runs, r0 to r4, in one experiment."""
    mlflow.set_tracking_uri(url)
    client = mlflow.MlflowClient()
    experiment = client.create_experiment(f"search-{url.rsplit(':')[-1]}-{mlflow.utils.time.get_current_time_millis()}")
    for i in range(5):
        run_id = client.create_run(experiment, run_name=f"r{i}", start_time=1_000 + i).info.run_id
        client.log_batch(
            run_id, metrics=[Metric("rmse", i / 10, 1, 0)] + [Metric("only even", i, 1, 0)] * (i % 2 == 0),
            params=[Param("model", ["tree", "Linear"][i % 2])], tags=[RunTag("stage", "prod" if i < 2 else "dev")])
        client.set_terminated(run_id, "FAILED" if i == 4 else "FINISHED")
    return experiment


@pytest.mark.parametrize("condition, names", [
    ("", "r4 r3 r2 r1 r0"),  # newest first
    ("metrics.rmse < 0.3", "r2 r1 r0"),
    ("metrics.rmse >= 0.1 AND metrics.rmse <= 0.3", "r3 r2 r1"),
    ("metric.rmse = 0.2", "r2"),
    ("metrics.rmse != 0.2", "r4 r3 r1 r0"),
    ("metrics.`only even` > 0", "r4 r2"),
    ('metrics."only even" > 0', "r4 r2"),
    ("params.model = 'tree'", "r4 r2 r0"),
    ("params.model != 'tree'", "r3 r1"),
    ("params.model LIKE 'Lin%'", "r3 r1"),
    ("params.model LIKE 'lin%'", ""),
    ("params.model ILIKE 'lin%'", "r3 r1"),
    ("tags.stage = 'prod' and metrics.rmse < 0.1", "r0"),
    ("tags.stage IS NOT NULL and tags.absent IS NULL", "r4 r3 r2 r1 r0"),
    ("params.absent = 'x'", ""),
    ("attributes.status = 'FAILED'", "r4"),
    ("status != 'FAILED'", "r3 r2 r1 r0"),
    ("run_name = 'r2'", "r2"),
    ("tags.`mlflow.runName` = 'r2'", "r2"),
    ("start_time > 1002", "r4 r3"),
    ("attributes.start_time <= 1001", "r1 r0"),
])
def test_search_filter(client, searched, condition, names):
    assert [run.info.run_name for run in client.search_runs([searched], condition)] == names.split()


def test_search_by_run_ids(client, searched):
    all_ids = [run.info.run_id for run in client.search_runs([searched])]
    wanted = ", ".join(f"'{run_id}'" for run_id in all_ids[1:3])
    for condition in (f"attributes.run_id IN ({wanted})", f"run_id IN ({wanted}) AND metrics.rmse > 0"):
        assert [run.info.run_id for run in client.search_runs([searched], condition)] == all_ids[1:3]


@pytest.mark.parametrize("order, names", [
    (["metrics.rmse ASC"], "r0 r1 r2 r3 r4"),
    (["metrics.rmse DESC"], "r4 r3 r2 r1 r0"),
    (["params.model", "metrics.rmse DESC"], "r3 r1 r4 r2 r0"),
    (["metrics.`only even` DESC", "start_time ASC"], "r4 r2 r0 r1 r3"),  # missing values come last
    (["attributes.start_time"], "r0 r1 r2 r3 r4"),
    (["tags.stage DESC", "attributes.run_name"], "r0 r1 r2 r3 r4"),
])
def test_search_order(client, searched, order, names):
    assert [run.info.run_name for run in client.search_runs([searched], order_by=order)] == names.split()


def test_search_pages(client, searched):
    pages, token = [], None
    while True:
        page = client.search_runs([searched], order_by=["metrics.rmse"], max_results=2, page_token=token)
        pages.append([run.info.run_name for run in page])
        token = page.token
        if not token:
            break
    assert pages == [["r0", "r1"], ["r2", "r3"], ["r4"]]


def test_search_as_data_frame(searched):
    frame = mlflow.search_runs([searched], order_by=["metrics.rmse"])
    assert list(frame["metrics.rmse"]) == [0.0, 0.1, 0.2, 0.3, 0.4]
    assert list(frame["params.model"]) == ["tree", "Linear", "tree", "Linear", "tree"]


@pytest.mark.parametrize("condition", ["metrics.rmse <", "metrics.rmse = 'x'", "nonsense.x = 1", "params.p > 'a'", "a; b"])
def test_search_refuses_a_bad_filter(client, searched, condition):
    with pytest.raises(MlflowException) as refused:
        client.search_runs([searched], condition)
    assert refused.value.error_code == "INVALID_PARAMETER_VALUE"


def test_experiment_life(client, unique):
    name = unique("life")
    experiment_id = client.create_experiment(name, tags={"team": "fresh"})
    client.set_experiment_tag(experiment_id, "note", "x")
    client.rename_experiment(experiment_id, name + "-new")
    experiment = client.get_experiment(experiment_id)
    assert experiment.name == name + "-new" and experiment.tags == {"team": "fresh", "note": "x"}
    assert client.get_experiment_by_name(name) is None
    names = lambda *a, **k: [e.name for e in client.search_experiments(*a, **k)]
    assert names(filter_string=f"name LIKE '{name}%'") == [name + "-new"]
    assert names(filter_string=f"tags.team = 'fresh' AND name = '{name}-new'") == [name + "-new"]
    client.delete_experiment(experiment_id)
    assert client.get_experiment(experiment_id).lifecycle_stage == "deleted"
    assert names(filter_string=f"name = '{name}-new'") == []
    assert names(filter_string=f"name = '{name}-new'", view_type=ViewType.ALL) == [name + "-new"]
    client.restore_experiment(experiment_id)
    assert client.get_experiment(experiment_id).lifecycle_stage == "active"


def test_dataset_input(client, experiment):
    frame = pandas.DataFrame({"store": [1, 2, 3], "units": [1.5, 2.5, 3.5]})
    dataset = mlflow.data.from_pandas(frame, source="https://example.invalid/sales.csv", name="sales", targets="units")
    with mlflow.start_run() as active:
        mlflow.log_input(dataset, context="training", tags={"split": "1"})
        mlflow.log_input(dataset, context="training")
    (found,) = client.get_run(active.info.run_id).inputs.dataset_inputs
    assert (found.dataset.name, found.dataset.digest) == ("sales", dataset.digest)
    assert {tag.key: tag.value for tag in found.tags}["mlflow.data.context"] == "training"
    assert '"store"' in found.dataset.schema
    by_name = client.search_runs([experiment], "dataset.name = 'sales'")
    assert [run.info.run_id for run in by_name] == [active.info.run_id]
    assert len(client.search_runs([experiment], "dataset.name = 'other'")) == 0


@pytest.mark.parametrize("call, code", [
    (lambda c: c.get_run("0" * 32), "RESOURCE_DOES_NOT_EXIST"),
    (lambda c: c.get_experiment("987654321"), "RESOURCE_DOES_NOT_EXIST"),
    (lambda c: c.create_experiment("Default"), "RESOURCE_ALREADY_EXISTS"),
    (lambda c: c.log_metric("0" * 32, "m", 1.0), "RESOURCE_DOES_NOT_EXIST"),
    (lambda c: c.search_runs(["0"], order_by=["nonsense.x"]), "INVALID_PARAMETER_VALUE"),
    (lambda c: c.create_run("987654321"), "RESOURCE_DOES_NOT_EXIST"),
])
def test_error_codes(client, call, code):
    with pytest.raises(MlflowException) as refused:
        call(client)
    assert refused.value.error_code == code


@pytest.mark.parametrize("path, body, status, code", [
    ("runs/get", None, 400, "INVALID_PARAMETER_VALUE"),
    ("runs/log-metric", {"key": "m", "value": 1, "timestamp": 1}, 400, "INVALID_PARAMETER_VALUE"),
    ("runs/log-metric", {"run_id": "RUN", "key": "m", "value": "abc", "timestamp": 1}, 400, "INVALID_PARAMETER_VALUE"),
    ("runs/log-batch", {"run_id": "RUN", "metrics": [{"key": "m", "value": 1, "timestamp": 1}] * 1001}, 400,
     "INVALID_PARAMETER_VALUE"),
    ("runs/log-parameter", {"run_id": "RUN", "key": "k" * 251, "value": "v"}, 400, "INVALID_PARAMETER_VALUE"),
    ("runs/search", {"experiment_ids": ["0"], "max_results": 50001}, 400, "INVALID_PARAMETER_VALUE"),
    ("experiments/create", {"name": ""}, 400, "INVALID_PARAMETER_VALUE"),
])
def test_bad_requests(api, client, experiment, path, body, status, code):
    run_id = client.create_run(experiment).info.run_id
    body = {k: run_id if v == "RUN" else v for k, v in (body or {}).items()}
    found, answer = api("GET" if path == "runs/get" else "POST", path, body)
    assert (found, answer.get("error_code")) == (status, code)
    assert answer["message"]
    assert client.get_run(run_id).data.metrics == {}


def test_numbers_on_the_wire(api, client, experiment):
    """int64 are JSON numbers, strings are taken for them, NaN travels as a string."""
    status, answer = api("POST", "runs/create", {"experiment_id": experiment, "start_time": "1234"})
    info = answer["run"]["info"]
    assert (status, info["start_time"], info["run_id"]) == (200, 1234, info["run_uuid"])
    point = {"run_id": info["run_id"], "key": "m", "value": "NaN", "timestamp": "7", "step": "3"}
    assert api("POST", "runs/log-metric", point) == (200, {})
    _, history = api("GET", "metrics/get-history", {"run_id": info["run_id"], "metric_key": "m"})
    point = history["metrics"][0]
    assert (point["value"], point["timestamp"], point["step"]) == ("NaN", 7, 3)


@pytest.mark.stricter
def test_long_history_is_streamed_thinned_out_and_drawn(client, experiment, url):
    runs = [client.create_run(experiment).info.run_id for _ in range(2)]
    for start in range(0, 101_000, 1000):
        client.log_batch(runs[0], metrics=[Metric("loss", step % 10, step, step) for step in range(start, start + 1000)])
    client.log_batch(runs[1], metrics=[Metric("loss", math.nan, 5, 5), Metric("loss", 3, 6, 6)])
    assert [m.step for m in client.get_metric_history(runs[0], "loss")] == list(range(101_000))
    ajax = f"{url}/ajax-api/2.0/mlflow/metrics"
    # The limit is that of the whole answer, the runs in the order of their ids.
    bulk = requests.get(f"{ajax}/get-history-bulk?run_id={runs[1]}&run_id={runs[0]}&metric_key=loss&max_results=30").json()
    points = {run: [m["step"] for m in bulk["metrics"] if m["run_id"] == run] for run in runs}
    assert points[runs[0]] == list(range(30 if runs[0] < runs[1] else 28)) and len(bulk["metrics"]) == 30
    interval = requests.get(f"{ajax}/get-history-bulk-interval?run_ids={runs[0]}&metric_key=loss&max_results=4").json()
    assert [m["step"] for m in interval["metrics"]] == [0, 25_250, 50_500, 100_999]
    curves = requests.get(f"{url}/api/v1/metrics?run={runs[0]}&run={runs[1]}&metric=loss&points=100").json()["items"]
    assert [(len(c["buckets"]), c["points"]) for c in curves] == [(100, 101_000), (1, 2)]
    assert all((b["min"], b["max"]) == (0, 9) for b in curves[0]["buckets"]) and curves[1]["buckets"][0]["nan"] == 1
    binary = os.environ.get("SLIPWAY_BINARY", ".build/debug/slipway")
    command = [binary, "run", "metrics", runs[0], "loss", "--points", "100", "--url", url]
    drawn = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert drawn[0] == "loss: 101000 points" and len(drawn) == 16 and "│" in drawn[1]
