"""Rows in every form, out and in."""

import datetime
import decimal
import math
import time

import pytest
import slipway

pa = pytest.importorskip("pyarrow")

DAY = datetime.date(2017, 1, 1)
TABLE = {
    "id": [1, 2, 3],
    "shop": ["north", None, "Käse 🧀"],
    "units": [1.5, math.inf, None],
    "day": [DAY, DAY + datetime.timedelta(1), None],
    "at": [datetime.datetime(2017, 1, 1, 12, 30, 0, 250_000), None, datetime.datetime(1969, 12, 31)],
    "price": [decimal.Decimal("1.10"), decimal.Decimal("-2.25"), None],
    "open": [True, False, None],
}


@pytest.fixture(scope="module")
def arrow():
    return pa.table(TABLE)


@pytest.fixture
def version(arrow, unique):
    """Two versions, so that the second has two files."""
    name = unique("forms")
    slipway.append(name, arrow.slice(0, 1))
    return slipway.append(name, arrow.slice(1), message="the rest")


def test_a_ref_is_pinned_to_its_version(version):
    name = version.name
    first = slipway.dataset(f"{name}@1")
    assert [slipway.dataset(text).ref for text in (name, f"dataset:{name}", f"{name}@latest", f"slipway://dataset:{name}@2")] == [
        f"dataset:{name}@2"] * 4
    slipway.append(name, [{**{key: None for key in TABLE}, "id": 4}])
    assert (first.version, first.row_count, len(version), slipway.dataset(name).row_count) == (1, 1, 3, 4)
    assert [known.version for known in version.history()] == [3, 2, 1]
    assert version == slipway.dataset(f"{name}@2") != first


def test_forms_agree(version, arrow):
    assert version.to_arrow().to_pydict() == TABLE
    assert version.to_arrow(columns=["day", "id"]).to_pydict() == {"day": TABLE["day"], "id": TABLE["id"]}
    frame = version.to_pandas()
    assert list(frame.columns) == list(TABLE) and frame["id"].tolist() == [1, 2, 3]
    assert frame["at"][0] == TABLE["at"][0] and frame["shop"][2] == TABLE["shop"][2]
    assert [batch.num_rows for batch in version.batches(1)] == [1, 1, 1]
    assert pa.Table.from_batches(version.batches()).to_pydict() == TABLE
    assert [column.type for column in version.columns][:4] == ["BIGINT", "VARCHAR", "DOUBLE", "DATE"]
    assert [row["id"] for row in version.rows(order="id DESC")] == [3, 2, 1]
    assert list(version.rows(columns=["id"], filter="shop = 'north'")) == [{"id": 1}]


def test_duckdb_reads_the_same(version):
    duckdb = pytest.importorskip("duckdb")
    relation = version.to_duckdb()
    assert relation.aggregate("sum(id), count(shop)").fetchall() == [(6, 2)]
    with duckdb.connect() as connection:
        own = version.to_duckdb(connection)
        assert connection.sql("SELECT max(day) FROM own").fetchall() == [(DAY + datetime.timedelta(1),)]


def test_polars_reads_the_same(version):
    pytest.importorskip("polars")
    assert version.to_polars().to_dict(as_series=False) == TABLE


def test_every_form_can_be_appended(unique, tmp_path):
    pandas = pytest.importorskip("pandas")
    name, rows = unique("sent"), [{"id": 1, "day": DAY}, {"id": 2, "day": None}]
    (tmp_path / "rows.csv").write_text("id,day\n1,2017-01-01\n2,\n")
    (tmp_path / "rows.ndjson").write_text('{"id": 1, "day": "2017-01-01"}\n{"id": 2, "day": null}\n')
    forms = [
        pa.Table.from_pylist(rows), pa.RecordBatch.from_pylist(rows), pandas.DataFrame(rows, index=[7, 8]),
        pa.Table.from_pylist(rows).to_reader(), rows, tmp_path / "rows.csv", str(tmp_path / "rows.ndjson")]
    for number, form in enumerate(forms, 1):
        made = slipway.append(name, form)
        assert (made.version, made.row_count) == (number, 2 * number), form
    assert slipway.dataset(name).to_arrow().to_pylist() == rows * len(forms)
    duckdb = pytest.importorskip("duckdb")
    slipway.append(name, duckdb.sql("SELECT 3 AS id, NULL::DATE AS day"))
    assert list(slipway.dataset(name).rows(filter="id = 3")) == [{"id": 3, "day": None}]
    for wrong in (7, "rows.txt"):
        with pytest.raises(slipway.Invalid, match="expected"):
            slipway.append(name, wrong)


