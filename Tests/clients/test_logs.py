"""Arriving with log files: Weights & Biases' offline folders and TensorBoard's event files.

recorded/run-first001.wandb was written by wandb 0.31.0:

    run = wandb.init(
        project="restock", name="first", mode="offline", id="first001", config={"lr": 0.1, "layers": [1, 2],
        "opt": {"name": "adam"}}, tags=["a", "b"], notes="try", group="g", job_type="train",
        settings=wandb.Settings(x_disable_meta=True, host="laptop", x_stats_sampling_interval=1, …))
    for i in range(20): run.log({"loss": 1 / (i + 1), "val/acc": i / 20, "text": "hi", "nested": {"a": i}})
    run.log({"big": float("nan"), "inf": float("inf")})
    run.log({"late": 1.5}, step=100)
    run.log({"tab": wandb.Histogram([1, 2, 3])})
    run.summary["best"] = 0.9; run.config.update({"later": True}); run.finish()

TensorBoard's files are written by tensorboardX.
"""

import math
import os
import pathlib
import random
import shutil
import struct
import subprocess
import time
import zlib

import mlflow
import pytest
import tensorboardX
from exchange import command
from servers import BINARY, serving

RECORDED = pathlib.Path(__file__).parent / "recorded/run-first001.wandb"
BLOCK = 32 << 10


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("logs")) as server:
        yield server


def points(client, run, key):
    return [(p.step, p.timestamp, p.value) for p in client.get_metric_history(run, key)]


def the_run(client, experiment):
    [run] = client.search_runs([client.get_experiment_by_name(experiment).experiment_id])
    return run


# Weights & Biases


def pieces(log):
    """The whole records of a log."""
    records, at, part = [], 7, b""
    while at + 7 <= len(log):
        if BLOCK - at % BLOCK < 7:
            at += BLOCK - at % BLOCK
            continue
        _, length, kind = struct.unpack_from("<IHB", log, at)
        part = (b"" if kind in (1, 2) else part) + log[at + 7:at + 7 + length]
        at += 7 + length
        if kind in (1, 4):
            records.append(part)
    return records


def log_of(records):
    """A log with these records, in as many pieces as the blocks ask for."""
    log = bytearray(b":W&B\xe1\xbe\x00")
    for record in records:
        begun = False
        while True:
            left = BLOCK - len(log) % BLOCK
            if left < 7:
                log += bytes(left)
                continue
            piece, record = record[:left - 7], record[left - 7:]
            kind = {(False, False): 1, (False, True): 2, (True, True): 3, (True, False): 4}[begun, bool(record)]
            log += struct.pack("<IHB", zlib.crc32(piece, zlib.crc32(bytes([kind]))), len(piece), kind) + piece
            begun = True
            if not record:
                break
    return bytes(log)


def varint(number):
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def field(number, body):
    return varint(number << 3 | 2) + varint(len(body)) + body


def history(step, **values):
    items = b"".join(field(1, field(2, key.encode()) + field(16, str(value).encode())) for key, value in values.items())
    return field(2, items + field(2, b"\x08" + varint(step)))


def folder_of(tmp_path, log, name="first001"):
    folder = tmp_path / f"wandb/offline-run-20261124_200311-{name}"
    (folder / "files").mkdir(parents=True, exist_ok=True)
    (folder / f"run-{name}.wandb").write_bytes(log)
    return folder


def test_an_offline_run_arrives(server, tmp_path):
    folder = folder_of(tmp_path, RECORDED.read_bytes())
    (folder / "files/media").mkdir()
    (folder / "files/media/out.txt").write_text("hello")
    (folder / "files/linked.txt").symlink_to("/etc/hostname")
    (tmp_path / "wandb/latest-run").symlink_to(folder)
    report = command(server.url, "import", "wandb", str(tmp_path / "wandb"))
    assert (report["found"]["runs"], report["found"]["files"], report["verified"]) == (1, 1, 1)
    assert ["is a link" in problem for problem in report["problems"]] == [True]
    client = mlflow.MlflowClient(server.url)
    run = the_run(client, "restock")
    assert (run.info.run_name, run.info.status) == ("first", "FINISHED")
    assert run.info.end_time - run.info.start_time >= 1000
    assert run.data.params == {"lr": "0.1", "layers": "[1,2]", "opt.name": "adam", "later": "true"}
    tags = {key: value for key, value in run.data.tags.items() if key.startswith("wandb") or "note" in key}
    assert tags == {
        "wandb.runId": "first001", "wandb.project": "restock", "wandb.group": "g", "wandb.jobType": "train",
        "wandb.host": "laptop", "wandb.tags": "a, b", "wandb.summary.best": "0.9", "wandb.summary.text": "hi",
        "mlflow.note.content": "try"}
    loss = points(client, run.info.run_id, "loss")
    assert [(s, v) for s, _, v in loss] == [(i, 1 / (i + 1)) for i in range(20)]
    assert all(abs(t - run.info.start_time) < 60_000 for _, t, _ in loss)
    assert [v for _, _, v in points(client, run.info.run_id, "nested.a")] == list(range(20))
    assert [(s, v) for s, _, v in points(client, run.info.run_id, "late")] == [(100, 1.5)]
    assert math.isnan(points(client, run.info.run_id, "big")[0][2])
    assert {key for key in run.data.metrics if not key.startswith("system/")} == {
        "loss", "val/acc", "nested.a", "big", "inf", "late"}
    assert len(points(client, run.info.run_id, "system/memory_percent")) == 3
    path = mlflow.artifacts.download_artifacts(
        run_id=run.info.run_id, artifact_path="media/out.txt", tracking_uri=server.url, dst_path=str(tmp_path / "down"))
    assert open(path).read() == "hello"
    again = command(server.url, "import", "wandb", str(tmp_path / "wandb"))
    assert (again["added"], again["changed"], again["verified"]) == ({}, {}, 1)


