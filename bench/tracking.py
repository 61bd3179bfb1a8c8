"""MLflow's logging calls, against `mlflow server` on SQLite with one worker: the same bytes to both."""

import itertools
import json
import time

import closed_loop
from measure import VENV, call, load, server

STAMP = 1_700_000_000_000  # 13 digits; replaced in each request, or equal points would be dropped as duplicates


def mlflow_server():
    """With connections for all 16 clients: its default of 15 makes one of them wait 30 s and be refused."""
    return server(
        "mlflow server",
        [VENV / "mlflow", "server", "--workers", "1", "--host", "127.0.0.1", "--port", "{port}", "--backend-store-uri",
         "sqlite:///{folder}/mlflow.db", "--artifacts-destination", "{folder}/artifacts"], "/health",
        {"MLFLOW_SQLALCHEMYSTORE_POOL_SIZE": "32"}.items())


def batches(url, run_id, first):
    """Makes log-batch requests of 1000 metrics: 10 curves of 100 steps, each request at times of its own."""
    body = json.dumps({"run_id": run_id, "metrics": [
        {"key": f"metric_{i % 10}", "value": 1 / (i + 1), "timestamp": STAMP, "step": i // 10} for i in range(1000)
    ]}).encode()
    template, old, count = closed_loop.post(url, {}, body), str(STAMP).encode(), itertools.count(first)
    return lambda: template.replace(old, b"%d" % next(count))


def prepare(target):
    """An experiment with 16 runs."""
    api = f"{target.url}/api/2.0/mlflow"
    experiment = call(f"{api}/experiments/create", {"name": f"bench-{time.time_ns()}"})["experiment_id"]
    runs = [call(f"{api}/runs/create", {"experiment_id": experiment, "start_time": 1})["run"]["info"]["run_id"]
            for _ in range(16)]
    return experiment, runs


def check(target, run_id):
    """The points must have arrived, or the load measured nothing."""
    metrics = call(f"{target.url}/api/2.0/mlflow/runs/get?run_id={run_id}")["run"]["data"]["metrics"]
    if {m["key"] for m in metrics} != {f"metric_{i}" for i in range(10)}:
        raise RuntimeError(f"{target.name} answered 200 to log-batch and lost the points of {run_id}: {metrics}")


def measure(targets, seconds, rounds):
    """{(what, clients): {server name: Load}}; the servers take turns, so that both see the same machine."""
    prepared = {target.name: prepare(target) for target in targets}
    results = {}
    for number in range(rounds):
        for what, clients in (("log-batch", 1), ("log-batch", 16), ("runs/create", 16)):
            for target in targets:
                url = f"{target.url}/api/2.0/mlflow/runs/{what.removeprefix('runs/')}"
                experiment, runs = prepared[target.name]
                if what == "log-batch":
                    first = STAMP + (number * 2 + (clients > 1)) * 1_000_000
                    requests = [batches(url, run_id, first) for run_id in runs[:clients]]
                else:
                    body = json.dumps({"experiment_id": experiment, "start_time": 1, "run_name": "bench"}).encode()
                    requests = [lambda same=closed_loop.post(url, {}, body): same] * clients
                found = load(target, url, requests, seconds)
                row = results.setdefault((what, clients), {})
                row[target.name] = found.best(row[target.name]) if target.name in row else found
        for target in targets:
            check(target, prepared[target.name][1][-1])
    return results
