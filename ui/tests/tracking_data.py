"""Runs and models to look at: an experiment with all kinds of artifacts, and a model with a history.

    python ui/tests/tracking_data.py http://127.0.0.1:5000

Everything is logged through MLflow's client, as a person's training code would.
"""

from __future__ import annotations

import functools
import json
import math
import os
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("MLFLOW_ENABLE_ASYNC_LOGGING", "false")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")

import mlflow
import numpy as np
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag

EXPERIMENT = "vision/digits"
MODEL = "digits"
STEPS = 240


@dataclass
class Made:
    """What `fill` made, by the names that tests use."""

    experiment: str
    runs: dict[str, str]
    model: str


def call(url: str, method: str, path: str, body: object | None = None) -> dict:
    request = urllib.request.Request(
        url + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read() or b"{}")


@functools.cache
def fill(url: str, project: str, datasets: tuple[str, str]) -> Made:
    """Logs twelve runs of an experiment, two of them children, one failed and one that still runs; then a model.

    `datasets` are refs of two versions, on which the model is measured.
    """
    mlflow.set_tracking_uri(url)
    client = MlflowClient(url, registry_uri=url)
    known = [each["name"] for each in call(url, "GET", "/api/v1/projects")["items"]]
    if project not in known:
        call(url, "POST", "/api/v1/projects", {"name": project})
    experiment = call(url, "POST", "/api/v1/experiments", {"name": EXPERIMENT, "project": project})["id"]
    random = np.random.default_rng(7)
    runs: dict[str, str] = {}
    parent = None
    for index in range(12):
        rate = [0.3, 0.1, 0.03, 0.01][index % 4]
        width = [32, 64, 128][index % 3]
        name = f"digits-{index:02d}"
        tags = {"stage": "search" if index < 8 else "final", "mlflow.source.name": "train.py",
                "mlflow.source.git.commit": f"{index:02d}5b2ad0c7f0e1a9d3b6e4f8c1d2a3b4c5d6e7f8"[:40],
                "mlflow.source.git.branch": "main", "mlflow.user": "ada" if index % 2 else "grace"}
        if index in (9, 10) and parent:
            tags["mlflow.parentRunId"] = parent
        started = int(time.time() * 1000) - (12 - index) * 3_600_000
        run = client.create_run(experiment, start_time=started, tags=tags, run_name=name).info.run_id
        runs[name] = run
        if index == 8:
            parent = run
        learn(client, run, index, rate, width, started, random)
        if index == 3:
            client.log_metric(run, "loss", float("nan"), step=STEPS)
            client.set_tag(run, "mlflow.note.content", "**Diverged.** The rate was too high; see `digits-07`.")
            client.set_terminated(run, "FAILED", end_time=started + 400_000)
        elif index == 11:
            continue
        else:
            client.set_terminated(run, "FINISHED", end_time=started + 900_000 + index * 20_000)
    for name in ("digits-08", "digits-09"):
        artifacts(client, runs[name], random)
    return Made(experiment, runs, models(url, runs, project, datasets))


