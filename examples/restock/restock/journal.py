"""Makes a replay resumable: what the platform answered is kept on disk, one line a day, and a later run starts there.

The loop is deterministic, so hearing the same answers brings it back to where it was without asking the platform. A
day that was cut off is asked for again as a whole; the calls are made so that this does no harm.
"""

import json
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from restock.data import Features
from restock.drift import Shift
from restock.replay import Platform

Answer = TypeVar("Answer")


class ResumablePlatform(Platform, Protocol):
    """A platform that can be told where a replay stands."""

    def resume(self, features: Features) -> None:
        """Continues as if `open_day` had just returned `features`."""
        ...


class Journal:
    """A `Platform` that answers from a file as far as that goes and then from `platform`, noting what it hears."""

    def __init__(self, platform: ResumablePlatform, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        content = path.read_bytes() if path.exists() else b""
        whole = content[: content.rfind(b"\n") + 1]  # a crash may leave half a line
        self.platform = platform
        self.known = deque(answer for line in whole.splitlines() for answer in json.loads(line))
        self.file = path.open("ab")
        self.file.truncate(len(whole))
        self.heard: list[Any] = []
        self.is_live = False
        self.features: Features | None = None

    def open_day(self, day: np.datetime64) -> Features:
        def ask() -> Features:
            full = self.platform.open_day(day)
            # The first answer holds the past; later ones add the day that is over and the day to plan.
            return full if self.features is None else full.between(day - 1, day + 1)

        answer = self._answer(ask, _features_to_json, _features_from_json)
        self.features = answer if self.features is None else self.features.extend(answer)
        return self.features

    def train(self, day: np.datetime64) -> str:
        return self._answer(lambda: self.platform.train(day))

    def forecast(self, version: str, inputs: np.ndarray) -> np.ndarray:
        return self._answer(lambda: self.platform.forecast(version, inputs), np.ndarray.tolist, _quantiles)

    def promote(self, version: str, reason: str) -> bool:
        return self._answer(lambda: self.platform.promote(version, reason))

    def serve(self, day: np.datetime64, inputs: np.ndarray) -> np.ndarray:
        return self._answer(lambda: self.platform.serve(day, inputs), np.ndarray.tolist, _quantiles)

    def shift(self, day: np.datetime64) -> Shift:
        return self._answer(lambda: self.platform.shift(day), lambda shift: vars(shift), lambda known: Shift(**known))

    def close_day(self, day: np.datetime64, units: np.ndarray) -> None:
        self._answer(lambda: self.platform.close_day(day, units))
        if self.heard:
            self.file.write(json.dumps(self.heard).encode() + b"\n")
            self.file.flush()
            self.heard = []

    def _answer(
        self,
        ask: Callable[[], Answer],
        encode: Callable[[Answer], Any] = lambda answer: answer,
        decode: Callable[[Any], Answer] = lambda known: known,
    ) -> Answer:
        if self.known:
            return decode(self.known.popleft())
        if not self.is_live:
            self.is_live = True
            if self.features is not None:
                self.platform.resume(self.features)
        answer = ask()
        self.heard.append(encode(answer))
        return answer


def _quantiles(known: list[list[float]]) -> np.ndarray:
    return np.array(known, dtype=np.float32)


def _features_to_json(features: Features) -> dict[str, Any]:
    return {
        "department": features.department.tolist(),
        "series": features.series.tolist(),
        "days": [str(day) for day in features.days],
        "inputs": features.inputs.tolist(),
        "units": features.units.tolist(),
    }


def _features_from_json(known: dict[str, Any]) -> Features:
    return Features(
        department=np.array(known["department"]),
        series=np.array(known["series"]),
        days=np.array(known["days"], dtype="datetime64[D]"),
        inputs=np.array(known["inputs"], dtype=np.float32),
        units=np.array(known["units"], dtype=np.float64),
    )
