"""Runs that are logged without a server and sent later: nothing is lost and nothing is there twice."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import pytest
import slipway
from slipway.spool import SpooledRun

PACKAGE = pathlib.Path(__file__).resolve().parents[1]
BINARY = PACKAGE.parent / os.environ.get("SLIPWAY_BINARY", ".build/debug/slipway")


def python(script, *arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)], env={**os.environ, "PYTHONPATH": str(PACKAGE)}, **options)


def history(client, run, metric):
    found = client.request("GET", f"/api/v1/runs/{run}/metrics/{metric}")["items"]
    return [(point["step"], point["value"]) for point in found]


def files(client, run):
    return {item["path"]: item["digest"] for item in client.request(
        "GET", "/api/v1/import/files", query={"of": f"run:{run}"})["items"]}


def test_what_is_logged_offline_arrives_once(client, tmp_path, unique, capsys):
    folder, experiment = tmp_path / "spool", unique("offline")
    (tmp_path / "model").mkdir()
    (tmp_path / "model/a b.bin").write_bytes(b"\0\1" * 1000)
    spool = slipway.offline(folder)
    with spool.start_run(experiment, "first", tags={"stage": "dev"}, user="ada") as run:
        run.log_params({"lr": 0.1, "né": 'a "quoted"\ntext'})
        run.log_param("lr", 0.2)  # the first counts
        for step in range(100):
            run.log_metrics({"loss": 1 / (1 + step), "nan": float("nan")}, step=step)
        run.log_metric("big", float("inf"))
        run.log_metric("loss", 1.0, step=0, timestamp=5)
        run.log_metric("loss", 1.0, step=0, timestamp=5)
        run.log_artifacts(tmp_path / "model", "models/x")
        run.log_text("hello", "notes.txt")
        run.log_dict({"a": 1}, "deep/er/a.json")
    with pytest.raises(ZeroDivisionError):
        with spool.start_run(experiment, "second") as failing:
            failing.log_metric("loss", 1 / 0)

    done = slipway.sync(folder)
    assert (done.runs, done.points, done.files) == (2, 202, 3)
    assert (done.added_runs, done.added_points, done.added_files, done.problems) == (2, 202, 3, [])
    shown = client.request("GET", f"/api/v1/runs/{run.id}")
    assert (shown["name"], shown["user"], shown["status"]) == ("first", "ada", "FINISHED")
    assert shown["params"] == {"lr": "0.1", "né": 'a "quoted"\ntext'} and shown["tags"]["stage"] == "dev"
    assert shown["metrics"]["big"] == sys.float_info.max
    assert sorted(history(client, run.id, "loss")) == sorted([(0, 1.0)] + [(step, 1 / (1 + step)) for step in range(100)])
    assert len(history(client, run.id, "nan")) == 100
    assert set(files(client, run.id)) == {"models/x/a b.bin", "notes.txt", "deep/er/a.json"}
    assert client.request("GET", f"/api/v1/runs/{failing.id}")["status"] == "FAILED"

    again = slipway.sync(folder)
    assert (again.added_runs, again.added_points, again.added_files, again.points) == (0, 0, 0, 202)
    # The command finds the same, by counts and digests.
    told = json.loads(subprocess.run(
        [BINARY, "sync", folder, "--url", client.url, "--json", "--remove"], check=True, capture_output=True, timeout=60).stdout)
    assert told["added"] == {} and told["verified"] == 2 and told["problems"] == [] and told["removed"] == 2
    assert told["found"]["points"] == 202 and told["found"]["files"] == 3
    assert list(folder.iterdir()) == []



def test_what_the_server_refuses_is_refused_while_logging(tmp_path):
    spool = slipway.offline(tmp_path)
    run = spool.start_run("refused")
    before = len(list(spool.runs()[0]._lines()))
    for log in (lambda: run.log_metric("a$b", 1), lambda: run.log_metric("a" * 251, 1), lambda: run.log_metric("a", 1, step=2**70),
                lambda: run.log_param("", 1), lambda: run.set_tag("a/../b", 1), lambda: run.log_text("x", "a\nb"),
                lambda: run.log_text("x", "\u2025/x"), lambda: run.log_text("x", "%2e%2e/x"), lambda: spool.start_run("a\nb")):
        with pytest.raises(slipway.errors.Invalid):
            log()
    assert len(list(spool.runs()[0]._lines())) == before


def test_one_bad_line_keeps_nothing_else_back(client, tmp_path, unique):
    """A spool that another program wrote: what the server does not take is named, and the rest arrives."""
    spool = slipway.offline(tmp_path)
    with spool.start_run(unique("good")) as good:
        good.log_metric("loss", 1, step=1)
    with spool.start_run(unique("mixed")) as mixed:
        mixed.log_metric("loss", 2, step=1)
    with open(tmp_path / mixed.id / "log.jsonl", "a") as log:
        log.write(json.dumps({"metrics": [["a$b", 1, 5, 1.0]]}) + "\n")
    sent = subprocess.run([BINARY, "sync", tmp_path, "--url", client.url, "--json"], capture_output=True, timeout=60)
    told = json.loads(sent.stdout)
    assert sent.returncode != 0 and told["refused"] >= 1 and any("a$b" in problem for problem in told["problems"])
    assert history(client, good.id, "loss") == [(1, 1.0)] and history(client, mixed.id, "loss") == [(1, 2.0)]


def test_the_command_sends_as_python_does(client, tmp_path, unique):
    with slipway.offline(tmp_path).start_run(unique("by-command")) as run:
        run.log_metrics({"loss": 0.5, "nan": float("nan"), "big": float("-inf")})
        run.log_text("hello", "a/b.txt")
        run.set_tags({"t": "1"})
        run.set_tags({"t": "2"})
    command = [BINARY, "sync", tmp_path, "--url", client.url, "--json"]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)
    assert told["added"] == {"experiments": 1, "files": 1, "points": 3, "runs": 1} and told["verified"] == 1
    done = slipway.sync(tmp_path, remove=True)
    assert (done.added_runs, done.added_points, done.added_files, done.removed, done.problems) == (0, 0, 0, 1, [])
    assert not (tmp_path / run.id).exists()


def test_a_run_goes_on_and_what_changed_since_follows(client, tmp_path, unique):
    spool = slipway.offline(tmp_path)
    run = spool.start_run(unique("on"))
    run.log_metric("loss", 1.0, step=0)
    run.set_tags({"ours": "1", "theirs": "1"})
    run.log_text("one", "ours.txt")
    run.log_text("one", "theirs.txt")
    assert slipway.sync(tmp_path).added_points == 1
    tag = {"run_id": run.id, "key": "theirs", "value": "changed there"}
    client.request("POST", "/api/2.0/mlflow/runs/set-tag", tag)
    client.transport.bytes("PUT", f"/api/v1/runs/{run.id}/artifacts/theirs.txt", body=b"changed there")
    run.end("KILLED")
    with pytest.raises(slipway.Conflict):
        run.log_metric("loss", 2.0)

    again = spool.start_run(run_id=run.id)
    again.log_metric("loss", 0.5, step=1)
    again.set_tags({"ours": "2", "theirs": "2"})
    again.log_text("two", "ours.txt")
    again.log_text("two", "theirs.txt")
    again.end()
    done = slipway.sync(tmp_path)
    assert (done.added_runs, done.added_points, done.added_files) == (0, 1, 1)
    assert len(done.problems) == 2 and all("kept" in problem and "theirs" in problem for problem in done.problems)
    shown = client.request("GET", f"/api/v1/runs/{run.id}")
    assert (shown["tags"]["ours"], shown["tags"]["theirs"], shown["status"]) == ("2", "changed there", "FINISHED")
    assert client.transport.bytes("GET", f"/api/v1/runs/{run.id}/artifacts/ours.txt") == b"two"
    assert client.transport.bytes("GET", f"/api/v1/runs/{run.id}/artifacts/theirs.txt") == b"changed there"


def test_two_machines_log_into_one_run(client, tmp_path, unique):
    experiment = unique("two")
    first = slipway.offline(tmp_path / "a").start_run(experiment)
    second = slipway.offline(tmp_path / "b").start_run(experiment, run_id=first.id)
    for step in range(500):
        first.log_metric("loss", step, step=step, timestamp=1000 + step)
        second.log_metric("loss", step if step < 100 else -step, step=step, timestamp=1000 + step)
    threads = [
        threading.Thread(target=slipway.Client().sync, args=(tmp_path / name,)) for name in ("a", "b", "a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = [(step, float(step)) for step in range(500)] + [(step, -float(step)) for step in range(100, 500)]
    assert sorted(history(client, first.id, "loss")) == sorted(expected)


LOGS = """
import sys, slipway
run = slipway.offline(sys.argv[1]).start_run(sys.argv[2])
print(run.id, flush=True)
step = 0
while True:
    run.log_metric("loss", step * 0.5, step=step)
    if step % 50 == 0: run.log_text("x" * 100000 + str(step), f"{step}.txt")
    step += 1
    print(step, flush=True)
