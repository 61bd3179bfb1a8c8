"""Have the inputs changed since the champion was trained? By the population stability index, per input."""

from dataclasses import dataclass

import numpy as np

from restock.columns import FEATURES, WATCHED

PSI_LIMIT = 0.25
BINS = 10


@dataclass(frozen=True)
class Shift:
    """The watched input that moved most, how far, and whether that is too far."""

    feature: str
    psi: float
    fired: bool

    def __str__(self) -> str:
        return f"PSI {self.psi:.2f} on {self.feature}"


def population_stability_index(reference: np.ndarray, current: np.ndarray, bins: int = BINS) -> float:
    """PSI = sum over bins of (c - r) * ln(c / r), bins cut at the reference's quantiles.

    The usual reading (Siddiqi, "Credit Risk Scorecards", 2006): below 0.1 stable, above 0.25 shifted. Shares are
    smoothed by half a row per bin so that an empty bin does not make the index infinite.
    """
    edges = np.unique(np.quantile(reference, np.linspace(0, 1, bins + 1)[1:-1]))

    def shares(values: np.ndarray) -> np.ndarray:
        counts = np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1) + 0.5
        return counts / counts.sum()

    expected, actual = shares(reference), shares(current)
    return float(((actual - expected) * np.log(actual / expected)).sum())


def widest_shift(reference: np.ndarray, current: np.ndarray) -> Shift:
    """Compares input rows [rows, feature] of two windows; only WATCHED inputs count."""
    indices = {name: FEATURES.index(name) for name in WATCHED}
    shifts = {name: population_stability_index(reference[:, i], current[:, i]) for name, i in indices.items()}
    widest = max(shifts, key=shifts.__getitem__)
    return Shift(widest, shifts[widest], shifts[widest] > PSI_LIMIT)
