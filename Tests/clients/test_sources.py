"""Pushed events and secrets against the server as a process: what was acknowledged outlives kill -9, once."""

import json
import random
import subprocess
import threading
import time

import pytest
import requests
from servers import BINARY, REPOSITORY, Server, serving

pytestmark = pytest.mark.stricter
DEADLINE_SECONDS = 60


@pytest.fixture(autouse=True)
def tracking():
    """These tests have servers of their own: nothing to point mlflow at."""


def rows(url, sql, limit=10):
    answer = requests.post(
        f"{url}/api/v1/query", json={"sql": sql, "inputs": {"t": "dataset:clicks"}, "limit": limit}, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()["rows"]


def latest(url):
    return requests.get(f"{url}/api/v1/datasets/clicks/versions/latest", timeout=20).json()


def test_kill_during_events_loses_nothing_and_doubles_nothing(tmp_path):
    """Clients push and push again what was not acknowledged, through three kills at random moments."""
    server = Server(tmp_path).wait_ready()
    port, generator = server.port, random.Random(7)
    acknowledged, stop = [set() for _ in range(4)], threading.Event()

    def client(mine):
        number, done = 0, acknowledged[mine]
        while not stop.is_set():
            ids = [f"{mine}-{number + i}" for i in range(20)]
            body = {"events": [{"id": id, "row": {"client": mine, "n": number + i}} for i, id in enumerate(ids)]}
            while True:
                try:
                    answer = requests.post(f"http://127.0.0.1:{port}/api/v1/datasets/clicks/events", json=body, timeout=20)
                    assert answer.status_code == 202, answer.text
                    assert answer.json()["accepted"] + answer.json()["known"] == 20
                    done.update(ids)
                    break
                except requests.RequestException:
                    time.sleep(0.05)  # The server is dead or starting: the same events again.
            number += 20

    threads = [threading.Thread(target=client, args=[i]) for i in range(4)]
    try:
        for thread in threads:
            thread.start()
        for _ in range(3):
            time.sleep(1 + 2 * generator.random())
            server.kill()
            server = Server(tmp_path, port=port).wait_ready()
        stop.set()
        for thread in threads:
            thread.join(DEADLINE_SECONDS)
        assert not any(thread.is_alive() for thread in threads)
        server.kill()  # Once more, with events in the buffer.
        server = Server(tmp_path, port=port).wait_ready()
        wanted = sum(map(len, acknowledged))
        assert wanted > 0
        deadline = time.monotonic() + DEADLINE_SECONDS
        while requests.get(f"{server.url}/api/v1/datasets/clicks/events", timeout=20).json()["waiting"]:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert rows(server.url, "SELECT count(*), count(DISTINCT event_id), count(DISTINCT (client, n)) FROM t") == [[wanted] * 3]
        # Each client's events are in the order in which it sent them.
        everything = rows(server.url, "SELECT client, n FROM t", limit=wanted)
        for mine in range(len(acknowledged)):
            numbers = [n for client, n in everything if client == mine]
            assert numbers == sorted(numbers) and len(numbers) == len(acknowledged[mine])
        assert latest(server.url)["files"] < 25
        server.stop()
    finally:
        stop.set()
        server.kill()


def test_what_waits_is_a_version_when_the_server_stops(tmp_path):
    with serving(tmp_path) as server:
        events = f"{server.url}/api/v1/datasets/clicks/events"
        body = {"events": [{"id": "a", "row": {"n": 1}}]}
        assert requests.post(events, json=body, timeout=20).json() == {"accepted": 1, "known": 0}
        assert requests.post(f"{events}/flush", timeout=20).json()["rows"] == 1
        assert requests.put(events, json={"seconds": 3600}, timeout=20).json()["seconds"] == 3600
        body = {"events": [{"id": "a", "row": {"n": 1}}, {"id": "b", "row": {"n": 2}}]}
        assert requests.post(events, json=body, timeout=20).json() == {"accepted": 1, "known": 1}
        assert requests.get(events, timeout=20).json()["waiting"] == 1
        server.stop()
    with serving(tmp_path) as server:
        assert latest(server.url)["rows"] == 2 and latest(server.url)["version"] == 2


def test_the_command_line_pushes_events_and_keeps_secrets(tmp_path):
    (tmp_path / "clicks.ndjson").write_text("".join(
        json.dumps({"click": i % 90, "page": "/"}) + "\n" for i in range(100)))
    (tmp_path / "tills.csv").write_text("n\n1\n")
    with serving(tmp_path / "server", "--source-root", tmp_path) as server:
        def slipway(*arguments, input=None, fails=False):
            done = subprocess.run(
                [BINARY, *arguments, "--url", server.url, *([] if "rm" in arguments else ["--json"])], cwd=REPOSITORY,
                input=input, capture_output=True, text=True, timeout=60)
            assert (done.returncode != 0) == fails, done
            return done.stderr if fails else json.loads(done.stdout) if done.stdout.strip() else None

        pushed = slipway("data", "events", "push", "clicks", str(tmp_path / "clicks.ndjson"), "--id", "click", "--batch", "7")
        assert pushed == {"accepted": 90, "known": 10}
        assert slipway("data", "events", "flush", "clicks")["rows"] == 90
        slipway("data", "events", "set", "clicks", "--on-change", "ignore", "--rows", "5")
        assert slipway("data", "events", "show", "clicks")["onChange"] == "ignore"

        assert "hunter2" not in json.dumps(slipway("secret", "set", "shop", input="hunter2\n"))
        assert [item["name"] for item in slipway("secret", "list")] == ["shop"]
        slipway("secret", "rm", "shop")
        assert slipway("secret", "list") == []
        assert b"hunter2" not in b"".join(p.read_bytes() for p in (tmp_path / "server").rglob("*") if p.is_file())

        slipway("source", "add", "tills", str(tmp_path / "tills.csv"), "--into", "tills", "--period", "1d")
        assert [row["state"] for row in slipway("source", "sync")] == ["new"]
        assert [row["state"] for row in slipway("source", "sync", "tills")] == ["unchanged"]
        assert slipway("source", "schedule", "tills", "0 4 * * *")["settings"]["schedule"] == "0 4 * * *"
        assert "period" in slipway("source", "set", "tills", "--period", "soon", fails=True)
        assert slipway("source", "policy", "--allow-host", "*.example.org")["hosts"] == ["*.example.org"]
        slipway("source", "rm", "tills")
        assert slipway("source", "list") == []
