"""The shelf on cases small enough to check by hand."""

import numpy as np

from restock.simulate import Shop, empty_stock, replay, run_day, tune_factors

LIVES = np.array([3])


def day(stock: list[float], ordered: float, demand: float) -> tuple[list[float], float, float]:
    after, waste, unmet = run_day(np.array([stock], dtype=float), np.array([ordered]), np.array([demand]), LIVES)
    return after[0].tolist(), float(waste[0]), float(unmet[0])


def test_oldest_units_are_sold_first() -> None:
    # 2 expire tonight, 3 tomorrow, 4 arrive with three days to go; 4 are asked for.
    assert day([2, 3, 0], ordered=4, demand=4) == ([1, 4, 0], 0, 0)


def test_unsold_units_on_their_last_day_are_waste() -> None:
    assert day([2, 3, 0], ordered=4, demand=1) == ([3, 4, 0], 1, 0)


def test_demand_beyond_the_shelf_is_lost() -> None:
    assert day([2, 3, 0], ordered=4, demand=12) == ([0, 0, 0], 0, 3)


def test_shorter_life_spoils_first() -> None:
    stock = empty_stock(np.array([1, 2]))
    stock, waste, _ = run_day(stock, np.array([5.0, 5.0]), np.array([2.0, 2.0]), np.array([1, 2]))
    assert waste.tolist() == [3, 0]
    assert stock.tolist() == [[0, 0], [3, 0]]


def test_replay_orders_up_to_the_level() -> None:
    outcome = replay(np.full((1, 4), 5.0), np.array([[1.0, 0, 0, 6]]), LIVES)
    # Day 1: 5 arrive, 1 sold. Day 2: 1 arrives. Day 3: none arrives, the 4 left of day 1 spoil. Day 4: 4 arrive.
    assert outcome.ordered.tolist() == [[5, 1, 0, 4]]
    assert outcome.waste.tolist() == [[0, 0, 4, 0]]
    assert outcome.unmet.tolist() == [[0, 0, 0, 1]]


def test_no_unit_is_lost_or_made() -> None:
    random = np.random.default_rng(3)
    lives = np.array([1, 2, 3, 4])
    stock, ordered_total, gone = empty_stock(lives), 0.0, 0.0
    for _ in range(200):
        ordered, demand = random.integers(0, 9, 4).astype(float), random.integers(0, 9, 4).astype(float)
        stock, waste, unmet = run_day(stock, ordered, demand, lives)
        ordered_total += ordered.sum()
        gone += waste.sum() + (demand - unmet).sum()
        assert (stock >= 0).all() and (waste >= 0).all() and (unmet >= 0).all()
    assert ordered_total == gone + stock.sum()


def test_tuning_takes_the_smallest_factor_that_serves() -> None:
    demand = np.full((1, 10), 10.0)
    factors = np.array([0.0, 1.0, 2.0])
    levels = np.stack([np.full((1, 10), level) for level in (8.0, 9.0, 10.0)])
    shop = Shop(np.array(["MEAT"]), LIVES, fill_rate=0.9)
    assert tune_factors(levels, factors, demand, shop).tolist() == [1.0]
    rival = replay(levels[2], demand, LIVES)
    assert tune_factors(levels, factors, demand, shop, at_most=rival).tolist() == [2.0]
    assert tune_factors(levels[:1], factors[:1], demand, shop).tolist() == [0.0], "the largest where none is enough"
