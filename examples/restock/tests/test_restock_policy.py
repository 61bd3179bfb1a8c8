"""Order rules on cases small enough to check by hand."""

import numpy as np
import pytest

from restock import policy


@pytest.mark.parametrize(
    ("level", "on_hand", "ordered"),
    [(10, 4, 6), (10, 10, 0), (10, 12, 0), (9.2, 4, 6), (4.0000001, 4, 0), (0, 0, 0)],
    ids=["lift to the level", "enough", "more than enough", "whole units", "not a unit for rounding", "nothing"],
)
def test_order_up_to(level: float, on_hand: float, ordered: float) -> None:
    assert policy.order_up_to(np.array([level]), np.array([on_hand])).tolist() == [ordered]


def test_seasonal_naive_is_last_weeks_sale() -> None:
    units = np.arange(10.0)[None]
    forecast = policy.seasonal_naive(units)
    assert forecast.shape == (1, 11)
    assert np.isnan(forecast[0, :7]).all()
    assert forecast[0, 7:].tolist() == [0, 1, 2, 3]


def test_seasonal_mean_averages_the_same_weekday() -> None:
    units = np.zeros((1, 28))
    units[0, [0, 7, 14, 21]] = [2, 4, 6, 8]
    forecast = policy.seasonal_mean(units)
    assert np.isnan(forecast[0, :28]).all()
    assert forecast[0, 28] == 5


def test_error_deviation_uses_earlier_days_only() -> None:
    units = np.tile([4.0, 0.0], 10)[None]
    forecast = np.full((1, 21), 2.0)
    deviation = policy.error_deviation(forecast, units, window=14)
    assert np.isnan(deviation[0, :14]).all()
    assert deviation[0, 14:].tolist() == [2.0] * 7
    units[0, 19] = 100
    assert policy.error_deviation(forecast, units, window=14)[0, 19] == 2.0


def test_levels_are_never_negative() -> None:
    assert policy.safety_level(np.array([5.0]), np.array([2.0]), 1.5).tolist() == [8.0]
    assert policy.safety_level(np.array([1.0]), np.array([2.0]), -1.0).tolist() == [0.0]
    assert policy.quantile_level(np.array([[4.0, 8.0]]), 1.5).tolist() == [10.0]
    assert policy.quantile_level(np.array([[4.0, 3.0]]), 1.5).tolist() == [4.0], "crossed quantiles have no spread"