def test_a_growing_log_and_a_damaged_one(server, tmp_path):
    first = pieces(RECORDED.read_bytes())[:2]
    head = [first[0], first[1].replace(b"restock", b"growing").replace(b"first001", b"second01")]
    steps = [history(i, loss=i / 7, _timestamp=1_700_000_000 + i, wide='"' + "x" * 40_000 + '"') for i in range(9)]
    whole = log_of(head + steps)
    assert len(whole) > 10 * BLOCK
    folder = folder_of(tmp_path, whole[:len(whole) * 2 // 3], "second01")
    client = mlflow.MlflowClient(server.url)
    report = command(server.url, "import", "wandb", str(folder))
    run = the_run(client, "growing")
    arrived = len(points(client, run.info.run_id, "loss"))
    assert (report["problems"], run.info.status, 4 <= arrived < 9) == ([], "RUNNING", True)
    # At every length, what is whole arrives and nothing is said against it.
    for length in random.Random(1).sample(range(7 + len(head[0]) + len(head[1]) + 14, len(whole)), 3):
        folder_of(tmp_path, whole[:length], "second01")
        assert command(server.url, "import", "wandb", str(folder))["problems"] == []
    folder_of(tmp_path, whole + log_of([field(18, b"\x08\x01")])[7:], "second01")  # it ended, with an error
    command(server.url, "import", "wandb", str(folder))
    assert [(s, v) for s, _, v in points(client, run.info.run_id, "loss")] == [(i, i / 7) for i in range(9)]
    assert client.get_run(run.info.run_id).info.status == "FAILED"
    damaged = bytearray(log_of([head[0], head[1].replace(b"growing", b"damaged"), *steps]))
    damaged[BLOCK * 3 + 100] ^= 1
    report = command(server.url, "import", "wandb", str(folder_of(tmp_path / "b", bytes(damaged), "second01")))
    [problem] = report["problems"]
    assert "is damaged at byte" in problem
    assert 6 <= len(points(client, the_run(client, "damaged").info.run_id, "loss")) < 9


def test_an_old_log_without_an_end_was_killed(server, tmp_path):
    first = pieces(RECORDED.read_bytes())[:2]
    log = log_of([first[0], first[1].replace(b"restock", b"quietly").replace(b"first001", b"third001"), history(0, a=1)])
    path = folder_of(tmp_path, log, "third001") / "run-third001.wandb"
    os.utime(path, (time.time() - 7200, time.time() - 7200))
    command(server.url, "import", "wandb", str(tmp_path))
    assert the_run(mlflow.MlflowClient(server.url), "quietly").info.status == "KILLED"


@pytest.mark.parametrize("kind", ["wandb", "tensorboard"])
def test_noise_is_named_and_does_no_harm(server, tmp_path, kind):
    noise = random.Random(7)
    name = {"wandb": "run-x.wandb", "tensorboard": "events.out.tfevents.1.x"}[kind]
    (tmp_path / "a").mkdir()
    for content in [b"", b":W&B", bytes(100), noise.randbytes(100_000), b":W&B\xe1\xbe\x00" + noise.randbytes(70_000),
                    log_of([noise.randbytes(200) for _ in range(50)])]:
        (tmp_path / "a" / name).write_bytes(content)
        done = subprocess.run(
            [BINARY, "import", kind, tmp_path, "--url", server.url], capture_output=True, text=True, timeout=30)
        assert 0 <= done.returncode < 128 and "Fatal" not in done.stderr, (content[:20], done.stderr)
    (tmp_path / "a" / name).unlink()
    done = subprocess.run(
        [BINARY, "import", kind, tmp_path, "--url", server.url], capture_output=True, text=True, timeout=30)
    assert done.returncode != 0 and {"wandb": "no run-*.wandb", "tensorboard": "no events.out"}[kind] in done.stderr


# TensorBoard


def flush(writer, folder, count):
    """The writer's own `flush` does not wait for the last record."""
    deadline = time.monotonic() + 20
    while True:
        writer.flush()
        [file] = folder.glob("events*")
        content, at, found = file.read_bytes(), 0, 0
        while at + 8 <= len(content):
            at, found = at + 16 + struct.unpack_from("<Q", content, at)[0], found + 1
        if (found, at) == (count, len(content)):
            return
        assert time.monotonic() < deadline, (found, count)
        time.sleep(0.01)


def test_event_files_arrive_and_grow(server, tmp_path):
    client = mlflow.MlflowClient(server.url)
    folder = tmp_path / "logs/fit"
    writer = tensorboardX.SummaryWriter(str(folder / "train"), flush_secs=1)
    for step in range(500):
        writer.add_scalar("epoch/loss", 1 / (step + 1), step, walltime=1_700_000_000 + step)
    writer.add_text("note", "what was tried", 1)
    writer.add_histogram("weights", [1, 2, 3], 1)
    flush(writer, folder / "train", 503)
    other = tensorboardX.SummaryWriter(str(folder / "validation"))
    # As TensorFlow 2 writes a scalar: a tensor, whose plugin is named once.
    from tensorboardX.proto import event_pb2, summary_pb2, tensor_pb2

    for step in range(3):
        value = summary_pb2.Summary.Value(
            tag="acc", tensor=tensor_pb2.TensorProto(dtype=1, tensor_content=struct.pack("<f", step / 4)))
        if step == 0:
            value.metadata.plugin_data.plugin_name = "scalars"
        other.file_writer.add_event(
            event_pb2.Event(step=step, summary=summary_pb2.Summary(value=[value])), walltime=1_700_000_000 + step)
    other.add_hparams({"lr": 0.5, "name": "adam", "deep": True}, {"hparam/acc": 0.75}, name="hp")
    other.close()
    report = command(server.url, "import", "tensorboard", str(folder))
    assert report["found"]["experiments"] == 1 and report["verified"] == report["found"]["runs"]
    assert report["problems"] == ["run train: 1 histograms are left out"]
    [experiment] = [e for e in client.search_experiments() if e.name == "fit"]
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    train = runs["train"]
    assert train.info.status == "RUNNING" and train.data.tags["text/note"] == "what was tried"
    assert points(client, train.info.run_id, "epoch/loss") == [
        (i, (1_700_000_000 + i) * 1000, struct.unpack("f", struct.pack("f", 1 / (i + 1)))[0]) for i in range(500)]
    assert [(s, v) for s, _, v in points(client, runs["validation"].info.run_id, "acc")] == [(0, 0), (1, 0.25), (2, 0.5)]
    assert {"lr": "0.5", "name": "adam", "deep": "True"} in [run.data.params for run in runs.values()]

    for step in range(500, 600):
        writer.add_scalar("epoch/loss", 0.5, step, walltime=1_700_000_000 + step)
    writer.close()
    [file] = (folder / "train").glob("events*")
    whole = file.read_bytes()
    file.write_bytes(whole[:-5])  # while it is written
    report = command(server.url, "import", "tensorboard", str(folder))
    assert report["added"] == {"points": 99}
    file.write_bytes(whole)
    os.utime(file, (time.time() - 7200, time.time() - 7200))
    report = command(server.url, "import", "tensorboard", str(folder))
    assert report["added"] == {"points": 1}
    run = client.get_run(train.info.run_id)
    assert run.info.status == "FINISHED" and run.info.end_time >= (1_700_000_000 + 599) * 1000
    again = command(server.url, "import", "tensorboard", str(folder))
    assert (again["added"], again["changed"]) == ({}, {})


def test_a_damaged_event_is_named(server, tmp_path):
    folder = tmp_path / "broken"
    writer = tensorboardX.SummaryWriter(str(folder))
    for step in range(20):
        writer.add_scalar("x", step, step)
    writer.close()
    [file] = folder.glob("events*")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    report = command(server.url, "import", "tensorboard", str(folder), "--experiment", "damaged events")
    [problem] = [p for p in report["problems"] if "damaged" in p]
    assert "byte" in problem
    client = mlflow.MlflowClient(server.url)
    arrived = points(client, the_run(client, "damaged events").info.run_id, "x")
    assert 5 <= len(arrived) < 20
    shutil.rmtree(folder)
