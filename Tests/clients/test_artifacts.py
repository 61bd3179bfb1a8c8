"""Artifacts through the server (mlflow-artifacts:), with the client and with requests that no client makes."""

import hashlib
import os
import time

import mlflow
import pytest
import requests
from mlflow.exceptions import MlflowException
from servers import serving


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


# MARK: Ranges, parts and links


@pytest.fixture
def stored(client, run_id, tmp_path):
    """The URL of a stored file, and its bytes."""
    data = os.urandom(3_000_000)
    (tmp_path / "data.bin").write_bytes(data)
    client.log_artifact(run_id, str(tmp_path / "data.bin"), "in")
    root = client.get_run(run_id).info.artifact_uri.removeprefix("mlflow-artifacts:/")
    return f"/api/2.0/mlflow-artifacts/artifacts/{root}/in/data.bin", data


@pytest.mark.stricter
@pytest.mark.parametrize("header, status, wanted", [
    ("bytes=0-9", 206, slice(0, 10)), ("bytes=1000000-2000001", 206, slice(1_000_000, 2_000_002)),
    ("bytes=2999990-", 206, slice(2_999_990, None)), ("bytes=-5", 206, slice(-5, None)),
    ("bytes=3000000-", 416, None), ("bytes=9-0", 200, slice(None)), ("bytes=0-1,4-5", 200, slice(None)),
])
def test_ranges(url, stored, header, status, wanted):
    path, data = stored
    answer = requests.get(url + path, headers={"Range": header}, timeout=30)
    assert answer.status_code == status
    if wanted:
        assert answer.content == data[wanted] and int(answer.headers["Content-Length"]) == len(data[wanted])


@pytest.mark.stricter
def test_head_and_unchanged(url, stored):
    path, data = stored
    head = requests.head(url + path, timeout=30)
    assert (head.status_code, head.content, head.headers["Content-Length"]) == (200, b"", str(len(data)))
    assert head.headers["ETag"].strip('"') == hashlib.sha256(data).hexdigest()
    again = requests.get(url + path, headers={"If-None-Match": head.headers["ETag"]}, timeout=30)
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.stricter
def test_parts_up_and_ranges_down(client, run_id, tmp_path, monkeypatch):
    """The client's own multipart upload, and its download by ranges of a link."""
    for name, value in {"UPLOAD": str(1 << 20), "DOWNLOAD": str(1 << 20)}.items():
        monkeypatch.setenv(f"MLFLOW_ENABLE_PROXY_MULTIPART_{name}", "true")
        monkeypatch.setenv(f"MLFLOW_MULTIPART_{name}_MINIMUM_FILE_SIZE", "1")
        monkeypatch.setenv(f"MLFLOW_MULTIPART_{name}_CHUNK_SIZE", value)
    data = os.urandom(5 * (1 << 20) + 123)
    (tmp_path / "big.bin").write_bytes(data)
    client.log_artifact(run_id, str(tmp_path / "big.bin"), "deep/er")
    assert listed(client, run_id, "deep/er") == {("deep/er/big.bin", False, len(data))}
    fetched = client.download_artifacts(run_id, "deep/er/big.bin", str(tmp_path))
    assert open(fetched, "rb").read() == data


@pytest.mark.stricter
def test_an_upload_is_made_of_its_own_parts_only(url, client, run_id):
    def call(verb, body):
        root = client.get_run(run_id).info.artifact_uri.removeprefix("mlflow-artifacts:/")
        return requests.post(f"{url}/api/2.0/mlflow-artifacts/mpu/{verb}/{root}/x", json=body, timeout=30)

    first, second = (call("create", {"path": "/home/me/f.bin", "num_parts": 2}).json() for _ in range(2))
    tags = [requests.put(part["url"], data=bytes([index] * 9), timeout=30).headers["ETag"]
            for index, part in enumerate(first["credentials"])]
    foreign = requests.put(second["credentials"][1]["url"], data=b"y", timeout=30).headers["ETag"]

    def complete(upload, *parts, path="/home/me/f.bin"):
        return call("complete", {"path": path, "upload_id": upload["upload_id"], "parts": [
            {"part_number": number, "etag": tag} for number, tag in parts]}).status_code

    assert complete(first, (1, tags[0]), (2, foreign)) == 400
    assert complete(first, (1, tags[1]), (2, tags[0])) == 400
    assert complete(first, (2, tags[1])) == 400
    assert complete(first, (1, hashlib.sha256(b"\0" * 9).hexdigest())) == 400
    assert complete(first, (1, tags[0]), (2, tags[1]), path="other.bin") == 400
    assert complete(second, (1, tags[0]), (2, tags[1])) == 400
    assert complete(first, (2, tags[1]), (1, tags[0])) == 200
    assert mlflow.artifacts.load_text(f"runs:/{run_id}/x/f.bin") == "\0" * 9 + "\1" * 9
    assert call("abort", {"path": "f.bin", "upload_id": second["upload_id"]}).status_code == 200


