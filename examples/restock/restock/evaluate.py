"""Compares policies on the days they never saw: totals, and confidence intervals by a paired block bootstrap."""

from dataclasses import dataclass

import numpy as np

from restock.simulate import Outcome

RESAMPLES = 10_000
BLOCK_DAYS = 7


@dataclass(frozen=True)
class Interval:
    """A point estimate with its 95 % confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Totals:
    """What a policy did over a period: units spoiled, units of demand lost, series-days with lost demand."""

    waste: float
    unmet: float
    stockout_days: int
    demand: float

    @property
    def fill_rate(self) -> float:
        return 1 - self.unmet / self.demand


def totals(outcome: Outcome, demand: np.ndarray) -> Totals:
    """Sums an outcome [series, day] over demand of the same shape."""
    return Totals(
        waste=float(outcome.waste.sum()),
        unmet=float(outcome.unmet.sum()),
        stockout_days=int((outcome.unmet > 0).sum()),
        demand=float(demand.sum()),
    )


def select(outcome: Outcome, rows: np.ndarray) -> Outcome:
    """The outcome of some series, by a boolean mask."""
    return Outcome(outcome.ordered[rows], outcome.waste[rows], outcome.unmet[rows])


def relative_change(
    baseline: np.ndarray, challenger: np.ndarray, resamples: int = RESAMPLES, seed: int = 11
) -> Interval:
    """Change of the challenger's total against the baseline's, (C - B) / B, over daily values [day].

    Paired block bootstrap: whole weeks are drawn with replacement, the same weeks for both, so that the dependence
    inside a week and between the policies is kept (Künsch 1989, with blocks that do not overlap). Days after the last
    whole week form a shorter block.
    """
    starts = np.arange(0, len(baseline), BLOCK_DAYS)
    base_weeks = np.add.reduceat(baseline, starts)
    challenger_weeks = np.add.reduceat(challenger, starts)
    drawn = np.random.default_rng(seed).integers(0, len(starts), size=(resamples, len(starts)))
    base, other = base_weeks[drawn].sum(axis=1), challenger_weeks[drawn].sum(axis=1)
    changes = (other - base) / np.where(base > 0, base, np.nan)
    low, high = np.nanquantile(changes, [0.025, 0.975])
    value = (challenger_weeks.sum() - base_weeks.sum()) / base_weeks.sum()
    return Interval(float(value), float(low), float(high))
