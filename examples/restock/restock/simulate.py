"""A shop's shelf, day by day: delivery, sale of the oldest units first, spoilage, lost sales.

Stock is an array [..., series, age]: column j holds units with j + 1 days of shelf life left, today included. Leading
axes (for example, one per safety factor tried) are simulated at once.
"""

from dataclasses import dataclass

import numpy as np

from restock.columns import SHELF_LIFE_DAYS, TARGET_FILL_RATE
from restock.policy import order_up_to


@dataclass(frozen=True)
class Shop:
    """What the shop sells and promises: department and shelf life (days) of each series, and the fill rate aimed at."""

    department: np.ndarray
    lives: np.ndarray
    fill_rate: float = TARGET_FILL_RATE

    @classmethod
    def of(cls, department: np.ndarray) -> "Shop":
        """The shop of the README: shelf lives by department."""
        unknown = sorted(set(department) - set(SHELF_LIFE_DAYS))
        if unknown:
            raise ValueError(f"no shelf life for department {', '.join(unknown)}; add it to SHELF_LIFE_DAYS")
        return cls(department, np.array([SHELF_LIFE_DAYS[name] for name in department]))


@dataclass(frozen=True)
class Outcome:
    """What happened, each as [..., series, day]: units ordered, units spoiled, units asked for but not there."""

    ordered: np.ndarray
    waste: np.ndarray
    unmet: np.ndarray


def empty_stock(lives: np.ndarray, batch: tuple[int, ...] = ()) -> np.ndarray:
    """An empty shelf for every series."""
    return np.zeros((*batch, len(lives), int(lives.max())))


def run_day(
    stock: np.ndarray, ordered: np.ndarray, demand: np.ndarray, lives: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One day: the order arrives before opening, demand takes the oldest units first, what expired is thrown away.

    Returns the stock for the next morning, units wasted, and units of demand that found an empty shelf (lost).
    """
    stock = stock.copy()
    stock[..., np.arange(len(lives)), lives - 1] += ordered
    unmet = np.broadcast_to(demand, stock.shape[:-1]).astype(np.float64)
    for age in range(stock.shape[-1]):
        sold = np.minimum(stock[..., age], unmet)
        stock[..., age] -= sold
        unmet = unmet - sold
    waste = stock[..., 0].copy()
    stock[..., :-1] = stock[..., 1:]
    stock[..., -1] = 0
    return stock, waste, unmet


def replay(levels: np.ndarray, demand: np.ndarray, lives: np.ndarray) -> Outcome:
    """Runs an order-up-to policy with levels [..., series, day] over demand [series, day], from an empty shelf."""
    stock = empty_stock(lives, levels.shape[:-2])
    days: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for day in range(demand.shape[1]):
        ordered = order_up_to(levels[..., day], stock.sum(axis=-1))
        stock, waste, unmet = run_day(stock, ordered, demand[:, day], lives)
        days.append((ordered, waste, unmet))
    return stack_days(days)


def stack_days(days: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> Outcome:
    """Joins daily (ordered, waste, unmet) arrays [..., series] into one outcome."""
    return Outcome(*(np.stack(part, axis=-1) for part in zip(*days, strict=True)))


def by_department(values: np.ndarray, department: np.ndarray) -> dict[str, np.ndarray]:
    """Sums [..., series, day] over the series and days of each department."""
    return {str(name): values[..., department == name, :].sum(axis=(-2, -1)) for name in np.unique(department)}


def tune_factors(
    levels: np.ndarray, factors: np.ndarray, demand: np.ndarray, shop: Shop, at_most: Outcome | None = None
) -> np.ndarray:
    """The smallest safety factor of each department that serves its customers well enough, one value per series.

    Args:
        levels: order-up-to levels [factor, series, day], one slice for each of `factors` (ascending).
        at_most: a rival's outcome on the same days. Without it the department must reach the shop's fill rate; with it,
            the department must have no more unmet units and no more series-days with unmet demand than the rival.

    Falls back on the largest factor where none is enough.
    """
    department = shop.department
    outcome = replay(levels, demand, shop.lives)
    unmet = by_department(outcome.unmet, department)
    days = by_department(outcome.unmet > 0, department)
    asked = by_department(demand, department)
    if at_most is not None:
        unmet_limit = by_department(at_most.unmet, department)
        days_limit = by_department(at_most.unmet > 0, department)
    chosen = np.empty(len(department))
    for name in unmet:
        if at_most is None:
            enough = unmet[name] <= (1 - shop.fill_rate) * asked[name] + 1e-9
        else:
            enough = (unmet[name] <= unmet_limit[name]) & (days[name] <= days_limit[name])
        chosen[department == name] = factors[np.argmax(enough)] if enough.any() else factors[-1]
    return chosen
