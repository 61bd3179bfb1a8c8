"""The SQL recipes: what a row may know, and a few values by hand."""

import datetime

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from restock.columns import FEATURES
from restock.data import read_sql, shape_features

FIRST, DAYS = datetime.date(2017, 1, 2), 200
SERIES = (("MEAT", "LEAN"), ("PRODUCE", "BANANAS"))


def sales(units: np.ndarray) -> pa.Table:
    """daily_sales of two series with units [series, day]; discounts and revenue follow the units."""
    rows = [
        {
            "department": department,
            "series": series,
            "day": FIRST + datetime.timedelta(days=day),
            "units": float(units[index, day]),
            "revenue": 2.0 * units[index, day],
            "discount": 0.5 * (units[index, day] % 3),
        }
        for index, (department, series) in enumerate(SERIES)
        for day in range(units.shape[1])
        if units[index, day] > 0
    ]
    return pa.Table.from_pylist(rows)


def promotions(weeks: set[int]) -> pa.Table:
    """promo_week with LEAN in the mailer in some weeks, counted from FIRST."""
    rows = [
        {
            "department": "MEAT",
            "series": "LEAN",
            "week_start": FIRST + datetime.timedelta(weeks=week),
            "mail_inside": 1.0,
            "mail_front": 0.5,
            "display": 0.1,
        }
        for week in sorted(weeks)
    ]
    return pa.Table.from_pylist(rows)


def features(daily_sales: pa.Table, promo_week: pa.Table, plan_day: datetime.date | None = None) -> pa.Table:
    """The recipe's table for a day to plan, by default the day after the newest sale."""
    day = plan_day or max(daily_sales["day"].to_pylist()) + datetime.timedelta(days=1)
    with duckdb.connect() as database:
        database.register("daily_sales", daily_sales)
        database.register("promo_week", promo_week)
        return database.execute(read_sql("features"), [str(day)]).to_arrow_table()


@pytest.fixture(scope="module")
def units() -> np.ndarray:
    return np.random.default_rng(5).poisson(6, size=(2, DAYS)).astype(float) + 1


def test_a_day_without_sales_is_a_day_of_zero_sales(units: np.ndarray) -> None:
    closed = shape_features(features(sales(units[:, :160]), promotions({3}), FIRST + datetime.timedelta(days=161)))
    assert closed.days[-1] == np.datetime64(FIRST) + 161
    np.testing.assert_array_equal(closed.units[:, -2], 0)


def test_a_day_knows_nothing_of_itself_or_later(units: np.ndarray) -> None:
    before = shape_features(features(sales(units), promotions({3, 9, 20, 25})))
    changed = units.copy()
    cut = 170
    changed[:, cut:] = 1 + (changed[:, cut:] * 7) % 50
    # Promotions of later weeks change too; the week of the cut itself is announced and stays.
    after = shape_features(features(sales(changed), promotions({3, 9, 20, 24 + 3})))
    day = np.datetime64(FIRST) + cut
    upto = before.days <= day
    np.testing.assert_array_equal(before.inputs[:, upto], after.inputs[:, upto])
    later = np.flatnonzero(before.days == day + 1)[0]
    assert (before.inputs[:, later] != after.inputs[:, later]).any(axis=1).all(), "the next day sees the change"


def test_the_planned_day_is_the_row_that_the_next_day_keeps(units: np.ndarray) -> None:
    early = shape_features(features(sales(units[:, :160]), promotions({3, 9, 20})))
    late = shape_features(features(sales(units[:, :161]), promotions({3, 9, 20})))
    assert np.isnan(early.units[:, -1]).all() and early.days[-1] == np.datetime64(FIRST) + 160
    np.testing.assert_array_equal(early.inputs[:, -1], late.inputs[:, -2])
    assert late.units[:, -2].tolist() == units[:, 160].tolist()


def test_values_by_hand(units: np.ndarray) -> None:
    block = shape_features(features(sales(units), promotions({3, 20})))
    day = 150  # a Thursday: 2017-06-01
    row = np.flatnonzero(block.days == np.datetime64("2017-06-01"))[0]
    lean = units[list(block.series).index("LEAN")]
    scale = 0.5 + lean[day - 56 : day].mean()
    got = dict(zip(FEATURES, block.inputs[0, row].tolist(), strict=True))
    expected = {
        "scale": scale,
        "weekday": 4,
        "month_day": 1,
        "days_to_holiday": 14,
        "days_since_holiday": 3,
        "sold1": lean[day - 1] / scale,
        "sold7": lean[day - 7] / scale,
        "mean28": lean[day - 28 : day].mean() / scale,
        "weekday4": lean[[day - 7, day - 14, day - 21, day - 28]].mean() / scale,
        "promoted": 0,
        "promoted7": 1,  # week 20 holds the Thursday before
        "mail_inside_usual": 7 / 56,
    }
    assert {name: got[name] for name in expected} == pytest.approx(expected, rel=1e-5)


def test_gaps_are_refused(units: np.ndarray) -> None:
    table = features(sales(units), promotions({3}))
    with pytest.raises(ValueError, match="do not fill"):
        shape_features(table.slice(1))
    with pytest.raises(ValueError, match="no column sold7"):
        shape_features(table.drop_columns(["sold7"]))


def test_daily_sales_cuts_days_in_new_york() -> None:
    def line(product: int, time: str, quantity: int) -> dict[str, object]:
        return {
            "product_id": product,
            "transaction_timestamp": datetime.datetime.fromisoformat(time),
            "quantity": quantity,
            "sales_value": 1.5 * quantity,
            "retail_disc": 0.0,
        }

    lines = [
        line(1, "2017-01-03T04:59:59", 2),  # winter: still 2 January
        line(1, "2017-01-03T05:00:00", 3),  # 3 January
        line(1, "2017-07-04T03:59:59", 4),  # summer: still 3 July
        line(1, "2017-07-04T04:00:00", 5),
        line(1, "2017-07-04T05:00:00", 0),  # no sale
        line(2, "2017-07-04T05:00:00", 9),  # keeps for weeks
        line(3, "2017-07-04T05:00:00", 9),  # no perishable
    ]
    products = [
        {"product_id": 1, "department": "MEAT", "product_category": "BEEF", "product_type": "LEAN"},
        {"product_id": 2, "department": "PRODUCE", "product_category": "APPLES", "product_type": "GALA"},
        {"product_id": 3, "department": "GROCERY", "product_category": "SOUP", "product_type": "CANNED"},
    ]
    with duckdb.connect() as database:
        database.register("transactions", pa.Table.from_pylist(lines))
        database.register("products", pa.Table.from_pylist(products))
        rows = database.execute(read_sql("daily_sales")).fetchall()
    date = datetime.date
    assert rows == [
        ("MEAT", "LEAN", date(2017, 1, 2), 2.0, 3.0, 0.0),
        ("MEAT", "LEAN", date(2017, 1, 3), 3.0, 4.5, 0.0),
        ("MEAT", "LEAN", date(2017, 7, 3), 4.0, 6.0, 0.0),
        ("MEAT", "LEAN", date(2017, 7, 4), 5.0, 7.5, 0.0),
    ]
