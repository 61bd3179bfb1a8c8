"""MLflow's own programs, and the commands that carry its stores here and back."""

import contextlib
import json
import subprocess
import time

import psutil
import requests
from servers import BINARY, REPOSITORY, free_port

MLFLOW = REPOSITORY / ".slipway/bench-venv/bin/python"
ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "GIT_PYTHON_REFRESH": "quiet",
    "MLFLOW_ALLOW_FILE_STORE": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "PATH": "/usr/bin:/bin"}


@contextlib.contextmanager
def mlflow_server(folder, uri, *arguments):
    """MLflow's own server; it and the processes that it starts end with the block."""
    port = free_port()
    log = folder / f"mlflow-{port}.log"
    with open(log, "wb") as out:
        process = subprocess.Popen(
            [MLFLOW, "-m", "mlflow", "server", "--workers", "1", "--port", str(port), "--backend-store-uri", uri,
             *arguments], cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=ENVIRONMENT)
    try:
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(requests.RequestException):
                if requests.get(f"http://127.0.0.1:{port}/health", timeout=2).ok:
                    break
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()[-3000:]
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        for child in [*psutil.Process(process.pid).children(recursive=True), process]:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        process.wait()


def command(url, *arguments):
    done = subprocess.run([BINARY, *arguments, "--url", url, "--json"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
