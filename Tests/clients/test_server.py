"""The server as a process: how it starts, what it refuses, how it stops, and that every route keeps its door."""

import re
import sqlite3
import stat
import subprocess
import threading
import time

import pytest
import requests
from servers import BINARY, REPOSITORY, Server, serving

pytestmark = pytest.mark.stricter


@pytest.fixture(autouse=True)
def tracking():
    """These tests have servers of their own: nothing to point mlflow at."""


def refusal(folder, *arguments):
    """What `slipway serve` says when it must not start."""
    done = subprocess.run(
        [BINARY, "serve", "--port", "0", "--data", folder, *arguments], cwd=REPOSITORY, capture_output=True, text=True, timeout=30)
    assert done.returncode not in (0, 139), done
    return done.stderr


def test_stops_when_asked_and_lets_requests_end(tmp_path):
    started = threading.Event()

    def body():
        yield b"n\n1\n"
        started.set()
        time.sleep(1)
        yield b"2\n"

    with serving(tmp_path) as server:
        answers = []
        client = threading.Thread(target=lambda: answers.append(requests.post(
            f"{server.url}/api/v1/datasets/late/append", data=body(), headers={"Content-Type": "text/csv"}, timeout=20)))
        client.start()
        assert started.wait(10)
        time.sleep(0.2)  # The first piece is on its way; the server is in the middle of the request.
        server.stop()
        client.join()
        assert [answer.status_code for answer in answers] == [201], answers[0].text
    with serving(tmp_path) as server:
        rows = requests.get(f"{server.url}/api/v1/datasets/late/versions/latest/rows", timeout=20).json()["rows"]
        assert rows == [[1], [2]]


def test_one_server_a_folder(tmp_path):
    with serving(tmp_path):
        assert "Another slipway server uses the data folder" in refusal(tmp_path / "data")
    with serving(tmp_path):
        pass


@pytest.mark.parametrize("arguments, says", [
    (["--host", "0.0.0.0"], "without authentication is refused"), (["--host", "::"], "without authentication is refused"),
    (["--log-level", "loud"], "log-level"), (["--source-root", "/no/such/folder"], "/no/such/folder"),
    (["--database", "mysql://db"], "scheme"), (["--database", "postgresql://nobody@127.0.0.1:9/none"], "cannot be reached"),
    (["--python", "a/b=/usr"], "python"), (["--port", "70000"], "port"),
])
def test_refuses_what_is_unsafe_or_wrong(tmp_path, arguments, says):
    assert says in refusal(tmp_path / "data", *arguments)


def test_refuses_a_database_of_a_newer_version(tmp_path):
    with serving(tmp_path):
        pass
    with sqlite3.connect(tmp_path / "data/slipway.db") as db:
        db.execute("INSERT INTO schema_migration VALUES ('future/0001-things', 'x', 0)")
    db.close()
    assert re.search("future/0001-things.*newer", refusal(tmp_path / "data"))


def test_every_route_asks_for_a_token_and_for_its_permission(tmp_path):
    with serving(tmp_path, "--require-token") as server:
        token = tmp_path / "data/admin.token"
        assert stat.S_IMODE(token.stat().st_mode) == 0o600
        admin = {"Authorization": f"Bearer {token.read_text().strip()}"}
        api = f"{server.url}/api/v1"

        def made(path, body):
            answer = requests.post(api + path, json=body, headers=admin, timeout=20)
            assert answer.status_code == 201, answer.text
            return answer.json()

        made("/users", {"name": "nobody"})
        nobody = {"Authorization": "Bearer " + made("/tokens", {"principal": "nobody"})["token"]}
        document = requests.get(f"{api}/openapi.json", timeout=20).json()
        wrong, permissions = [], {}
        for path, operations in document["paths"].items():
            target = server.url + re.sub(r"\{\w+\}", "x", path)
            allowed = {method.upper() for method in operations} | ({"HEAD"} if "get" in operations else set())
            other = next(method for method in ("PATCH", "DELETE", "PUT", "POST", "OPTIONS") if method not in allowed)
            refused = requests.request(other, target, timeout=20)
            routed = set(refused.headers.get("Allow", "").replace(" ", "").split(","))
            # A literal path may lie on a pattern that takes more. MLflow's prefixes take everything, to answer in its way.
            is_foreign = re.match(r"/(ajax-)?api/\d\.0/mlflow", path)
            if not is_foreign and (refused.status_code != 405 or not routed >= allowed):
                wrong.append((path, refused.status_code, sorted(routed), sorted(allowed)))
            for method, operation in operations.items():
                permission = operation["x-permission"]
                permissions.setdefault(permission, []).append(f"{method} {path}")
                without = requests.request(method, target, timeout=20, stream=True)
                if permission != "open" and without.status_code != 401:
                    wrong.append((method, path, "without a token", without.status_code))
                without.close()
                if permission not in ("open", "signed-in"):
                    answer = requests.request(method, target, json={}, headers=nobody, timeout=20, stream=True)
                    if answer.status_code != 403:
                        wrong.append((method, path, permission, answer.status_code))
                    answer.close()
        assert wrong == [], "\n".join(map(str, wrong))
        assert sum(map(len, permissions.values())) > 100
        # Probes, and what clients read before they have a token.
        assert set(permissions["open"]) == {
            "get /health", "get /version", "get /ping", "get /api/v1/openapi.json", "get /v2", "get /v2/health/live",
            "get /v2/health/ready",
            # The web application holds no secret; signing in and out.
            "get /", "get /ui", "get /ui/{path}", "get /ui/assets/{name}", "post /api/v1/session", "delete /api/v1/session",
            # Their links are sealed, and end.
            "get /api/2.0/mlflow-artifacts/links/{link}", "put /api/2.0/mlflow-artifacts/links/{link}"}


def test_an_answer_to_head_has_no_body(tmp_path):
    with serving(tmp_path) as server:
        full = requests.get(f"{server.url}/api/v1/openapi.json", timeout=20)
        head = requests.head(f"{server.url}/api/v1/openapi.json", timeout=20)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["Content-Length"] == str(len(full.content))
