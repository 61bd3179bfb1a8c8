"""kill -9 at random points: what the server has acknowledged is there after a restart, once, and nothing is stuck.

Each round four clients work on one server (appends, imports, MLflow batches, pipeline runs and moves of an alias) until
it is killed; the next server is checked and then carries on. SLIPWAY_FAULT_SEED repeats the points in time;
SLIPWAY_FAULT_ROUNDS makes it more rounds than 20.
"""

import itertools
import os
import random
import threading
import time

import pytest
import requests
from servers import Server

pytestmark = pytest.mark.stricter

ROUNDS = int(os.environ.get("SLIPWAY_FAULT_ROUNDS", "20"))
BUDGET_SECONDS = 2 * ROUNDS
PIPELINE = """
name: work
params: {n: 0}
steps:
  - {name: first, run: [/bin/sh, -c, "echo $SLIPWAY_PARAM_N > $SLIPWAY_OUTPUT_OUT/n"], params: [n], outputs: {out: dir}}
  - {name: second, run: [/bin/sh, -c, "sleep 0.2; cat $SLIPWAY_INPUT_N/n"], inputs: {n: steps.first.out}}
"""


@pytest.fixture(autouse=True)
def tracking():
    """These tests have servers of their own: nothing to point mlflow at."""


class Clients:
    """What is asked of the server, and what it has acknowledged."""

    def __init__(self, folder):
        self.folder = folder
        self.numbers = itertools.count()
        self.appended, self.unsure = set(), set()
        self.imported, self.metrics, self.runs, self.alias = {}, set(), {}, (0, [])
        self.run_id = self.model_versions = None
        self.wrong = []

    def call(self, method, path, expect=(200, 201), **how):
        answer = requests.request(method, self.url + path, timeout=30, **how)
        if answer.status_code not in expect:
            self.wrong.append(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
            raise requests.RequestException(answer.text)
        return answer.json()

    def set_up(self, url):
        self.url = url
        self.call("PUT", "/api/v1/pipelines/work?project=default", data=PIPELINE, headers={"Content-Type": "application/yaml"})
        run = self.call("POST", "/api/2.0/mlflow/runs/create", json={"experiment_id": "0"})
        self.run_id = run["run"]["info"]["run_id"]
        (self.folder / "files").mkdir()
        self.call("POST", "/api/v1/sources", json={
            "name": "file", "project": "default", "kind": "file", "location": f"{self.folder}/files/*.csv"})
        self.call("POST", "/api/2.0/mlflow/registered-models/create", json={"name": "model"})
        for _ in range(2):
            self.call("POST", "/api/2.0/mlflow/model-versions/create", json={"name": "model", "source": f"runs:/{self.run_id}/model"})

    # One request each; what it does counts as acknowledged only after its answer.

    def append(self):
        number = self.unsure.pop() if self.unsure else next(self.numbers)
        self.unsure.add(number)
        self.call(
            "POST", f"/api/v1/datasets/rows/append?key=k{number}", data=f"n\n{number}\n", headers={"Content-Type": "text/csv"})
        self.unsure.discard(number)
        self.appended.add(number)

    def load(self):
        number = next(self.numbers)
        (self.folder / "files/a.csv").write_text(f"n\n{number}\n")
        version = self.call("POST", "/api/v1/sources/file/import", json={"dataset": "loaded"})
        self.imported[version["version"]] = version["digest"]

    def log(self):
        number = next(self.numbers)
        points = [{"key": "m", "value": number + part / 10, "timestamp": number, "step": number} for part in range(5)]
        self.call("POST", "/api/2.0/mlflow/runs/log-batch", json={
            "run_id": self.run_id, "metrics": points, "params": [{"key": f"p{number}", "value": "x"}]})
        self.metrics.add(number)

    def start(self):
        number = next(self.numbers)
        run = self.call("POST", "/api/v1/pipelines/work/runs", json={"params": {"n": number}})
        self.runs[run["id"]] = number
        time.sleep(0.3)

    def switch(self):
        acknowledged, _ = self.alias
        wanted = 3 - acknowledged if acknowledged else 1
        self.alias = (acknowledged, [wanted])
        self.call("POST", "/api/2.0/mlflow/registered-models/alias", json={"name": "model", "alias": "champion", "version": str(wanted)})
        self.alias = (wanted, [])

    def work(self, stop):
        """Until the server is gone. Connections that break are what this is about; refusals are not."""
        def loop(step):
            while not stop.is_set():
                try:
                    step()
                except requests.RequestException:
                    return
        def both():
            self.log()
            self.switch()
        threads = [threading.Thread(target=loop, args=(step,)) for step in (self.append, self.load, both, self.start)]
        for thread in threads:
            thread.start()
        return threads

    # What must hold after a restart.

    def check(self):
        verified = self.call("GET", "/api/v1/audit/verify")
        assert verified["whole"], verified
        if self.appended:
            rows = self.rows("rows")
            assert len(rows) == len(set(rows)), "a batch was added twice"
            assert set(rows) >= self.appended, self.appended - set(rows)
            assert set(rows) <= self.appended | self.unsure, set(rows) - self.appended
        for version, digest in self.imported.items():
            assert self.call("GET", f"/api/v1/datasets/loaded/versions/{version}")["digest"] == digest
        if self.imported:
            assert len(self.rows("loaded")) == 1
        if self.metrics:
            history = self.call("GET", f"/api/2.0/mlflow/metrics/get-history?run_id={self.run_id}&metric_key=m&max_results=20000")["metrics"]
            points = {}
            for metric in history:
                points.setdefault(int(metric["step"]), []).append(metric["value"])
            assert set(points) >= self.metrics, self.metrics - set(points)
            assert {len(values) for values in points.values()} == {5}, "a batch is there in part"
            data = self.call("GET", f"/api/2.0/mlflow/runs/get?run_id={self.run_id}")["run"]["data"]
            assert {int(param["key"][1:]) for param in data["params"]} == set(points)
        for run in self.runs:
            self.call("GET", f"/api/v1/pipeline-runs/{run}")
        acknowledged, under_way = self.alias
        if acknowledged:
            at = self.call("GET", "/api/2.0/mlflow/registered-models/alias?name=model&alias=champion")["model_version"]["version"]
            assert int(at) in (acknowledged, *under_way)
            self.alias = (int(at), [])

    def rows(self, dataset):
        found = self.call("POST", "/api/v1/query", json={
            "sql": "SELECT n FROM d", "inputs": {"d": f"dataset:{dataset}"}, "limit": 100_000})
        return [row[0] for row in found["rows"]]

    def check_runs_end(self):
        """Every run that was acknowledged succeeds, whatever happened to the servers on its way."""
        deadline = time.monotonic() + 60
        for run, number in self.runs.items():
            left = max(1, int(deadline - time.monotonic()))
            ended = self.call("GET", f"/api/v1/pipeline-runs/{run}?wait={left}")
            assert ended["state"] == "succeeded", ended
            log = requests.get(f"{self.url}/api/v1/pipeline-runs/{run}/steps/second/log", timeout=20).text
            assert str(number) in log.splitlines()
        for state in ("queued", "running", "cancelling"):
            assert self.call("GET", f"/api/v1/pipeline-runs?state={state}")["items"] == []


def test_kill_at_random_points_loses_nothing(tmp_path):
    seed = int(os.environ.get("SLIPWAY_FAULT_SEED", time.time_ns() % 1_000_000))
    print(f"SLIPWAY_FAULT_SEED={seed}")
    dice = random.Random(seed)
    clients = Clients(tmp_path)
    arguments = ["--source-root", tmp_path]
    began = time.monotonic()
    server = Server(tmp_path, *arguments)
    try:
        clients.set_up(server.wait_ready().url)
        rounds = 0
        while rounds < ROUNDS and time.monotonic() - began < BUDGET_SECONDS:
            stop = threading.Event()
            threads = clients.work(stop)
            # Some die within the first requests, some in the middle of jobs, some while they recover.
            time.sleep(dice.choice([0.1, 0.5, 1, 2.5]) * dice.random())
            server.kill()
            stop.set()
            for thread in threads:
                thread.join()
            assert clients.wrong == []
            if dice.random() < 0.3:
                server = Server(tmp_path, *arguments)
                time.sleep(dice.random() * 0.3)
                server.kill()
            server = Server(tmp_path, *arguments)
            clients.url = server.wait_ready().url
            clients.check()
            rounds += 1
        clients.check_runs_end()
        clients.check()
        server.stop()
        assert rounds >= 3 and clients.appended and clients.imported and clients.metrics and clients.runs and clients.alias[0]
        leftovers = [str(path) for part in ("steps", "datasets") for path in (tmp_path / "data/tmp" / part).glob("*")]
        assert leftovers == []
        print(f"{rounds} rounds in {time.monotonic() - began:.0f} s: {len(clients.appended)} appends, {len(clients.imported)} imports, "
              f"{len(clients.metrics)} batches, {len(clients.runs)} pipeline runs")
    finally:
        server.kill()
