"""Unmodified clients against a running server.

SLIPWAY_TEST_URL names a server that runs already; without it, one is started from SLIPWAY_BINARY
(.build/debug/slipway) on a free port of loopback with a data folder that is thrown away.

The tests also hold for MLflow's own server, which shows that they ask for what its clients expect; those marked
"stricter" ask for more. To check (in two terminals, after scripts/setup --bench):
    .slipway/bench-venv/bin/mlflow server --workers 1 --port 5055 --backend-store-uri sqlite:////tmp/mlflow.db
    SLIPWAY_TEST_URL=http://127.0.0.1:5055 .slipway/venv/bin/python -m pytest Tests/clients -m "not stricter"
"""

import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.request
import uuid

# Before mlflow is imported: no telemetry, and a failing call fails at once instead of after seven tries.
os.environ.update(
    MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true", MLFLOW_HTTP_REQUEST_MAX_RETRIES="0",
    MLFLOW_HTTP_REQUEST_TIMEOUT="30", MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR="false", GIT_PYTHON_REFRESH="quiet")

import mlflow
import pytest
import requests

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
START_SECONDS, STOP_SECONDS = 30, 30


def pytest_configure(config):
    config.addinivalue_line("markers", "stricter: asks for more than MLflow's own server does")
    for warning in ("FutureWarning", "UserWarning", "DeprecationWarning"):  # mlflow's; pandas' are of the last kind
        config.addinivalue_line("filterwarnings", f"ignore::{warning}")


def answers(url):
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


@pytest.fixture(scope="session")
def url(tmp_path_factory):
    """Where the server answers. Ends by checking that SIGTERM stops it cleanly."""
    if "SLIPWAY_TEST_URL" in os.environ:
        yield os.environ["SLIPWAY_TEST_URL"].rstrip("/")
        return
    binary = pathlib.Path(os.environ.get("SLIPWAY_BINARY", REPOSITORY / ".build/debug/slipway")).resolve()
    assert binary.is_file(), f"{binary} is not there: run make build, or name another with SLIPWAY_BINARY"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("slipway")
    with open(folder / "log", "wb") as log:
        server = subprocess.Popen(
            [binary, "serve", "--host", "127.0.0.1", "--port", str(port), "--data", folder / "data"],
            cwd=REPOSITORY, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not answers(f"http://127.0.0.1:{port}"):
            assert server.poll() is None and time.monotonic() < deadline, (
                f"slipway serve did not get ready (exit {server.poll()}):\n{(folder / 'log').read_text()[-3000:]}")
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
        server.send_signal(signal.SIGTERM)
        assert server.wait(STOP_SECONDS) == 0, (folder / "log").read_text()[-3000:]
    finally:
        server.kill()


@pytest.fixture(autouse=True)
def tracking(url):
    """Points mlflow at the server, and leaves no run or autologging behind for the next test."""
    mlflow.set_tracking_uri(url)
    mlflow.set_registry_uri(url)
    yield
    mlflow.autolog(disable=True, silent=True)
    while mlflow.active_run():
        mlflow.end_run()


@pytest.fixture
def unique():
    """A function that makes a name no other test uses."""
    suffix = uuid.uuid4().hex[:8]
    return lambda name: f"{name}-{suffix}"


@pytest.fixture
def experiment(unique):
    """The id of a fresh experiment, made the active one."""
    return mlflow.set_experiment(unique("experiment")).experiment_id


@pytest.fixture
def client():
    return mlflow.MlflowClient()


@pytest.fixture
def api(url):
    """Calls the MLflow REST API without the client: api("POST", "runs/create", {...}) -> (status, JSON)."""
    def call(method, path, body=None, version="2.0"):
        key = "params" if method == "GET" else "json"
        answer = requests.request(method, f"{url}/api/{version}/mlflow/{path}", timeout=30, **{key: body or {}})
        return answer.status_code, answer.json()

    return call
