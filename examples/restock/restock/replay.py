"""Replays the year day by day: plan, watch, retrain, promote, forecast, order, sell.

The loop does not know who stores data, trains and serves. It asks a `Platform`: restock/local.py answers in this
process, restock/remote.py lets Slipway answer over HTTP.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from restock import policy
from restock.data import Features
from restock.drift import Shift
from restock.model import pinball_loss
from restock.rules import BASELINE, RULES, rule_forecasts, tune_model, tune_rule
from restock.simulate import Outcome, Shop, empty_stock, run_day, stack_days

FIRST_DAY = np.datetime64("2017-05-29")
LAST_DAY = np.datetime64("2017-12-31")
QUICK_DAYS = 56  # what `--quick` replays
HOLDOUT_DAYS = 28  # a challenger never saw the last 28 days: on them it is gated and its safety factor is tuned
REVIEW_DAYS = 28  # safety factors are tuned at least this often; retraining waits at least this long
LOSS_RATIO_LIMIT = 1.15  # the champion's loss may grow this much before a challenger is trained
MODEL = "Slipway"


class Platform(Protocol):
    """What the loop needs from whoever keeps data and models. A version names a trained model."""

    def open_day(self, day: np.datetime64) -> Features:
        """Takes in all sales before `day`; returns features up to and including `day`, whose units are unknown."""
        ...

    def train(self, day: np.datetime64) -> str:
        """Trains a challenger on the days before `day - HOLDOUT_DAYS` and returns its version."""
        ...

    def forecast(self, version: str, inputs: np.ndarray) -> np.ndarray:
        """Any version's quantiles in units [rows, quantile] for inputs [rows, feature]."""
        ...

    def promote(self, version: str, reason: str) -> bool:
        """Makes the version the champion: the one that serves from now on. False if the platform's own gate says no."""
        ...

    def serve(self, day: np.datetime64, inputs: np.ndarray) -> np.ndarray:
        """The champion's forecast for `day`: quantiles in units [series, quantile] for inputs [series, feature]."""
        ...

    def close_day(self, day: np.datetime64, units: np.ndarray) -> None:
        """Reports what was sold (one figure per series): the truth for the forecast of `day`."""
        ...

    def shift(self, day: np.datetime64) -> Shift:
        """How far the inputs of the last HOLDOUT_DAYS days are from those that the champion was trained on."""
        ...


@dataclass
class Champion:
    """The model in service, and its pinball loss on the days that let it in."""

    version: str
    loss: float


@dataclass(frozen=True)
class Result:
    """What a replay leaves behind. Outcomes and demand are [series, day]."""

    department: np.ndarray
    series: np.ndarray
    days: np.ndarray
    demand: np.ndarray
    outcomes: dict[str, Outcome]
    events: list[str]


