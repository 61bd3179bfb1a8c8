"""Predictions of one small ONNX model, one row a request: over V2, by MLflow's scoring server, and bare in Python."""

import json
import os
import time

import numpy
from measure import QUIET, VENV, Load, server, wrk

os.environ.update(QUIET, MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR="false")
FEATURES = 30


def make_fitted():
    """A gradient boosting classifier of 100 trees on the 569 x 30 breast cancer data of scikit-learn: (model, rows)."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.ensemble import GradientBoostingClassifier

    rows, labels = load_breast_cancer(return_X_y=True)
    rows = rows.astype(numpy.float32)
    return GradientBoostingClassifier(n_estimators=100, random_state=0).fit(rows, labels), rows


def make_model():
    """The same as ONNX: (model, rows)."""
    from skl2onnx import to_onnx

    fitted, rows = make_fitted()
    return to_onnx(fitted, rows[:1], options={"zipmap": False}, target_opset=17), rows


def measure_bare(onnx_model, rows, seconds):
    """onnxruntime's Python session in a loop, one thread, no server at all."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(onnx_model.SerializeToString(), options)
    name, row = session.get_inputs()[0].name, rows[:1]
    for _ in range(200):
        session.run(None, {name: row})
    latencies, cpu, begin = [], time.process_time(), time.perf_counter()
    while (now := time.perf_counter()) < begin + seconds:
        session.run(None, {name: row})
        latencies.append(time.perf_counter() - now)
    wall, cpu = time.perf_counter() - begin, time.process_time() - cpu
    latencies.sort()
    at = lambda share: 1000 * latencies[int(share * len(latencies))]
    return Load(len(latencies) / wall, at(0.5), at(0.99), 1000 * cpu / len(latencies))


def mlflow_scoring(onnx_model, folder):
    """`mlflow models serve` on the same model, saved in the same flavour that is registered on Slipway."""
    import mlflow

    path = f"{folder}/model"
    mlflow.onnx.save_model(onnx_model, path, pip_requirements=[])
    return mlflow_serving(path, 1)


def mlflow_serving(path, workers):
    return server(
        "mlflow models serve",
        [VENV / "mlflow", "models", "serve", "--model-uri", path, "--env-manager", "local", "--host", "127.0.0.1",
         "--port", "{port}", "--workers", workers], "/health", {"PATH": f"{VENV}:{os.environ['PATH']}"}.items())


def invocation(rows):
    """The scoring server's fastest form of one row."""
    return json.dumps({"inputs": {"X": rows[:1].tolist()}}).encode()


def v2_request(rows):
    """The Open Inference Protocol's form of one row."""
    return json.dumps({"inputs": [
        {"name": "X", "shape": [1, FEATURES], "datatype": "FP32", "data": rows[0].tolist()}]}).encode()


def register(target, onnx_model, name):
    """Logs and registers the model on a tracking server with the unmodified mlflow client."""
    import mlflow

    mlflow.set_tracking_uri(target.url)
    mlflow.set_registry_uri(target.url)
    mlflow.set_experiment(f"bench-{name}")
    with mlflow.start_run():
        mlflow.onnx.log_model(onnx_model, name="model", registered_model_name=name, pip_requirements=[])
    mlflow.MlflowClient().set_registered_model_alias(name, "champion", "1")


def measure_server(target, path, body, seconds):
    """{clients: Load} of one row a request."""
    wrk(target, path, body, 1, 1)  # warms up
    return {clients: wrk(target, path, body, clients, seconds) for clients in (1, 16)}
