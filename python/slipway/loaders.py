"""Shards as the datasets of PyTorch and TensorFlow.

Numbers and booleans become tensors, times microseconds since 1970 as int64, decimals float64; NULL of a number is NaN. Text
stays a list of str for PyTorch and becomes a tf.string tensor for TensorFlow. Anything else is refused by name: choose
``columns``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Iterator, List

from . import errors

if TYPE_CHECKING:
    from .dataset import Table
    from .shards import Shards


def torch_dataset(table: Table, batch_rows: int, options: Dict[str, Any]) -> Any:
    """See :meth:`slipway.dataset.Table.to_torch`."""
    try:
        import torch
        import torch.utils.data
    except ImportError:
        raise errors.Unsupported("to_torch needs PyTorch, which is not installed.") from None
    shards = table.shards(batch_rows, **options)

    class TorchShards(torch.utils.data.IterableDataset):
        """Dicts of tensors, one a batch; ``shards`` is the reader behind it."""

        def __init__(self) -> None:
            super().__init__()
            self.shards = shards

        def __len__(self) -> int:
            return len(self.shards)

        def set_epoch(self, epoch: int) -> None:
            """Chooses the epoch. Needed with workers: each has a copy of the reader, and this one does not move."""
            self.shards.epoch, self.shards.position = epoch, 0

        def __iter__(self) -> Iterator[Dict[str, Any]]:
            worker = torch.utils.data.get_worker_info()
            mine = self.shards
            if worker is not None and worker.num_workers > 1:
                mine = mine.split(worker.id, worker.num_workers)
            for batch in mine:
                yield {
                    name: value if isinstance(value, list) else torch.from_numpy(value)
                    for name, value in _values(batch).items()}

    return TorchShards()


def tf_dataset(table: Table, batch_rows: int, options: Dict[str, Any]) -> Any:
    """See :meth:`slipway.dataset.Table.to_tf`."""
    try:
        import tensorflow
    except ImportError:
        raise errors.Unsupported("to_tf needs TensorFlow, which is not installed.") from None
    shards: Shards = table.shards(batch_rows, **options)
    first = next(iter(table.shards(1, **{**options, "shuffle": False, "even": False, "rank": 0, "world_size": 1})), None)
    if first is None:
        raise errors.Invalid(f"{table.ref} has no rows")
    signature = {
        name: tensorflow.TensorSpec((None,), tensorflow.string if isinstance(value, list) else value.dtype)
        for name, value in _values(first).items()}

    def generate() -> Iterator[Dict[str, Any]]:
        for batch in shards:
            yield {name: value for name, value in _values(batch).items()}

    return tensorflow.data.Dataset.from_generator(generate, output_signature=signature)


def _values(batch: Any) -> Dict[str, Any]:
    """A numpy array, or a list of str, for each column of a batch."""
    import pyarrow

    found: Dict[str, Any] = {}
    for name, column in zip(batch.schema.names, batch.columns):
        kind = column.type
        if pyarrow.types.is_dictionary(kind):
            column = column.dictionary_decode()
            kind = column.type
        if pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind):
            texts: List[str] = [text or "" for text in column.to_pylist()]
            found[name] = texts
            continue
        if pyarrow.types.is_decimal(kind):
            column = column.cast(pyarrow.float64())
        elif pyarrow.types.is_timestamp(kind):
            column = column.cast(pyarrow.timestamp("us", kind.tz), safe=False).cast(pyarrow.int64())
        elif pyarrow.types.is_date(kind):
            column = column.cast(pyarrow.timestamp("us")).cast(pyarrow.int64())
        elif not (pyarrow.types.is_integer(kind) or pyarrow.types.is_floating(kind) or pyarrow.types.is_boolean(kind)):
            raise errors.Invalid(f"The column {name} of type {kind} has no tensor; leave it out with columns=[...]")
        if column.null_count and pyarrow.types.is_boolean(column.type):
            raise errors.Invalid(f"The column {name} has NULLs and a boolean has no NaN; fill them or leave it out")
        if column.null_count and not pyarrow.types.is_floating(column.type):
            column = column.cast(pyarrow.float64(), safe=False)
        # A copy: Arrow's memory is read-only, and a tensor must not be.
        found[name] = column.to_numpy(zero_copy_only=False).copy()
    return found
