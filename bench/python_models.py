"""A scikit-learn model, one row a request and 100 rows a request: Slipway in front of mlflow's scoring processes beside
`mlflow models serve` with as many of them."""

import json
import tempfile

from inference import make_fitted, mlflow_serving
from measure import VENV, call, rss_mib, wrk
from report import heading, line, say

PROCESSES = 2
LOADS = {"1 row, 1 client": (1, 1), "1 row, 16 clients": (1, 16), "100 rows, 16 clients": (100, 16)}


def measure(target, path, rows, seconds):
    """({load: Load}, resident MiB after them)."""
    found = {}
    for what, (count, clients) in LOADS.items():
        body = json.dumps({"inputs": rows[:count].tolist()}).encode()
        wrk(target, path, body, clients, 1)  # warms up
        found[what] = wrk(target, path, body, clients, seconds)
    return found, rss_mib(target.pid)


def bench(options, slipway):
    import mlflow

    fitted, rows = make_fitted()
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as folder:
        say(f"python: mlflow models serve with {PROCESSES} workers")
        mlflow.sklearn.save_model(fitted, f"{folder}/model", pip_requirements=[])
        with mlflow_serving(f"{folder}/model", PROCESSES) as anchor:
            theirs, their_memory = measure(anchor, "/invocations", rows, options.seconds)
    ours, memory = {}, None
    if not options.anchors:
        say(f"python: slipway with {PROCESSES} processes")
        with slipway(options, extra=["--python", VENV.parent, "--python-processes", PROCESSES]) as target:
            mlflow.set_tracking_uri(target.url)
            mlflow.set_registry_uri(target.url)
            with mlflow.start_run():
                mlflow.sklearn.log_model(fitted, name="model", registered_model_name="trees", pip_requirements=[])
            mlflow.MlflowClient().set_registered_model_alias("trees", "champion", "1")
            made = call(f"{target.url}/api/v1/endpoints/trees", {"model": "model:trees@champion"}, "PUT")
            if made["state"] != "ready":
                raise RuntimeError(f"the endpoint is not ready: {made}")
            ours, memory = measure(target, "/endpoints/trees/invocations", rows, options.seconds)
    heading(f"Predictions of a scikit-learn model, {PROCESSES} processes of Python on each side", "mlflow serve")
    found = []
    for what in LOADS:
        a, b = ours.get(what), theirs[what]
        found.append(line(f"requests, {what}", a and a.per_second, b.per_second, "/s", "", (a and a.cpu_ms, b.cpu_ms)))
        found.append(line(f"p99, {what}", a and a.p99_ms, b.p99_ms, " ms", smaller_is_better=True))
    return found + [line("resident memory, all processes", memory, their_memory, " MiB", smaller_is_better=True)]
