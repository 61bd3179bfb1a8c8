"""Datasets as MLflow sees them: a run's input that Slipway joins to the version it names.

Any MLflow client from 2.9 on takes these; nothing of MLflow is changed. Against a server other than Slipway the run keeps
the name, digest and source, and there is no lineage.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Dict, Optional

from . import errors

try:
    from mlflow.data.dataset import Dataset
    from mlflow.data.dataset_source import DatasetSource
except ImportError:
    raise errors.missing("mlflow", "log_input", "mlflow") from None

if TYPE_CHECKING:
    from .dataset import Table

#: MLflow refuses longer ones.
DIGEST_LENGTH = 36

_TYPES = {
    "BOOLEAN": "boolean", "TINYINT": "integer", "SMALLINT": "integer", "INTEGER": "integer", "UTINYINT": "integer",
    "USMALLINT": "integer", "BIGINT": "long", "UINTEGER": "long", "FLOAT": "float", "DOUBLE": "double", "BLOB": "binary",
    "DATE": "datetime", "TIMESTAMP": "datetime",
}


class SlipwayDatasetSource(DatasetSource):
    """Where a logged dataset came from: a version or a slice of a Slipway server."""

    def __init__(self, ref: str, url: str) -> None:
        self.ref = ref
        self.url = url

    @staticmethod
    def _get_source_type() -> str:
        return "slipway"

    @staticmethod
    def _can_resolve(raw_source: Any) -> bool:
        return isinstance(raw_source, str) and raw_source.startswith("slipway://")

    @classmethod
    def _resolve(cls, raw_source: str) -> SlipwayDatasetSource:
        from . import default_client

        return cls(raw_source[len("slipway://"):], default_client().url)

    def to_dict(self) -> Dict[str, str]:
        return {"ref": self.ref, "uri": f"slipway://{self.ref}", "url": self.url}

    @classmethod
    def from_dict(cls, source_dict: Dict[str, str]) -> SlipwayDatasetSource:
        return cls(source_dict["ref"], source_dict["url"])

    def load(self) -> Table:
        """The version or slice. The token is that of SLIPWAY_TOKEN."""
        from .client import Client

        client = Client(self.url)
        return client.slice(self.ref) if self.ref.startswith("slice:") else client.dataset(self.ref)


class SlipwayDataset(Dataset):
    """A version or slice as MLflow's Dataset; its digest begins the version's own SHA-256."""

    def __init__(self, table: Table) -> None:
        self._table = table
        super().__init__(SlipwayDatasetSource(table.ref, table.client.url), name=table.ref.split(":")[1].split("@")[0])

    def _compute_digest(self) -> str:
        digest = str(self._table.info.get("digest") or self._table.ref)
        return digest[7 if digest.startswith("sha256:") else 0:][:DIGEST_LENGTH]

    @property
    def schema(self) -> Any:
        """Columns in the form of MLflow's own datasets; None for a slice."""
        columns = self._table.info.get("columns")
        if not columns:
            return None
        return {"mlflow_colspec": [
            {"type": _TYPES.get(column["type"].split("(")[0], "double" if column["type"].startswith("DECIMAL") else "string"),
             "name": column["name"], "required": False} for column in columns]}

    @property
    def profile(self) -> Any:
        """Rows and bytes; None for a slice."""
        info = self._table.info
        return {"num_rows": info["rows"], "size_bytes": info["sizeBytes"]} if "rows" in info else None

    def to_dict(self) -> Dict[str, str]:
        found = super().to_dict()
        for key, value in (("schema", self.schema), ("profile", self.profile)):
            if value is not None:
                found[key] = json.dumps(value)
        return dict(found)


def log_input(table: Table, context: str, run_id: Optional[str]) -> None:
    """See :meth:`slipway.dataset.Table.log_input`."""
    import mlflow

    dataset = SlipwayDataset(table)
    if run_id is None:
        mlflow.log_input(dataset, context=context)
        return
    from mlflow.entities import DatasetInput, InputTag
    from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT

    tags = [InputTag(MLFLOW_DATASET_CONTEXT, context)]
    mlflow.MlflowClient().log_inputs(run_id, datasets=[DatasetInput(dataset._to_mlflow_entity(), tags)])
