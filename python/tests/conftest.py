"""The package against a real server: SLIPWAY_BINARY (.build/debug/slipway) on a free port, its data thrown away."""

import os
import pathlib
import sys
import uuid

os.environ.update(MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true", GIT_PYTHON_REFRESH="quiet")
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / "Tests/clients")]

import pytest  # noqa: E402
import slipway  # noqa: E402
from servers import serving  # noqa: E402


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    if "SLIPWAY_TEST_URL" in os.environ:
        yield os.environ["SLIPWAY_TEST_URL"].rstrip("/")
        return
    with serving(tmp_path_factory.mktemp("slipway")) as started:
        yield started.url


@pytest.fixture(autouse=True)
def environment(server, tmp_path, monkeypatch):
    """The variables that a user sets, and a cache of the test's own."""
    monkeypatch.setenv("SLIPWAY_URL", server)
    monkeypatch.setenv("SLIPWAY_CACHE", str(tmp_path / "cache"))
    for name in ("SLIPWAY_TOKEN", "SLIPWAY_PROJECT", "RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def unique():
    """A function that makes a name no other test uses."""
    return lambda name: f"{name}-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def client(server):
    return slipway.Client()