def learn(client, run: str, index: int, rate: float, width: int, started: int, random) -> None:
    """Curves that fall as losses do, with noise and with what the machine did meanwhile."""
    params = {"learning_rate": rate, "width": width, "optimizer": "adam" if index % 2 else "sgd", "epochs": 20,
              "dropout": [0.0, 0.2, 0.5][(index // 2) % 3], "batch_size": 64, "seed": 7}
    client.log_batch(run, params=[Param(key, str(value)) for key, value in params.items()])
    steps = STEPS if index != 11 else 140
    floor = 0.05 + 0.4 * abs(math.log10(rate) + 1.5) / 4 + 4 / width
    metrics: list[Metric] = []
    for step in range(steps):
        at = started + step * 3_500
        fall = (2.3 - floor) * math.exp(-step * rate / 2 - step / 90)
        noise = random.normal(0, 0.05 + 0.04 * rate)
        loss = floor + fall + noise * 0.6
        if index == 3 and step > 150:
            loss *= 1 + (step - 150) / 20
        metrics.append(Metric("loss", max(loss, 1e-4), at, step))
        if step % 12 == 11:
            metrics.append(Metric("val/loss", max(floor * 1.15 + fall + noise * 0.3, 1e-4), at, step))
            metrics.append(Metric("val/accuracy", min(0.995, 1 - (floor + fall) / 3 + noise * 0.03), at, step))
        if step % 6 == 0:
            metrics.append(Metric("system/cpu_utilization_percentage", 60 + 25 * math.sin(step / 15) + noise * 40, at, step))
            metrics.append(Metric("system/system_memory_usage_megabytes", 2100 + step * 1.5 + width, at, step))
            metrics.append(Metric("system/network_receive_megabytes", step * 0.4, at, step))
    for begin in range(0, len(metrics), 1000):
        client.log_batch(run, metrics=metrics[begin:begin + 1000])


def artifacts(client, run: str, random) -> None:
    from PIL import Image, ImageDraw

    for step in (0, 20, 40, 60):
        for key in ("filters", "worst"):
            image = Image.new("RGB", (112, 112), (250, 250, 250))
            draw = ImageDraw.Draw(image)
            for row in range(4):
                for column in range(4):
                    tone = int(255 * random.random() * (1 - step / 80) + step)
                    draw.rectangle([column * 28 + 2, row * 28 + 2, column * 28 + 26, row * 28 + 26],
                                   fill=(tone, (tone * 3 + row * 40) % 255, 200 - step))
            client.log_image(run, image, key=key, step=step)
    truth = random.integers(0, 10, 400)
    said = np.where(random.random(400) < 0.86, truth, random.integers(0, 10, 400))
    table = pd.DataFrame({"image": [f"digit-{number:03d}.png" for number in range(400)], "actual": truth,
                          "predicted": said, "confidence": random.random(400).round(4)})
    client.log_table(run, table, "predictions.json")
    client.log_dict(run, {"labels": [str(number) for number in range(10)],
                          "matrix": pd.crosstab(truth, said).to_numpy().tolist()}, "confusion_matrix.json")
    client.log_dict(run, {"augment": {"rotate": 12, "shift": [2, 2]}, "layers": [64, 64, 10]}, "config/model.json")
    client.log_text(run, "lr: 0.1\nwidth: 64\n", "config/train.yaml")
    client.log_text(run, "\n".join(f"2026-11-24 09:{step // 60:02d}:{step % 60:02d} INFO step={step} loss={2.3 / (step + 1):.4f}"
                                   for step in range(120)), "logs/train.log")
    client.log_text(run, "# Card\n\nReads **handwritten digits**.\n\n| split | rows |\n|---|---|\n| train | 60000 |\n| test | 10000 |\n",
                    "card.md")
    client.log_text(run, REPORT, "report.html")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        table.to_csv(place / "predictions.csv", index=False)
        table.to_parquet(place / "predictions.parquet")
        (place / "explore.ipynb").write_text(json.dumps(NOTEBOOK))
        (place / "weights.bin").write_bytes(bytes(random.integers(0, 255, 4096, dtype=np.uint8)))
        for file in place.iterdir():
            client.log_artifact(run, str(file), "data" if file.suffix in (".csv", ".parquet") else None)


def models(url: str, runs: dict[str, str], project: str, datasets: tuple[str, str]) -> str:
    """Three versions, measured on slices, with a rejection, approvals and a champion that changed."""
    model = call(url, "POST", "/api/v1/models", {"name": MODEL, "project": project,
                                                   "description": "Reads **handwritten digits** for the returns desk."})
    call(url, "PUT", f"/api/v1/models/{MODEL}/policy", {"approvalsRequired": 1, "selfApproval": True})
    quality = {1: 0.942, 2: 0.957, 3: 0.951, 4: 0.968}
    for number, run in enumerate(("digits-01", "digits-05", "digits-08", "digits-09"), start=1):
        call(url, "POST", f"/api/v1/models/{MODEL}/versions", {"source": f"runs:/{runs[run]}/", "run": runs[run]})
        for dataset, drop in zip(datasets, (0.0, 0.02)):
            call(url, "POST", f"/api/v1/models/{MODEL}/versions/{number}/evaluations",
                 {"dataset": dataset, "metrics": {"accuracy": quality[number] - drop, "loss": 1.2 - quality[number] + drop}})
        if number == 3:
            call(url, "POST", f"/api/v1/models/{MODEL}/versions/3/approvals",
                 {"decision": "reject", "comment": "Worse on the second dataset."})
        if number < 3:
            call(url, "POST", f"/api/v1/models/{MODEL}/versions/{number}/approvals",
                 {"decision": "approve", "comment": "Better than what we had."})
            call(url, "PUT", f"/api/v1/models/{MODEL}/aliases/champion", {"version": number})
    call(url, "PUT", f"/api/v1/models/{MODEL}/aliases/challenger", {"version": 4})
    return model["name"]


REPORT = """<!doctype html><html><head><style>body{font:15px sans-serif;margin:24px}h1{color:#0b6580}
td{padding:4px 12px;border-bottom:1px solid #ddd}</style></head><body><h1>Evaluation</h1><p style="color:#b3261e">Digits
that are taken for others most often.</p><table><tr><td>4</td><td>9</td><td>12</td></tr><tr><td>7</td><td>1</td><td>9</td></tr>
</table><script>document.body.innerHTML = "a script ran"; parent.document.title = "taken"</script></body></html>"""

NOTEBOOK = {
    "nbformat": 4, "nbformat_minor": 5, "metadata": {"language_info": {"name": "python"}},
    "cells": [
        {"cell_type": "markdown", "metadata": {}, "source": ["# Exploration\n", "What the *worst* digits look like."]},
        {"cell_type": "code", "metadata": {}, "execution_count": 1, "source": ["frame = load()\n", "frame.describe()"],
         "outputs": [{"output_type": "stream", "name": "stdout", "text": ["400 rows\n"]},
                     {"output_type": "execute_result", "execution_count": 1, "metadata": {},
                      "data": {"text/plain": ["   confidence\n", "mean  0.51"]}}]},
        {"cell_type": "code", "metadata": {}, "execution_count": 2, "source": ["1 / 0"],
         "outputs": [{"output_type": "error", "ename": "ZeroDivisionError", "evalue": "division by zero",
                      "traceback": ["ZeroDivisionError: division by zero"]}]},
    ],
}

if __name__ == "__main__":
    made = fill(sys.argv[1], "restock", ("dataset:restock-features@51", "dataset:restock-features@52"))
    print(json.dumps({"experiment": made.experiment, "runs": made.runs, "model": made.model}))
