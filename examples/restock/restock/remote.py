"""Slipway as the platform of the replay: every day goes through its HTTP API."""

import io
import tarfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from restock.api import API, APIError
from restock.columns import FEATURES, WATCHED
from restock.data import Features, read_sql, shape_features, source_file
from restock.drift import PSI_LIMIT, Shift
from restock.model import INPUT_NAME
from restock.replay import HOLDOUT_DAYS

PROJECT = MODEL_NAME = ENDPOINT = MONITOR = "restock"
PIPELINE = "restock-train"
FEATURES_DATASET = "restock-features"
PLAN_DATASET = "restock-plan"
EXAMPLE = Path(__file__).resolve().parent.parent
CODE_FOLDERS = ("restock", "steps", "sql")
RUN_DEADLINE_SECONDS = 300
DONE, FAILED = {"succeeded"}, {"failed", "cancelled"}


class SlipwayPlatform:
    """Implements `restock.replay.Platform` over Slipway's API."""

    def __init__(self, api: API) -> None:
        self.api = api
        self.transactions = pq.read_table(source_file("transactions"))
        self.days = business_days(self.transactions["transaction_timestamp"].to_numpy())
        self.features: Features | None = None
        self.prediction: str | None = None
        self.triggered: str | None = None  # the run that the monitor started
        self.full_features: tuple[np.datetime64, int] | None = None  # the newest version with all days, and its day

    # Setting up: done once, harmless to repeat.

    def set_up(self) -> None:
        """Creates the project, imports products and promotions, and hands over the pipeline."""
        if not self.api.exists(f"/api/v1/projects/{PROJECT}"):
            self.api.post("/api/v1/projects", {
                "name": PROJECT,
                "description": "Order perishable goods with at least 9 % less waste at no more stock-outs.",
                "goals": ["waste=-9%"],
            })  # fmt: skip
        for table in ("products", "promotions"):
            source = f"journey-{table}"
            if not self.api.exists(f"/api/v1/sources/{source}"):
                location = str(source_file(table))
                self.api.post(
                    "/api/v1/sources", {"name": source, "project": PROJECT, "kind": "file", "location": location}
                )
            self.api.post(f"/api/v1/sources/{source}/import", {"dataset": table, "mode": "replace"})
        if not self.api.exists(f"/api/v1/models/{MODEL_NAME}"):
            self.api.post("/api/v1/models", {"name": MODEL_NAME, "project": PROJECT})
            # Whoever runs the example is all the staff there is.
            policy = {"approvalsRequired": 1, "selfApproval": True}
            self.api.put(f"/api/v1/models/{MODEL_NAME}/policy", policy)
        self._derive("promo-week", read_sql("promo_week"), promotions="promotions", products="products")
        self.api.send("PUT", f"/api/v1/pipelines/{PIPELINE}/code", _code_archive(), "application/x-tar", project=PROJECT)
        text = (EXAMPLE / "pipeline.yaml").read_bytes()
        self.api.send("PUT", f"/api/v1/pipelines/{PIPELINE}", text, "application/yaml", project=PROJECT)

    # What the loop asks.

    def resume(self, features: Features) -> None:
        """Continues a replay that had come to the newest day of `features`."""
        self.features = features

    def open_day(self, day: np.datetime64) -> Features:
        first = self.features is None
        self._append_sales(day, first)
        self._derive("daily-sales", read_sql("daily_sales"), transactions="transactions", products="products")
        if first:
            version = self._derive_all_features(day)
            self.features = shape_features(self._download(FEATURES_DATASET, version))
        else:
            newest = f"SELECT * FROM ({read_sql('features')}) WHERE day >= CAST($1 AS DATE) - 1"
            version = self._derive(PLAN_DATASET, newest, str(day), daily_sales="daily-sales", promo_week="promo-week")
            self.features = self.features.extend(shape_features(self._download(PLAN_DATASET, version)))
        if self.features.days[-1] != day:
            raise RuntimeError(
                f"the server has sales until {self.features.days[-1] - 1}, but the replay is at {day}: its journal was "
                f"lost or belongs to another server. Start the server on an empty data folder, or restore the journal."
            )
        return self.features

    def train(self, day: np.datetime64) -> str:
        features = f"dataset:{FEATURES_DATASET}@{self._derive_all_features(day)}"
        run = self.triggered or self.api.post(
            f"/api/v1/pipelines/{PIPELINE}/runs", {"params": {"features": features}}
        )["id"]
        self.triggered = None
        self._wait(run)
        versions = self.api.get(f"/api/v1/models/{MODEL_NAME}/versions")["items"]
        return str(max(int(version["version"]) for version in versions))

    def forecast(self, version: str, inputs: np.ndarray) -> np.ndarray:
        return self._infer(f"/v2/models/{MODEL_NAME}/versions/{version}/infer", inputs)[0]

    def promote(self, version: str, reason: str) -> bool:
        path = f"/api/v1/models/{MODEL_NAME}"
        self.api.post(f"{path}/versions/{version}/approvals", {"decision": "approve", "comment": reason})
        try:
            self.api.post(f"{path}/promote", {
                "version": int(version), "alias": "champion", "metric": "pinball_loss", "direction": "lower",
                "minimumImprovement": 0,
            })  # fmt: skip
        except APIError as error:
            if error.status == 409:
                return False
            raise
        self._serve_and_watch()
        return True

    def serve(self, day: np.datetime64, inputs: np.ndarray) -> np.ndarray:
        path = f"/v2/models/{ENDPOINT}/infer"
        quantiles, self.prediction = self._infer(path, inputs, **{"X-Slipway-Time": f"{day}T05:00:00Z"})
        return quantiles

    def close_day(self, day: np.datetime64, units: np.ndarray) -> None:
        items = [
            {"predictionId": self.prediction, "row": row, "value": value, "time": f"{day}T23:59:59Z"}
            for row, value in enumerate(units.tolist())
        ]
        self.api.post("/api/v1/feedback", {"items": items})

    def shift(self, day: np.datetime64) -> Shift:
        self._derive_all_features(day)  # what the pipeline reads if the monitor starts it
        report = self.api.post(f"/api/v1/monitors/{MONITOR}/evaluate", {"at": f"{day}T05:00:00Z"})
        start = report.get("pipelineStart")
        self.triggered = start["runId"] if start else None
        shifts = {item["name"]: float(item["psi"]) for item in report["features"] if item["name"] in WATCHED}
        widest = max(shifts, key=shifts.__getitem__)
        return Shift(widest, shifts[widest], shifts[widest] > PSI_LIMIT)

    # How it is done.

    def _append_sales(self, day: np.datetime64, first: bool) -> None:
        """Sends yesterday's basket lines; at first, all lines before `day`."""
        wanted = self.days < day if first else self.days == day - 1
        rows = self.transactions.filter(pa.array(wanted))
        body = io.BytesIO()
        pq.write_table(rows, body, compression="zstd")
        self.api.send(
            "POST", "/api/v1/datasets/transactions/append", body.getvalue(), "application/vnd.apache.parquet",
            project=PROJECT, key=f"until-{day}", message=f"sales until {day - 1}", origin=str(source_file("transactions")),
        )  # fmt: skip

    def _derive(self, dataset: str, sql: str, *params: str, **inputs: str) -> int:
        refs = {name: f"dataset:{source}@latest" for name, source in inputs.items()}
        body = {"project": PROJECT, "sql": sql, "inputs": refs, "params": list(params)}
        return int(self.api.post(f"/api/v1/datasets/{dataset}/derive", body)["version"])

    def _download(self, dataset: str, version: int) -> pa.Table:
        path = f"/api/v1/datasets/{dataset}/versions/{version}/files"
        parts = [self.api.get_bytes(f"{path}/{item['path']}") for item in self.api.get(path)["items"]]
        return pa.concat_tables([pq.read_table(io.BytesIO(part)) for part in parts])

    def _derive_all_features(self, day: np.datetime64) -> int:
        """A version with all days, for training and as the monitor's reference."""
        if self.full_features is None or self.full_features[0] != day:
            inputs = {"daily_sales": "daily-sales", "promo_week": "promo-week"}
            self.full_features = day, self._derive(FEATURES_DATASET, read_sql("features"), str(day), **inputs)
        return self.full_features[1]

    def _infer(self, path: str, inputs: np.ndarray, **headers: str) -> tuple[np.ndarray, str | None]:
        tensor = {"name": INPUT_NAME, "shape": list(inputs.shape), "datatype": "FP32", "data": inputs.ravel().tolist()}
        answer = self.api.post(path, {"inputs": [tensor], "parameters": {"columns": list(FEATURES)}}, **headers)
        output = answer["outputs"][0]
        return np.array(output["data"], dtype=np.float32).reshape(output["shape"]), answer.get("id")

    def _serve_and_watch(self) -> None:
        """The endpoint follows the alias; the monitor compares with the rows that the champion was trained on."""
        endpoint = {"model": f"model:{MODEL_NAME}@champion", "project": PROJECT, "logRate": 1}
        self.api.put(f"/api/v1/endpoints/{ENDPOINT}", endpoint)
        before = self.full_features[0] - HOLDOUT_DAYS
        self.api.post("/api/v1/slices", {
            "name": "restock-training", "dataset": FEATURES_DATASET, "where": f"day < DATE '{before}'",
            "description": "What the champion was trained on.",
        })  # fmt: skip
        self.api.put(f"/api/v1/monitors/{MONITOR}", {
            "endpoint": ENDPOINT, "project": PROJECT, "reference": "slice:restock-training", "features": list(WATCHED),
            "window": {"days": HOLDOUT_DAYS}, "thresholds": {"psi": PSI_LIMIT}, "onDrift": {"pipeline": PIPELINE},
        })  # fmt: skip

    def _wait(self, run: str) -> None:
        deadline = time.monotonic() + RUN_DEADLINE_SECONDS
        while time.monotonic() < deadline:
            state = self.api.get(f"/api/v1/pipeline-runs/{run}")
            if state["state"] in DONE:
                return
            if state["state"] in FAILED:
                failed = [step["step"] for step in state["steps"] if step["state"] in FAILED]
                logs = [self.api.get_bytes(f"/api/v1/pipeline-runs/{run}/steps/{name}/log").decode() for name in failed]
                raise RuntimeError(f"pipeline run {run} {state['state']}: " + "\n".join(log[-2000:] for log in logs))
            time.sleep(0.2)
        raise TimeoutError(f"pipeline run {run} is not done after {RUN_DEADLINE_SECONDS} s")


def business_days(timestamps: np.ndarray) -> np.ndarray:
    """The New York dates of UTC timestamps of 2017, by the rule of sql/daily_sales.sql."""
    times = timestamps.astype("datetime64[s]")
    summer = (times >= np.datetime64("2017-03-12T07:00:00")) & (times < np.datetime64("2017-11-05T06:00:00"))
    return (times - np.where(summer, 4, 5) * np.timedelta64(3600, "s")).astype("datetime64[D]")


def _code_archive() -> bytes:
    """The steps and what they import as a tar whose bytes depend on the content only."""
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w") as archive:
        for path in sorted(path for folder in CODE_FOLDERS for path in (EXAMPLE / folder).iterdir() if path.is_file()):
            entry = tarfile.TarInfo(str(path.relative_to(EXAMPLE)))
            entry.size, entry.mode = path.stat().st_size, 0o644
            with path.open("rb") as content:
                archive.addfile(entry, content)
    return body.getvalue()


