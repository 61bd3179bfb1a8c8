"""Safety factors: how far above its forecast each policy orders, tuned on the days before it is used.

Every policy is treated alike: each department gets the smallest factor that serves its customers well enough on the
last weeks. "Well enough" is the shop's fill rate for the rules. For the model it is the baseline's own result on the
same days: no more units lost, and no more series-days with lost units.
"""

from collections.abc import Callable

import numpy as np

from restock import policy
from restock.data import Features
from restock.simulate import Outcome, Shop, replay, tune_factors

BASELINE = "seasonal naive"
FACTORS = np.round(np.arange(-1.0, 8.01, 0.05), 2)

# Rules that need no model. The first is the baseline of the goal; the others show how far rules can get.
RULES: dict[str, Callable[[Features], np.ndarray]] = {
    BASELINE: lambda features: policy.seasonal_naive(features.units[:, :-1]),
    "4-week mean": lambda features: policy.seasonal_mean(features.units[:, :-1]),
    "promotion-aware mean": policy.promotion_aware_mean,
}


def rule_forecasts(features: Features) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Forecast and error deviation of each rule, [series, day]; the last day of `features` is the one to plan."""
    units = features.units[:, :-1]
    forecasts = {name: rule(features) for name, rule in RULES.items()}
    return {name: (forecast, policy.error_deviation(forecast, units)) for name, forecast in forecasts.items()}


def tune_rule(
    forecast: np.ndarray, deviation: np.ndarray, features: Features, shop: Shop, days: int
) -> tuple[np.ndarray, Outcome]:
    """A rule's factor per series, and its outcome with it, on the last `days` days that are over."""
    window = slice(-1 - days, -1)
    demand = features.units[:, window]
    forecast, deviation = forecast[:, window], deviation[:, window]
    candidates = policy.safety_level(forecast, deviation, FACTORS[:, None, None])
    factor = tune_factors(candidates, FACTORS, demand, shop)
    levels = policy.safety_level(forecast, deviation, factor[:, None])
    return factor, replay(levels, demand, shop.lives)


def tune_model(quantiles: np.ndarray, features: Features, shop: Shop, baseline: Outcome) -> np.ndarray:
    """The model's factor per series from its forecasts [series, day, quantile] of the same days as `baseline`'s."""
    demand = features.units[:, -1 - quantiles.shape[1] : -1]
    candidates = policy.quantile_level(quantiles[None], FACTORS[:, None, None])
    return tune_factors(candidates, FACTORS, demand, shop, at_most=baseline)
