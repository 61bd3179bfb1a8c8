"""Artifacts through the server (mlflow-artifacts:), with the client and with requests that no client makes."""

import hashlib
import os

import mlflow
import pytest
import requests
from mlflow.exceptions import MlflowException


@pytest.fixture
def run_id(client, experiment):
    return client.create_run(experiment).info.run_id


def listed(client, run_id, path=None):
    """(path, is it a folder, size); the client makes None of a size of 0."""
    return {(f.path, f.is_dir, None if f.is_dir else f.file_size or 0) for f in client.list_artifacts(run_id, path)}


def test_files_and_folders(client, run_id, tmp_path):
    (tmp_path / "up/deep/er").mkdir(parents=True)
    (tmp_path / "one.bin").write_bytes(bytes(range(256)) * 10)
    (tmp_path / "up/two.txt").write_text("zwei\n")
    (tmp_path / "up/deep/er/100 % käse & ü.txt").write_text("drei")
    (tmp_path / "up/empty").write_bytes(b"")
    assert client.list_artifacts(run_id) == []
    client.log_artifact(run_id, str(tmp_path / "one.bin"))
    client.log_artifact(run_id, str(tmp_path / "one.bin"), "again")
    client.log_artifacts(run_id, str(tmp_path / "up"), "tree")
    assert listed(client, run_id) == {("one.bin", False, 2560), ("again", True, None), ("tree", True, None)}
    assert listed(client, run_id, "tree") == {
        ("tree/two.txt", False, 5), ("tree/empty", False, 0), ("tree/deep", True, None)}
    assert listed(client, run_id, "tree/deep/er") == {("tree/deep/er/100 % käse & ü.txt", False, 4)}
    assert listed(client, run_id, "absent") == set()

    fetched = client.download_artifacts(run_id, "tree", str(tmp_path))
    found = {os.path.relpath(os.path.join(folder, name), fetched): open(os.path.join(folder, name), "rb").read()
             for folder, _, names in os.walk(fetched) for name in names}
    assert found == {"two.txt": b"zwei\n", "empty": b"", "deep/er/100 % käse & ü.txt": b"drei"}


def test_text_and_dict(client, run_id):
    client.log_text(run_id, "first", "notes/a.txt")
    client.log_text(run_id, "second", "notes/a.txt")  # replaces
    client.log_dict(run_id, {"b": [1, 2], "a": None}, "notes/d.json")
    client.log_dict(run_id, {"x": {"y": 1}}, "notes/d.yaml")
    uri = f"runs:/{run_id}/notes"
    assert mlflow.artifacts.load_text(f"{uri}/a.txt") == "second"
    assert mlflow.artifacts.load_dict(f"{uri}/d.json") == {"b": [1, 2], "a": None}
    assert mlflow.artifacts.load_text(f"{uri}/d.yaml") == "x:\n  y: 1\n"


def test_large_file(client, run_id, tmp_path):
    """40 MB: larger than any buffer on the way."""
    block = os.urandom(1 << 20)
    (tmp_path / "large.bin").write_bytes(block * 40)
    client.log_artifact(run_id, str(tmp_path / "large.bin"))
    (tmp_path / "down").mkdir()
    fetched = client.download_artifacts(run_id, "large.bin", str(tmp_path / "down"))
    with open(fetched, "rb") as file:
        assert hashlib.file_digest(file, "sha256").digest() == hashlib.sha256(block * 40).digest()


def test_missing_file(client, run_id, tmp_path):
    with pytest.raises((MlflowException, requests.HTTPError, OSError)):
        client.download_artifacts(run_id, "absent.txt", str(tmp_path))


def test_table(client, run_id):
    client.log_table(run_id, {"store": [1, 2], "waste": [0.5, 0.25]}, "table.json")
    client.log_table(run_id, {"store": [3], "waste": [0.125]}, "table.json")  # appends
    frame = client.load_table(client.get_run(run_id).info.experiment_id, "table.json", [run_id])
    assert frame["store"].tolist() == [1, 2, 3] and frame["waste"].tolist() == [0.5, 0.25, 0.125]


@pytest.mark.parametrize("path", [
    "../escape.txt", "%2e%2e/escape.txt", "..%2fescape.txt", "a/%2e%2e/%2e%2e/%2e%2e/escape.txt", "%252e%252e/escape.txt",
    pytest.param("%2fetc%2fescape.txt", marks=pytest.mark.stricter),
    pytest.param("a%00b.txt", marks=pytest.mark.stricter),
])
@pytest.mark.parametrize("method", ["PUT", "GET", "DELETE"])
def test_no_path_leaves_the_store(url, method, path):
    """Sent raw: requests would tidy the dots away before they reach the server."""
    request = requests.Request(method, url, data=b"x" if method == "PUT" else None).prepare()
    request.url = f"{url}/api/2.0/mlflow-artifacts/artifacts/{path}"
    with requests.Session() as session:
        answer = session.send(request, timeout=30)
    assert answer.status_code in (400, 404), (answer.status_code, answer.text)


def test_download_headers(url, client, run_id):
    """A browser must never run what somebody uploaded."""
    client.log_text(run_id, "<script>alert(1)</script>", "page.html")
    root = client.get_run(run_id).info.artifact_uri.removeprefix("mlflow-artifacts:/")
    answer = requests.get(f"{url}/api/2.0/mlflow-artifacts/artifacts/{root}/page.html", timeout=30)
    assert answer.status_code == 200 and answer.text == "<script>alert(1)</script>"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
