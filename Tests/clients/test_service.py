"""What an operator and a browser see of the server: health, metrics, the API document, and who is turned away."""

import re
import time

import pytest
import requests
from openapi_spec_validator import validate

pytestmark = pytest.mark.stricter

SAMPLE = re.compile(r'^[a-zA-Z_:][a-zA-Z0-9_:]*(\{[a-zA-Z_]\w*="([^"\\]|\\.)*"(,[a-zA-Z_]\w*="([^"\\]|\\.)*")*,?\})? \S+( \d+)?$')


def test_health(url):
    answer = requests.get(f"{url}/health", timeout=10)
    assert (answer.status_code, answer.text.strip()) == (200, "OK")


def test_version(url):
    """The mlflow client reads it to learn what the server can."""
    assert re.match(r"^\d+\.\d+\.\d+", requests.get(f"{url}/version", timeout=10).text)


def test_metrics_are_prometheus_text(url):
    answer = requests.get(f"{url}/metrics", timeout=10)
    assert answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    samples = [line for line in answer.text.splitlines() if line and not line.startswith("#")]
    assert [line for line in samples if not SAMPLE.match(line)] == []
    assert any(line.startswith("slipway_") for line in samples)
    for line in samples:
        value = line.rsplit(" ", 1)[1]
        float(value.replace("+Inf", "inf").replace("NaN", "nan"))


def test_api_document_is_valid_openapi(url):
    answer = requests.get(f"{url}/api/v1/openapi.json", timeout=10)
    document = answer.json()
    validate(document)
    assert document["openapi"].startswith("3.1") and "/api/v1/projects" in document["paths"]


@pytest.mark.parametrize("headers", [
    {"Host": "attacker.example"},  # DNS rebinding
    {"Origin": "http://attacker.example"},  # a web page elsewhere
    {"Origin": "null"},
])
@pytest.mark.parametrize("method, path", [
    ("POST", "/api/2.0/mlflow/experiments/create"), ("GET", "/api/2.0/mlflow/experiments/get?experiment_id=0"),
    ("GET", "/api/v1/projects"),
])
def test_web_pages_are_turned_away(url, method, path, headers):
    body = {"name": f"from-a-page-{time.time_ns()}"} if method == "POST" else None
    answer = requests.request(method, url + path, json=body, headers=headers, timeout=10)
    assert answer.status_code in (400, 403, 421), (answer.status_code, answer.text)
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("method, path, status", [
    ("GET", "/nowhere", 404), ("GET", "/api/2.0/mlflow/nowhere", 404), ("GET", "/api/v1/nowhere", 404),
    ("DELETE", "/api/2.0/mlflow/runs/create", 405), ("POST", "/health", 405),
])
def test_unknown_paths_and_methods(url, method, path, status):
    answer = requests.request(method, url + path, timeout=10)
    assert answer.status_code == status and answer.json()


@pytest.mark.parametrize("body, status", [
    (b"{", 400), (b"", 400), (b"[]", 400), (b'{"name": "x"', 400), (b"\xff\xfe", 400), (b'{"name": 7}', 400),
    (b"[" * 100_000, 413), (b'{"name": "a", "name": "b", "surprise": ', 400),
])
def test_bodies_that_are_not_json(url, body, status):
    answer = requests.post(
        f"{url}/api/v1/projects", data=body, headers={"Content-Type": "application/json"}, timeout=10)
    assert answer.status_code == status, (answer.status_code, answer.text)
    error = answer.json()["error"]
    assert error["code"] == {400: "invalid", 413: "too_large"}[status] and error["message"] and error["requestId"]


def test_oversize_body(url):
    """More than MLflow's 1 MB for a batch is fine; no JSON call takes a body without an end."""
    def endless():
        for _ in range(2048):
            yield b" " * (1 << 20)

    try:
        answer = requests.post(
            f"{url}/api/v1/projects", data=endless(), headers={"Content-Type": "application/json"}, timeout=60)
        assert answer.status_code == 413
    except requests.ConnectionError:
        pass  # answered and closed before the client had sent it all
    assert requests.get(f"{url}/health", timeout=10).status_code == 200
