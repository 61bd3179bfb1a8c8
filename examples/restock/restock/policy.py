"""Order policies: how many units of a series to order for the coming day.

Every policy is an order-up-to policy with daily review (the (R, S) system of Silver, Pyke and Thomas, "Inventory and
Production Management in Supply Chains", with R = one day): before the shop opens, order what lifts the stock that is
still good to a level. The policies differ in the level only.
"""

import numpy as np

from restock.data import Features

SEASON_DAYS = 7
ERROR_WINDOW_DAYS = 56


def order_up_to(level: np.ndarray, on_hand: np.ndarray) -> np.ndarray:
    """Whole units that lift `on_hand` to `level`, never negative: q = max(0, ceil(S - I))."""
    return np.maximum(0.0, np.ceil(level - on_hand - 1e-6))


def seasonal_naive(units: np.ndarray) -> np.ndarray:
    """Forecast y[d] = units[d - 7] for [series, day + 1]: the column after the last day is the forecast of tomorrow.

    The seasonal naive method of Hyndman and Athanasopoulos, "Forecasting: Principles and Practice" (3rd ed., 5.2).
    """
    forecast = np.full((units.shape[0], units.shape[1] + 1), np.nan)
    forecast[:, SEASON_DAYS:] = units[:, : units.shape[1] + 1 - SEASON_DAYS]
    return forecast


def seasonal_mean(units: np.ndarray, weeks: int = 4) -> np.ndarray:
    """Forecast y[d] = mean of units[d - 7], units[d - 14]... over `weeks`; shaped like `seasonal_naive`."""
    days = units.shape[1] + 1
    forecast = np.full((units.shape[0], days), np.nan)
    for day in range(SEASON_DAYS * weeks, days):
        forecast[:, day] = units[:, day - SEASON_DAYS * weeks : day : SEASON_DAYS].mean(axis=1)
    return forecast


def promotion_aware_mean(features: Features) -> np.ndarray:
    """What a careful planner does by hand: the usual level of promoted or plain days, times the weekday's profile."""
    level = np.where(features.column("promoted") > 0, features.column("promoted_level"), features.column("plain_level"))
    return features.column("scale") * level * np.clip(features.column("weekday8"), 0.5, 2.0)


def error_deviation(forecast: np.ndarray, units: np.ndarray, window: int = ERROR_WINDOW_DAYS) -> np.ndarray:
    """Root mean square of the forecast errors of the `window` days before each day, [series, day + 1].

    Column d uses the errors of days d - window ... d - 1. NaN where fewer than 14 errors are known.
    """
    errors = (units - forecast[:, : units.shape[1]]) ** 2
    deviation = np.full((units.shape[0], units.shape[1] + 1), np.nan)
    for day in range(1, units.shape[1] + 1):
        past = errors[:, max(0, day - window) : day]
        count = (~np.isnan(past)).sum(axis=1)
        mean = np.nansum(past, axis=1) / np.maximum(count, 1)
        deviation[:, day] = np.where(count >= 14, np.sqrt(mean), np.nan)
    return deviation


def safety_level(forecast: np.ndarray, deviation: np.ndarray, factor: np.ndarray | float) -> np.ndarray:
    """The textbook level S = forecast + z * sigma, never negative."""
    return np.maximum(0.0, forecast + factor * deviation)


def quantile_level(quantiles: np.ndarray, factor: np.ndarray | float) -> np.ndarray:
    """The level between and beyond two forecast quantiles: S = q50 + c * (q90 - q50), never negative.

    `quantiles` is [..., 2]; the spread between its columns plays the part of sigma and c that of z.
    """
    median, upper = quantiles[..., 0], quantiles[..., 1]
    return np.maximum(0.0, median + factor * np.maximum(0.0, upper - median))
