"""A small world in a server, made through the API as people make it: something of every kind that the pages show."""

import dataclasses
import gzip
import hashlib
import io
import json
import random
import struct
import zlib

import mlflow
import numpy
import requests
from mlflow.entities import Metric, Param, RunTag
from servers import REPOSITORY
from skl2onnx import to_onnx
from sklearn.ensemble import GradientBoostingRegressor

PROJECT = "shop"
START_MS = 1_767_225_600_000  # 2026-01-01


@dataclasses.dataclass
class World:
    url: str
    project: str = PROJECT
    ids: dict = dataclasses.field(default_factory=dict)

    def call(self, method, path, body=None, status=None, **options):
        """One request to /api/v1; the JSON of its answer."""
        answer = requests.request(method, f"{self.url}/api/v1{path}", json=body, timeout=60, **options)
        assert answer.status_code == status if status else answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        is_json = "json" in answer.headers.get("content-type", "") and answer.content
        return answer.json() if is_json else answer.text


def make(url):
    """Makes everything; takes a few seconds."""
    world = World(url)
    world.call("POST", "/projects", {
        "name": PROJECT, "owner": "ada", "description": "Order what sells", "goals": ["forecast-error=-9%"]})
    world.call("POST", f"/projects/{PROJECT}/goals/forecast-error/measurements", {"value": -0.04})
    tables(world)
    digits(world)
    experiments(world)
    model(world)
    pipeline(world)
    return world


def tables(world):
    """`sales`: three versions with a key, a slice, a branch, a tag, a contract, a card; and what was derived from it."""
    chance = random.Random(7)
    stores = ("north", "south", "harbour")

    def rows(first, last):
        lines = ["day,store,units,price"]
        for day in range(first, last):
            for store in stores:
                lines.append(f"2026-0{1 + day // 28}-{1 + day % 28:02},{store},{chance.randrange(80)},{chance.uniform(1, 9):.2f}")
        return "\n".join(lines) + "\n"

    world.call("POST", "/datasets", {"name": "sales", "project": PROJECT, "key": ["day", "store"]})
    world.call("PUT", "/datasets/sales/contract", data="rows: {min: 1}\n", headers={"content-type": "application/yaml"})
    for first, last in ((0, 14), (14, 28), (28, 40)):
        world.call("POST", f"/datasets/sales/append?project={PROJECT}", data=rows(first, last), headers={"content-type": "text/csv"})
    world.call("POST", "/slices", {"name": "harbour", "dataset": "sales", "where": "store = 'harbour'", "description": "One store"})
    world.call("PUT", "/datasets/sales/tags/prod", {"from": "2"})
    world.call("PUT", "/datasets/sales/branches/prices", {"from": "3"})
    world.call("POST", "/datasets/weekly/derive", {
        "sql": "SELECT store, sum(units) AS units FROM sales GROUP BY store ORDER BY store", "project": PROJECT,
        "inputs": {"sales": "dataset:sales@3"}})


def png(pixels):
    """A grey picture of 28 × 28 (PNG, ISO 15948)."""
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    lines = b"".join(b"\0" + bytes(pixels[row * 28:row * 28 + 28]) for row in range(28))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 28, 28, 8, 0, 0, 0, 0)) + chunk(
        b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


def digits(world, count=40):
    """`digits`: files of MNIST, and a task to label them."""
    sample = REPOSITORY / ".slipway/samples/mnist_5k.csv.gz"
    files = []
    with gzip.open(sample, "rt") as lines:
        every = list(lines)
    for index, line in enumerate(every[::len(every) // count][:count]):
        values = [int(float(value)) for value in line.split(",")]
        body = png(values[:784])
        digest = hashlib.sha256(body).hexdigest()
        world.call("PUT", f"/objects/{digest}", data=body, headers={"content-type": "application/octet-stream"})
        files.append(json.dumps({"path": f"digit-{index:03}.png", "digest": digest, "size": len(body)}))
    world.call("POST", f"/datasets/digits/files?project={PROJECT}", data="\n".join(files), headers={
        "content-type": "application/x-ndjson"})
    world.call("POST", "/label-schemas", {
        "name": "digit", "project": PROJECT, "kind": "class",
        "classes": [{"name": str(digit), "hotkey": str(digit)} for digit in range(10)]})
    world.call("POST", "/label-tasks", {"name": "read-digits", "over": "dataset:digits", "schema": "digit"})


def experiments(world):
    """Two experiments; in the first, eight runs with curves, params and artifacts."""
    mlflow.set_tracking_uri(world.url)
    mlflow.set_registry_uri(world.url)
    client = mlflow.MlflowClient()
    chance = random.Random(3)
    for name in ("forecast", "spare"):
        world.ids[name] = str(world.call("POST", "/experiments", {"name": name, "project": PROJECT})["id"])
    for index in range(8):
        depth, rate = 2 + index % 4, 0.05 * (1 + index // 4)
        run = client.create_run(world.ids["forecast"], run_name=f"depth-{depth}-rate-{rate:.2f}", start_time=START_MS + index * 3_600_000)
        curve = [Metric("loss", 2 / (1 + step * rate) + chance.uniform(0, 0.1) / depth, START_MS + step * 1000, step) for step in range(200)]
        client.log_batch(
            run.info.run_id, metrics=curve + [Metric("rmse", 3 / depth + rate, START_MS, 0)],
            params=[Param("depth", str(depth)), Param("learning_rate", f"{rate:.2f}")],
            tags=[RunTag("team", "north" if index % 2 else "south")])
        if index == 0:
            client.log_text(run.info.run_id, "# Notes\n\nThe *first* one.", "notes/readme.md")
            client.log_text(run.info.run_id, "store,units\nnorth,3\n", "table.csv")
        client.set_terminated(run.info.run_id, "FAILED" if index == 5 else "FINISHED", START_MS + index * 3_600_000 + 60_000)
        world.ids.setdefault("run", run.info.run_id)


def model(world):
    """`restock`: an ONNX model with two versions, an endpoint that answers, and a few predictions."""
    rows = numpy.random.default_rng(7).normal(size=(200, 3)).astype(numpy.float32)
    mlflow.set_experiment(experiment_id=world.ids["spare"])
    for trees in (5, 20):
        fitted = GradientBoostingRegressor(n_estimators=trees, random_state=0).fit(rows, rows @ [1.0, -2.0, 0.5])
        with mlflow.start_run(run_name=f"trees-{trees}"):
            mlflow.onnx.log_model(
                to_onnx(fitted, rows[:1], target_opset=17), name="model", registered_model_name="restock",
                pip_requirements=["onnx"])
    mlflow.MlflowClient().set_registered_model_alias("restock", "champion", "1")
    world.call("PUT", "/endpoints/restock", {"project": PROJECT, "model": "model:restock@champion"})
    for row in rows[:5]:
        requests.post(f"{world.url}/v2/models/restock/infer", timeout=30, json={
            "inputs": [{"name": "X", "shape": [1, 3], "datatype": "FP32", "data": row.tolist()}]}).raise_for_status()


def pipeline(world):
    """`nightly`: a pipeline of two steps; it is not run, since that needs a sandbox."""
    world.call("PUT", f"/pipelines/nightly?project={PROJECT}", headers={"content-type": "application/yaml"}, data=(
        "name: nightly\nsteps:\n  - name: prepare\n    run: /bin/true\n  - name: train\n    needs: [prepare]\n    run: /bin/true\n"))


if __name__ == "__main__":
    import sys
    print(dataclasses.asdict(make(sys.argv[1])))