def test_the_same_key_appends_once(unique):
    name = unique("keyed")
    first = slipway.append(name, [{"id": 1}], key="batch-1")
    assert slipway.append(name, [{"id": 1}], key="batch-1") == first
    assert slipway.append(name, [{"id": 1}]).version == 2
    assert slipway.append(name, [{"id": 1}]).version == 3


def test_more_rows_than_a_page(unique):
    version = slipway.append(unique("pages"), pa.table({"id": range(2500)}))
    assert [row["id"] for row in version.rows()] == list(range(2500))
    assert [row["id"] for row in version.rows(limit=1001)] == list(range(1001))
    assert list(version.rows(limit=0)) == []


def test_query_and_profile(version):
    sql = "SELECT count(*) AS n, sum(id) AS s FROM t WHERE id > ?"
    assert slipway.query(sql, {"t": version.ref}, [1]) == [{"n": 2, "s": 5}]
    assert [column["name"] for column in version.profile()["columns"]] == list(TABLE)


def test_what_changed(version):
    changed = slipway.dataset(f"{version.name}@1").diff(version)
    assert (changed["rows"]["added"], changed["rows"]["removed"]) == (2, 0)


def test_slices(unique, version):
    name = unique("late")
    made = version.slice(name, where="id >= 2", description="The last rows.")
    assert (made.ref, made.info["owner"]) == (f"slice:{name}@1", "local")
    assert [row["id"] for row in slipway.slice(name).rows()] == [2, 3]
    assert slipway.slice(f"slice:{name}").to_arrow().to_pydict() == {key: value[1:] for key, value in TABLE.items()}
    assert slipway.slice(name).to_pandas(columns=["id"], filter="id = 3")["id"].tolist() == [3]
    assert version.slice(name, where="id = 1").version == 2
    assert [row["id"] for row in slipway.slice(f"{name}@1").rows()] == [2, 3]
    assert sum(batch.num_rows for batch in slipway.slice(f"{name}@1").shards(1, shuffle=False)) == 2


def test_a_split_divides_the_rows(unique):
    name = unique("split")
    version = slipway.append(name, pa.table({"id": range(1000), "who": [i // 4 for i in range(1000)]}))
    parts = slipway.create_split(name, f"dataset:{name}", {"train": 0.7, "test": 0.3}, unit=["who"], seed=3)
    assert [part.name for part in parts.values()] == [f"{name}-train", f"{name}-test"]
    train, test = (part.to_arrow() for part in parts.values())
    assert sorted(train["id"].to_pylist() + test["id"].to_pylist()) == list(range(1000)) and 600 < len(train) < 800
    assert not set(train["who"].to_pylist()) & set(test["who"].to_pylist())
    assert version.slice(unique("all"), where="true").to_pandas().shape == (1000, 2)


def test_a_filter_is_the_servers_work(version):
    assert version.to_arrow(filter="id > 1").to_pydict() == {key: value[1:] for key, value in TABLE.items()}
    assert pa.Table.from_batches(version.batches(1, columns=["id"], filter="shop = 'north'")).to_pydict() == {"id": [1]}


def test_events_become_rows_once(unique):
    name = unique("clicks")
    events = [{"id": f"e{number}", "row": {"page": "/", "at": DAY}} for number in range(12_000)]
    assert slipway.append_events(name, events) == {"accepted": 12_000, "known": 0}
    assert slipway.append_events(name, events[:10]) == {"accepted": 0, "known": 10}
    assert slipway.append_events(name, [{"page": "/a", "at": DAY}], id="page") == {"accepted": 1, "known": 0}
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            if slipway.dataset(name).row_count == 12_001:
                return
        except slipway.NotFound:  # no version yet
            pass
        time.sleep(0.05)
    raise AssertionError(f"{slipway.dataset(name).row_count} rows")