class Replay:
    """One run of the loop: the state that passes from one day to the next."""

    def __init__(
        self,
        platform: Platform,
        first: np.datetime64,
        last: np.datetime64,
        tell: Callable[[str], None],
        shop_of: Callable[[np.ndarray], Shop] = Shop.of,
        progress: Callable[["Replay"], None] = lambda _: None,
    ):
        """`tell` gets a line whenever a model is trained, `progress` is called after every day."""
        self.platform = platform
        self.days = np.arange(first, last + 1)
        self.tell, self.progress = tell, progress
        self.events: list[str] = []
        self.features = platform.open_day(first)
        self.shop = shop_of(self.features.department)
        self.stocks = {name: empty_stock(self.shop.lives) for name in (*RULES, MODEL)}
        self.steps: dict[str, list[tuple[np.ndarray, np.ndarray, np.ndarray]]] = {name: [] for name in self.stocks}
        self.factors: dict[str, np.ndarray] = {}
        self.champion: Champion | None = None
        self.last_training = self.last_review = first
        # The champion's forecasts of past days it had not seen, newest last, [series, day, quantile].
        self.trail = np.empty((len(self.shop.lives), 0, 2))

    def run(self) -> Result:
        """Runs all days and returns what happened."""
        for day in self.days:
            levels = self._plan(day)
            orders = {
                name: policy.order_up_to(levels[name], stock.sum(axis=-1)) for name, stock in self.stocks.items()
            }
            self.features = self.platform.open_day(day + 1)  # the day is over: its sales have come in
            sold = self.features.units[:, -2]
            self.platform.close_day(day, sold)
            for name, ordered in orders.items():
                self.stocks[name], waste, unmet = run_day(self.stocks[name], ordered, sold, self.shop.lives)
                self.steps[name].append((ordered, waste, unmet))
            self.progress(self)
        return Result(
            department=self.features.department,
            series=self.features.series,
            days=self.days,
            demand=self.features.units[:, -1 - len(self.days) : -1],
            outcomes={name: stack_days(steps) for name, steps in self.steps.items()},
            events=self.events,
        )

    def _plan(self, day: np.datetime64) -> dict[str, np.ndarray]:
        """Each policy's order-up-to level for the day."""
        promoted = self._retrain_if_needed(day)
        forecasts = rule_forecasts(self.features)
        if promoted or day - self.last_review >= np.timedelta64(REVIEW_DAYS, "D"):
            self._review(day, forecasts)
        quantiles = self.platform.serve(day, self.features.inputs[:, -1])
        self.trail = np.concatenate([self.trail, quantiles[:, None]], axis=1)
        levels = {
            name: policy.safety_level(forecast[:, -1], deviation[:, -1], self.factors[name])
            for name, (forecast, deviation) in forecasts.items()
        }
        levels[MODEL] = policy.quantile_level(quantiles, self.factors[MODEL])
        is_open = self.features.column("is_open")[:, -1]
        return {name: level * is_open for name, level in levels.items()}

    def _retrain_if_needed(self, day: np.datetime64) -> bool:
        """Trains a challenger if there is no champion or drift fires; promotes it if it wins. True if promoted."""
        cause, loss = "first model", np.inf
        if self.champion is not None:
            if day - self.last_training < np.timedelta64(REVIEW_DAYS, "D"):
                return False
            shift = self.platform.shift(day)
            loss = pinball_loss(self.trail[:, -HOLDOUT_DAYS:], self._recent_units())
            worse = loss / self.champion.loss
            if not shift.fired and worse <= LOSS_RATIO_LIMIT:
                return False
            cause = f"drift ({shift}; pinball loss x{worse:.2f} since promotion)"
        self.last_training = day
        challenger, backtest = self._train(day)
        reason = f"{cause}: pinball loss {challenger.loss:.3f} on {HOLDOUT_DAYS} days it had not seen"
        if self.champion is not None:
            reason += f", champion {loss:.3f}"
        promoted = challenger.loss < loss and self.platform.promote(challenger.version, reason)
        self._note(day, f"{reason}: version {challenger.version} {'promoted' if promoted else 'not promoted'}")
        if promoted:
            self.champion, self.trail = challenger, backtest
        return promoted

    def _train(self, day: np.datetime64) -> tuple[Champion, np.ndarray]:
        """A challenger, and its forecasts of the last HOLDOUT_DAYS days, which it has not seen."""
        version = self.platform.train(day)
        recent = self.features.inputs[:, -1 - HOLDOUT_DAYS : -1]
        quantiles = self.platform.forecast(version, recent.reshape(-1, recent.shape[-1]))
        quantiles = quantiles.reshape(*recent.shape[:2], -1)
        return Champion(version, pinball_loss(quantiles, self._recent_units())), quantiles

    def _review(self, day: np.datetime64, forecasts: dict[str, tuple[np.ndarray, np.ndarray]]) -> None:
        """Tunes the safety factor of every policy on the same last HOLDOUT_DAYS days."""
        self.last_review = day
        tuned = {name: tune_rule(*parts, self.features, self.shop, HOLDOUT_DAYS) for name, parts in forecasts.items()}
        self.factors = {name: factor for name, (factor, _) in tuned.items()}
        self.factors[MODEL] = tune_model(self.trail[:, -HOLDOUT_DAYS:], self.features, self.shop, tuned[BASELINE][1])

    def _recent_units(self) -> np.ndarray:
        return self.features.units[:, -1 - HOLDOUT_DAYS : -1]

    def _note(self, day: np.datetime64, text: str) -> None:
        self.events.append(f"{day}  {text}")
        self.tell(self.events[-1])
