"""One process's share of a table for training: deterministic, even, resumable.

How the order comes about, so that it can be relied on: the row groups of the version's Parquet files are put in an order
drawn from (seed, epoch) and laid end to end. Rank r of w takes the r-th of w equal stretches. A stretch is read in windows of
``shuffle_rows`` rows (rounded up to whole batches), and each window is mixed by a permutation drawn from
(seed, epoch, rank, window). So any window can be read without those before it, and a resumed reader costs one window.
"""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Optional, Sequence, Tuple

from . import errors

if TYPE_CHECKING:
    import pyarrow

    from .dataset import Table
    from .parts import Part


class Shards:
    """Iterates over Arrow batches; see :meth:`slipway.dataset.Table.shards` for the arguments.

    ``position`` is how many rows of this epoch were given out. To go on later, keep :meth:`state_dict` and give it to
    :meth:`load_state_dict` of a reader that was made alike. After the last batch the next iteration is the next epoch.
    """

    def __init__(
        self, table: Table, *, batch_rows: int, columns: Optional[Sequence[str]], rank: Optional[int],
        world_size: Optional[int], shuffle: bool, seed: int, epoch: int, shuffle_rows: int, even: bool,
    ) -> None:
        self.rank = int(os.environ.get("RANK") or 0) if rank is None else rank
        self.world_size = int(os.environ.get("WORLD_SIZE") or 1) if world_size is None else world_size
        if not 0 <= self.rank < self.world_size:
            raise errors.Invalid(f"rank {self.rank} of {self.world_size} does not exist; expected 0 to world_size - 1")
        if batch_rows < 1 or shuffle_rows < 1:
            raise errors.Invalid("batch_rows and shuffle_rows must be 1 or more")
        self.table = table
        self.batch_rows = batch_rows
        self.columns = None if columns is None else list(columns)
        self.shuffle = shuffle
        self.seed = seed
        self.even = even
        self.window_rows = -(-max(shuffle_rows, batch_rows) // batch_rows) * batch_rows
        self.epoch = epoch
        self.position = 0
        self._groups: Optional[List[Tuple[Part, int, int]]] = None  # (part, row group, rows)

    # --- what there is ----------------------------------------------------------------------------------------------

    @property
    def row_count(self) -> int:
        """Rows of this rank in one epoch."""
        first, end = self._stretch()
        return end - first

    def __len__(self) -> int:
        """Batches of this rank in one epoch."""
        return -(-self.row_count // self.batch_rows)

    def split(self, index: int, count: int) -> Shards:
        """The ``index``-th of ``count`` equal parts of this rank's share, for workers that load beside each other."""
        part = Shards(
            self.table, batch_rows=self.batch_rows, columns=self.columns, rank=self.rank * count + index,
            world_size=self.world_size * count, shuffle=self.shuffle, seed=self.seed, epoch=self.epoch,
            shuffle_rows=self.window_rows, even=self.even)
        part._groups = self._groups
        return part

    # --- going through ----------------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[pyarrow.RecordBatch]:
        first, end = self._stretch()
        order = self._order()
        while self.position < end - first:
            window, offset = divmod(self.position, self.window_rows)
            start = first + window * self.window_rows
            table = self._read(order, start, min(start + self.window_rows, end))
            if self.shuffle:
                mixed = list(range(table.num_rows))
                self._random("rows", self.rank, window).shuffle(mixed)
                table = table.take(mixed)
            table = table.combine_chunks()
            for at in range(offset, table.num_rows, self.batch_rows):
                batch = table.slice(at, self.batch_rows).to_batches()[0]
                # Before it is given out: whoever saves the state while using this batch goes on with the next one.
                self.position += batch.num_rows
                yield batch
        for part, _, _ in order:
            part.forget()
        self.epoch += 1
        self.position = 0

    def state_dict(self) -> Dict[str, Any]:
        """Where this reader is, as JSON-compatible values."""
        return {"epoch": self.epoch, "position": self.position, **self._identity()}

    def load_state_dict(self, state: Dict[str, Any]) -> None:
        """Goes on where ``state`` was taken.

        Raises:
            Invalid: the state is of other rows or another order; the message names what differs.
        """
        mine = self._identity()
        differs = [f"{key} is {mine[key]!r}, was {state.get(key)!r}" for key in mine if mine[key] != state.get(key)]
        if differs:
            raise errors.Invalid("This state was taken by a reader that was made otherwise: " + "; ".join(differs))
        self.epoch, self.position = int(state["epoch"]), int(state["position"])

    # --- parts ------------------------------------------------------------------------------------------------------

    def _identity(self) -> Dict[str, Any]:
        return {
            "ref": self.table.ref, "rank": self.rank, "world_size": self.world_size, "shuffle": self.shuffle,
            "seed": self.seed, "even": self.even, "batch_rows": self.batch_rows, "window_rows": self.window_rows,
        }

    def _random(self, *words: object) -> random.Random:
        # Seeded by text, Random hashes it with SHA-512: the same on every machine and version since Python 3.2.
        return random.Random("/".join(str(word) for word in (self.seed, self.epoch, *words)))

    def _listed(self) -> List[Tuple[Part, int, int]]:
        if self._groups is None:
            self._groups = [
                (part, index, rows) for part in self.table.parts(self.columns)
                for index, rows in enumerate(part.row_groups())]
        return self._groups

    def _order(self) -> List[Tuple[Part, int, int]]:
        groups = list(self._listed())
        if self.shuffle:
            self._random("groups").shuffle(groups)
        return groups

    def _stretch(self) -> Tuple[int, int]:
        total = sum(rows for _, _, rows in self._listed())
        if self.even:
            share = total // self.world_size
            return self.rank * share, (self.rank + 1) * share
        return total * self.rank // self.world_size, total * (self.rank + 1) // self.world_size

    def _read(self, order: List[Tuple[Part, int, int]], start: int, end: int) -> Any:
        import pyarrow

        pieces, at, last = [], 0, None
        for part, group, rows in order:
            low, high = max(start, at), min(end, at + rows)
            if low < high:
                pieces.append(part.read(group, self.columns).slice(low - at, high - low))
                last = part
            at += rows
        for part, _, _ in order:  # the next window begins where this one ended
            if part is not last:
                part.forget()
        return pyarrow.concat_tables(pieces, promote_options="default")