"""


def test_nothing_that_was_logged_is_lost_by_kill_9(client, tmp_path, unique):
    with python(LOGS, tmp_path, unique("killed"), stdout=subprocess.PIPE, text=True) as process:
        run = process.stdout.readline().strip()
        time.sleep(0.3)
        process.send_signal(signal.SIGKILL)
        said = [line for line in process.stdout.read().split("\n") if line]
    acknowledged = int(said[-2] if len(said) > 1 else said[-1])
    # What a crash of the machine can leave: half a line.
    with open(tmp_path / run / "log.jsonl", "ab") as log:
        log.write(b'{"metrics":[["loss",99999')
    assert slipway.sync(tmp_path).torn_lines >= 1
    points = history(client, run, "loss")
    assert points == [(step, step * 0.5) for step in range(len(points))] and len(points) >= acknowledged
    with slipway.offline(tmp_path).start_run(run_id=run) as again:
        again.log_metric("loss", -1, step=100_000)
    done = slipway.sync(tmp_path, remove=True)
    assert done.added_points == 1 and done.removed == 1 and history(client, run, "loss")[-1] == (100_000, -1.0)


def test_a_sync_that_is_killed_is_repeated(client, tmp_path, unique):
    experiment, ids = unique("cut-off"), []
    spool = slipway.offline(tmp_path, fsync="never")
    for index in range(4):
        with spool.start_run(experiment) as run:
            for step in range(0, 3000, 10):
                run.log_metrics({f"m{m}": step + m for m in range(10)}, step=step)
            run.log_text("hello" * index, "a.txt")
        ids.append(run.id)
    for index in range(6):
        command = "import slipway, sys; slipway.sync(sys.argv[1])"
        process = (
            python(command, tmp_path) if index % 2
            else subprocess.Popen([BINARY, "sync", tmp_path, "--url", client.url], stderr=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL))
        time.sleep(0.05 + 0.1 * index)
        process.kill()
        process.wait()
    done = slipway.sync(tmp_path)
    assert done.problems == [] and done.points == 4 * 3000
    for id in ids:
        assert history(client, id, "m3") == [(step, float(step + 3)) for step in range(0, 3000, 10)]
        assert set(files(client, id)) == {"a.txt"}
    assert slipway.sync(tmp_path).added_points == 0


def test_what_cannot_be_logged_is_refused_at_once(tmp_path):
    spool = slipway.offline(tmp_path)
    run = spool.start_run("e")
    for wrong in (
            lambda: run.log_text("x", "../x"), lambda: run.log_text("x", "/x"), lambda: run.log_text("x", ""),
            lambda: run.end("DONE"), lambda: spool.start_run(run_id="x"), lambda: slipway.offline(tmp_path, "often")):
        with pytest.raises(slipway.Invalid):
            wrong()
    with pytest.raises(ValueError):
        run.log_metric("loss", "high")
    run.end()
    assert SpooledRun(tmp_path / run.id).points == {}
    (tmp_path / run.id / "log.jsonl").write_text('{"run":{"format":2}}\n')
    with pytest.raises(slipway.Unsupported):
        spool.runs()
