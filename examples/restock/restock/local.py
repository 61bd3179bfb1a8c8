"""A platform in this process: DuckDB runs the recipes, scikit-learn trains, ONNX Runtime serves. No server needed."""

import duckdb
import numpy as np
import onnxruntime

from restock import drift, model
from restock.data import SOURCE_TABLES, Features, read_sql, shape_features, source_file
from restock.replay import HOLDOUT_DAYS


class LocalPlatform:
    """Runs the recipes in sql/ over the installed data, and reveals the sales day by day."""

    def __init__(self) -> None:
        self.database = duckdb.connect(config={"threads": 2, "memory_limit": "4GB"})
        for table in SOURCE_TABLES:
            self.database.execute(f"CREATE VIEW {table} AS SELECT * FROM '{source_file(table)}'")
        self.database.execute(f"CREATE TABLE all_sales AS {read_sql('daily_sales')}")
        self.database.execute(f"CREATE TABLE promo_week AS {read_sql('promo_week')}")
        self.database.execute("CREATE TABLE daily_sales AS SELECT * FROM all_sales LIMIT 0")
        self.recipe = read_sql("features")
        self.features: Features | None = None
        self.sessions: dict[str, onnxruntime.InferenceSession] = {}
        self.trained_before: dict[str, np.datetime64] = {}
        self.champion = ""
        self.reference: np.ndarray | None = None

    def open_day(self, day: np.datetime64) -> Features:
        self.database.execute(
            "INSERT INTO daily_sales SELECT * FROM all_sales"
            " WHERE day < ? AND day > coalesce((SELECT max(day) FROM daily_sales), DATE '2016-12-31')",
            [day.item()],
        )
        self.features = shape_features(self.database.execute(self.recipe, [str(day)]).to_arrow_table())
        return self.features

    def train(self, day: np.datetime64) -> str:
        before = day - HOLDOUT_DAYS
        inputs, units = self.features.between(self.features.days[0], before).flat()
        version = str(len(self.sessions) + 1)
        exported = model.export(model.train(inputs, units))
        self.sessions[version] = model.open_session(exported.SerializeToString())
        self.trained_before[version] = before
        return version

    def forecast(self, version: str, inputs: np.ndarray) -> np.ndarray:
        return model.run_session(self.sessions[version], inputs)

    def serve(self, day: np.datetime64, inputs: np.ndarray) -> np.ndarray:
        return self.forecast(self.champion, inputs)

    def promote(self, version: str, reason: str) -> bool:
        self.champion = version
        self.reference = self.features.between(self.features.days[0], self.trained_before[version]).flat()[0]
        return True

    def shift(self, day: np.datetime64) -> drift.Shift:
        recent = self.features.inputs[:, -1 - HOLDOUT_DAYS : -1]
        return drift.widest_shift(self.reference, recent.reshape(-1, recent.shape[-1]))

    def close_day(self, day: np.datetime64, units: np.ndarray) -> None:
        pass  # the truth is already in the sales
