"""A replay that was cut off continues where it was and ends as if nothing had happened."""

from pathlib import Path

import numpy as np
import pytest

from restock.data import Features
from restock.columns import FEATURES
from restock.drift import Shift
from restock.journal import Journal
from restock.replay import FIRST_DAY, Replay


class Crash(Exception):
    """What a cut-off run ends with."""


class Recording:
    """A platform over made-up sales that counts its calls and can break after some days."""

    def __init__(self, break_after: int | None = None) -> None:
        random = np.random.default_rng(4)
        self.days = np.arange(FIRST_DAY - 100, FIRST_DAY + 20)
        self.units = random.poisson(8, size=(3, len(self.days))).astype(float)
        self.inputs = random.uniform(1, 2, size=(3, len(self.days), len(FEATURES))).astype(np.float32)
        self.break_after = break_after
        self.calls: list[str] = []
        self.resumed_at: np.datetime64 | None = None

    def resume(self, features: Features) -> None:
        self.resumed_at = features.days[-1]

    def open_day(self, day: np.datetime64) -> Features:
        self.calls.append(f"open {day}")
        upto = self.days <= day
        units = np.where(self.days[upto] < day, self.units[:, upto], np.nan)
        names = np.array(["MEAT", "DELI", "PRODUCE"]), np.array(["LEAN", "HAM", "KIWI"])
        return Features(*names, self.days[upto], self.inputs[:, upto], units)

    def train(self, day: np.datetime64) -> str:
        self.calls.append("train")
        return "1"

    def forecast(self, version: str, inputs: np.ndarray) -> np.ndarray:
        return np.stack([inputs[:, 0] * 5, inputs[:, 0] * 8], axis=1)

    def promote(self, version: str, reason: str) -> bool:
        return True

    def serve(self, day: np.datetime64, inputs: np.ndarray) -> np.ndarray:
        if self.break_after is not None and day >= FIRST_DAY + self.break_after:
            raise Crash
        return self.forecast("1", inputs)

    def close_day(self, day: np.datetime64, units: np.ndarray) -> None:
        self.calls.append(f"close {day}")

    def shift(self, day: np.datetime64) -> Shift:
        return Shift("scale", 0.0, False)


def run(platform: Recording, path: Path) -> dict[str, list]:
    result = Replay(Journal(platform, path), FIRST_DAY, FIRST_DAY + 9, lambda _: None).run()
    return {name: outcome.ordered.tolist() for name, outcome in result.outcomes.items()}


def test_a_cut_off_replay_continues(tmp_path: Path) -> None:
    whole = run(Recording(), tmp_path / "whole")
    with pytest.raises(Crash):
        run(Recording(break_after=4), tmp_path / "journal")
    with (tmp_path / "journal").open("ab") as file:
        file.write(b'[{"half": ')  # a line that the crash cut off
    second = Recording()
    assert run(second, tmp_path / "journal") == whole
    assert second.resumed_at == FIRST_DAY + 4
    assert second.calls[0] == f"open {FIRST_DAY + 5}", "days on file are not asked for again"
    third = Recording()
    assert run(third, tmp_path / "journal") == whole
    assert third.calls == [] and third.resumed_at is None