@pytest.mark.stricter
def test_links_do_one_thing_for_a_while(url, client, api, run_id):
    status, link = api("POST", "artifacts/presigned-upload-url", {"run_id": run_id, "path": "in/a.txt"})
    assert status == 200
    assert requests.put(link["presigned_url"], data=b"by link", headers=link["headers"], timeout=30).status_code == 200
    assert requests.get(link["presigned_url"], timeout=30).status_code == 403
    status, link = api("POST", "artifacts/presigned-download-url", {"run_id": run_id, "path": "in/a.txt"})
    assert (status, link["file_size"]) == (200, 7)
    found = requests.get(link["presigned_url"], headers={"Range": "bytes=3-"}, timeout=30)
    assert (found.status_code, found.text) == (206, "link")
    assert requests.put(link["presigned_url"], data=b"x", timeout=30).status_code == 403
    forged = link["presigned_url"][:-1] + ("0" if link["presigned_url"][-1] != "0" else "1")
    assert requests.get(forged, timeout=30).status_code == 403
    for body, status in [({"expiration": 0}, 400), ({"expiration": 604801}, 400), ({"path": "../a"}, 400),
                         ({"path": "absent"}, 404), ({"run_id": "0" * 32}, 404)]:
        assert api("POST", "artifacts/presigned-download-url", {"run_id": run_id, "path": "in/a.txt"} | body)[0] == status
    short = api("POST", "artifacts/presigned-download-url", {"run_id": run_id, "path": "in/a.txt", "expiration": 1})[1]
    deadline = time.monotonic() + 10
    while requests.get(short["presigned_url"], timeout=30).status_code != 403:
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.stricter
@pytest.mark.skipif("SLIPWAY_TEST_S3_ENDPOINT" not in os.environ, reason="takes scripts/services run")
def test_the_same_with_objects_in_s3(tmp_path, monkeypatch, unique):
    setting = {name: os.environ[f"SLIPWAY_TEST_S3_{name}"] for name in ("KEY", "SECRET", "ENDPOINT", "BUCKET")}
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", setting["KEY"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", setting["SECRET"])
    store = f"s3://{setting['BUCKET']}/{unique('artifacts')}?endpoint={setting['ENDPOINT']}&region=us-east-1"
    data = os.urandom(9 * (1 << 20) + 1)
    (tmp_path / "big.bin").write_bytes(data)
    with serving(tmp_path / "server", "--objects", store) as server:
        client = mlflow.MlflowClient(server.url)
        run = client.create_run("0").info
        client.log_artifact(run.run_id, str(tmp_path / "big.bin"), "whole")
        for direction in ("UPLOAD", "DOWNLOAD"):
            monkeypatch.setenv(f"MLFLOW_ENABLE_PROXY_MULTIPART_{direction}", "true")
            monkeypatch.setenv(f"MLFLOW_MULTIPART_{direction}_MINIMUM_FILE_SIZE", "1")
            monkeypatch.setenv(f"MLFLOW_MULTIPART_{direction}_CHUNK_SIZE", str(5 << 20))
        client.log_artifact(run.run_id, str(tmp_path / "big.bin"), "parts")
        for folder in ("whole", "parts"):
            (tmp_path / folder).mkdir()
            fetched = client.download_artifacts(run.run_id, f"{folder}/big.bin", str(tmp_path / folder))
            assert open(fetched, "rb").read() == data
        root = run.artifact_uri.removeprefix("mlflow-artifacts:/")
        answer = requests.get(f"{server.url}/api/2.0/mlflow-artifacts/artifacts/{root}/parts/big.bin",
                              headers={"Range": "bytes=5000000-5000009"}, timeout=30)
        assert (answer.status_code, answer.content) == (206, data[5_000_000:5_000_010])
        client.delete_run(run.run_id)
