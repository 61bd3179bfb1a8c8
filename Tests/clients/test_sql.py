"""SQL over runs and saved searches, from the command line and over HTTP, of what MLflow's client logged."""

import csv
import io
import json
import subprocess

import mlflow
import pyarrow
import pytest
import requests
from servers import BINARY

pytestmark = pytest.mark.stricter


def slipway(url, *arguments, code=0):
    done = subprocess.run([BINARY, *arguments, "--url", url], capture_output=True, timeout=60)
    assert done.returncode == code, done.stderr.decode()
    return done.stdout


def sql(url, text, *arguments, **options):
    return slipway(url, "sql", text, *arguments, **options)


@pytest.fixture
def runs(url, unique):
    """An experiment with three runs; its name."""
    mlflow.set_tracking_uri(url)
    name = unique("sql")
    mlflow.set_experiment(name)
    for index in range(3):
        with mlflow.start_run(run_name=f"r{index}"):
            mlflow.log_params({"lr": 0.1 * index, "text": 'a "quoted", text'})
            for step in range(70):
                mlflow.log_metric("loss", 1 / (1 + step + index), step=step)
            mlflow.log_metrics({"rmse": float(index), "nan": float("nan")})
    return name


def test_a_query_sees_what_was_logged(url, runs):
    best = json.loads(sql(
        url, f"""SELECT run_name, m.value, lr.value AS lr FROM runs JOIN metrics m USING (run_id)
        JOIN params lr ON lr.run_id = runs.run_id AND lr.key = 'lr'
        WHERE experiment_name = '{runs}' AND m.key = 'rmse' ORDER BY m.value LIMIT 2""", "--json"))
    assert best == [{"run_name": "r0", "value": 0.0, "lr": "0.0"}, {"run_name": "r1", "value": 1.0, "lr": "0.1"}]
    table = sql(url, f"SELECT run_name, status FROM runs WHERE experiment_name = '{runs}' ORDER BY 1").decode().split("\n")
    assert [line.split() for line in table[:4]] == [
        ["RUN_NAME", "STATUS"], ["r0", "FINISHED"], ["r1", "FINISHED"], ["r2", "FINISHED"]]


def test_arrow_and_csv(url, runs, tmp_path):
    ours = f"run_id IN (SELECT run_id FROM runs WHERE experiment_name = '{runs}')"
    path = tmp_path / "points.arrow"
    sql(url, f"FROM metric_history WHERE key = 'loss' AND {ours}", "--format", "arrow", "--to", path)
    with pyarrow.ipc.open_stream(path.read_bytes()) as reader:
        points = reader.read_all()
    assert points.num_rows == 210 and [str(field.type) for field in points.schema] == [
        "string", "string", "double", "int64", "timestamp[us]"]
    assert sorted(points["step"].to_pylist()) == sorted(list(range(70)) * 3)
    assert abs(sum(points["value"].to_pylist()) - sum(1 / (1 + s + i) for s in range(70) for i in range(3))) < 1e-9
    lines = list(csv.reader(io.StringIO(sql(
        url, f"SELECT key, value FROM params WHERE {ours} AND key = 'text'", "--format", "csv").decode())))
    assert lines == [["key", "value"]] + [["text", 'a "quoted", text']] * 3


def test_only_one_select_and_only_these_tables(url, runs):
    for text in ("DELETE FROM runs", "SELECT * FROM read_csv('/etc/passwd')", "SELECT 1; SELECT 2", "SET threads=1"):
        assert requests.post(f"{url}/api/v1/sql", json={"sql": text}).status_code in (400, 403), text
    wrong = requests.post(f"{url}/api/v1/sql", json={"sql": "SELECT * FROM run"}).json()["error"]["message"]
    assert "no table 'run'" in wrong and "metric_history" in wrong and "model_versions" in wrong
    tables = {table["name"]: table["columns"] for table in requests.get(f"{url}/api/v1/sql/tables").json()["items"]}
    assert {"name": "run_id", "type": "VARCHAR"} in tables["runs"] and len(tables) == 12


def test_saved_searches(url, runs, unique):
    name = unique("best")
    search = ("run", "search", "--experiment", runs, "--filter", "metrics.rmse < 2", "--order", "metrics.rmse DESC")
    saved = slipway(url, *search, "--metric", "rmse", "--param", "lr", "--save", name, "--shared").decode()
    again = slipway(url, "run", "search", "--saved", name).decode()
    assert again == saved and [line.split()[1] for line in again.strip().split("\n")] == ["NAME", "r1", "r0"]
    other = json.loads(slipway(url, "run", "list", "--saved", name, "--filter", "run_name = 'r2'", "--json"))
    assert [run["name"] for run in other] == ["r2"]
    listed = json.loads(slipway(url, "run", "saved", "--json"))
    assert [(item["shared"], item["filter"]) for item in listed if item["name"] == name] == [(True, "metrics.rmse < 2")]
    slipway(url, "run", "search", "--filter", "metrics.rmse <", "--save", unique("wrong"), code=64)
    slipway(url, "run", "forget", name, code=66)
    slipway(url, "run", "forget", name, "--shared")
    slipway(url, "run", "search", "--saved", name, code=66)
