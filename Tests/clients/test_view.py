"""Tables as other programs read them: Arrow's IPC streams by pyarrow, pandas and duckdb, pages, CSV and Parquet."""

import datetime
import decimal
import io
import threading
import time
import uuid

import duckdb
import pandas
import pyarrow as pa
import pyarrow.csv
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
import requests

# Every type that the engine has and Arrow too: SQL, the type expected, the value expected.
UTC = datetime.timezone.utc
TYPES = [
    ("true", pa.bool_(), True),
    ("(-5)::TINYINT", pa.int8(), -5),
    ("(-300)::SMALLINT", pa.int16(), -300),
    ("7::INTEGER", pa.int32(), 7),
    ("9007199254740993::BIGINT", pa.int64(), 9007199254740993),
    ("200::UTINYINT", pa.uint8(), 200),
    ("60000::USMALLINT", pa.uint16(), 60000),
    ("4000000000::UINTEGER", pa.uint32(), 4000000000),
    ("18446744073709551615::UBIGINT", pa.uint64(), 18446744073709551615),
    ("12345678901234567890123::HUGEINT", pa.decimal128(38, 0), decimal.Decimal("12345678901234567890123")),
    ("12::UHUGEINT", pa.decimal128(38, 0), decimal.Decimal(12)),
    ("1.5::FLOAT", pa.float32(), 1.5),
    ("0.1::DOUBLE", pa.float64(), 0.1),
    ("'-inf'::DOUBLE", pa.float64(), float("-inf")),
    ("(-0.05)::DECIMAL(4,2)", pa.decimal128(4, 2), decimal.Decimal("-0.05")),
    ("123456.789::DECIMAL(9,3)", pa.decimal128(9, 3), decimal.Decimal("123456.789")),
    ("12345678.901::DECIMAL(18,3)", pa.decimal128(18, 3), decimal.Decimal("12345678.901")),
    ("(-12345678901234567890123456789.123456789)::DECIMAL(38,9)", pa.decimal128(38, 9),
     decimal.Decimal("-12345678901234567890123456789.123456789")),
    ("'short'", pa.string(), "short"),
    ("'long enough to live elsewhere é'", pa.string(), "long enough to live elsewhere é"),
    ("''", pa.string(), ""),
    ("'ab'::BLOB", pa.binary(), b"ab"),
    ("DATE '1969-12-31'", pa.date32(), datetime.date(1969, 12, 31)),
    ("TIME '04:05:06.25'", pa.time64("us"), datetime.time(4, 5, 6, 250000)),
    ("TIMESTAMP '2017-06-01 04:05:06.5'", pa.timestamp("us"), datetime.datetime(2017, 6, 1, 4, 5, 6, 500000)),
    ("TIMESTAMP_S '2017-06-01 04:05:06'", pa.timestamp("s"), datetime.datetime(2017, 6, 1, 4, 5, 6)),
    ("TIMESTAMP_MS '2017-06-01 04:05:06.123'", pa.timestamp("ms"), datetime.datetime(2017, 6, 1, 4, 5, 6, 123000)),
    ("TIMESTAMP_NS '2017-06-01 04:05:06.123456789'", pa.timestamp("ns"),
     pandas.Timestamp("2017-06-01 04:05:06.123456789")),
    ("TIMESTAMPTZ '2017-06-01 04:05:06+02'", pa.timestamp("us", "UTC"),
     datetime.datetime(2017, 6, 1, 2, 5, 6, tzinfo=UTC)),
    ("INTERVAL '14 months 3 days 1.5 seconds'", pa.string(), "P14M3DT1.5S"),
    ("'f81d4fae-7dec-11d0-a765-00a0c91e6bf6'::UUID", pa.string(), "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
    ("'low'::ENUM('low','high')", pa.string(), "low"),
    ("'{\"a\": [1, null]}'::JSON", pa.string(), '{"a": [1, null]}'),
    ("[1, NULL, 3]", pa.string(), "[1,null,3]"),
    ("{'a': 1, 'b': ['x']}", pa.string(), '{"a":1,"b":["x"]}'),
    ("MAP {'k': 1.5::DOUBLE}", pa.string(), '{"k":1.5}'),
]


def query(url, sql, inputs=None, **options):
    answer = requests.post(
        f"{url}/api/v1/query?format=arrow", json={"sql": sql, "inputs": inputs or {}, **options}, stream=True, timeout=60)
    if answer.status_code != 200:
        raise AssertionError(answer.text)
    assert answer.headers["content-type"] == "application/vnd.apache.arrow.stream"
    return pa.ipc.open_stream(io.BytesIO(answer.content)).read_all()


def dataset(url, table, **query):
    """A new dataset with the rows of a table; its name."""
    name = f"view-{uuid.uuid4().hex[:8]}"
    body = io.BytesIO()
    pq.write_table(table, body)
    answer = requests.post(
        f"{url}/api/v1/datasets/{name}/append", params={"project": "default", **query}, data=body.getvalue(),
        headers={"Content-Type": "application/vnd.apache.parquet"}, timeout=120)
    assert answer.status_code == 201, answer.text
    return name


@pytest.fixture(scope="module")
def big(url):
    """2.1 million rows, with NULLs."""
    count = 2_100_000
    sql = f"""SELECT i AS id, CASE WHEN i % 10 = 0 THEN NULL ELSE i % 1000 END AS k, i / 8 AS x,
        CASE WHEN i % 7 = 0 THEN NULL ELSE 'text ' || i % 5000 END AS t, i % 3 = 0 AS b FROM range({count}) r(i)"""
    table = duckdb.sql(sql).to_arrow_table()
    return dataset(url, table), table


def test_every_type_and_its_nulls(url):
    columns = ", ".join(f"{sql} AS c{i}" for i, (sql, _, _) in enumerate(TYPES))
    # A row with values, one of NULLs, and enough of both to fill more than one byte of the bitmaps.
    table = query(url, f"""WITH v AS (SELECT {columns}), n AS (SELECT {', '.join(f"NULL AS c{i}" for i in range(len(TYPES)))})
        SELECT v.* FROM v UNION ALL SELECT * FROM n UNION ALL SELECT v.* FROM v, range(8) UNION ALL SELECT n.* FROM n, range(3)""")
    table.validate(full=True)
    assert [field.type for field in table.schema] == [kind for _, kind, _ in TYPES]
    for index, (sql, _, value) in enumerate(TYPES):
        seen = table.column(index).to_pylist()
        assert seen == [value, None] + 8 * [value] + 3 * [None], sql
    assert table.schema.field(34).metadata == {b"slipway:type": b"STRUCT(a INTEGER, b VARCHAR[])"}


def test_shapes(url):
    empty = query(url, "SELECT 1 AS a, 'x' AS t, NULL AS n WHERE false")
    assert empty.num_rows == 0 and empty.schema.names == ["a", "t", "n"]
    nothing = query(url, "SELECT NULL AS n FROM range(5000)")
    assert nothing.schema.field("n").type in (pa.null(), pa.int32()) and nothing.column("n").null_count == 5000
    # Columns of one name, names that need quotes, one column, many columns.
    odd = query(url, 'SELECT 1 AS "a b", 2 AS "a b", 3 AS "é\"\"x"')
    assert odd.num_columns == 3 and odd.column(2).to_pylist() == [3]
    wide = query(url, "SELECT " + ", ".join(f"{i} AS c{i}" for i in range(1500)))
    assert [wide.column(i)[0].as_py() for i in (0, 749, 1499)] == [0, 749, 1499]
    # Values longer than a piece, among short ones.
    long = query(url, "SELECT CASE WHEN i % 50 = 0 THEN repeat('x', 3000000) ELSE i::VARCHAR END AS t FROM range(100) r(i)")
    assert [len(t) for t in long.column("t").to_pylist()] == [
        3_000_000 if i % 50 == 0 else len(str(i)) for i in range(100)]


def test_what_has_no_form_is_refused_before_the_first_byte(url):
    for sql, status, text in [
        ("SELECT nope", 400, "nope"), ("SELECT '101'::BIT AS b", 501, "'b' is of the type BIT"),
        ("SELECT * FROM range(3); SELECT 1", 400, "2 statements"), ("COPY x TO 'y'", 403, "Only one SELECT"),
    ]:
        answer = requests.post(f"{url}/api/v1/query?format=arrow", json={"sql": sql, "inputs": {}}, timeout=30)
        assert (answer.status_code, text in answer.json()["error"]["message"]) == (status, True), answer.text


def test_a_failure_under_way_cuts_the_stream(url):
    answer = requests.post(
        f"{url}/api/v1/query?format=arrow", stream=True, timeout=60,
        json={"sql": "SELECT CASE WHEN i = 900000 THEN error('x') ELSE i END AS i FROM range(1000000) r(i)", "inputs": {}})
    assert answer.status_code == 200
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        answer.content


def test_a_whole_table_of_millions_of_rows(url, big):
    name, table = big
    place = f"{url}/api/v1/datasets/{name}/versions/1/data"
    with requests.get(place, stream=True, timeout=120) as answer:
        assert answer.headers["x-slipway-version"] == f"dataset:{name}@1"
        reader = pa.ipc.open_stream(answer.raw)
        batches = list(reader)
    assert len(batches) > 20 and max(b.nbytes for b in batches) < 8 << 20
    seen = pa.Table.from_batches(batches)
    seen.validate(full=True)
    assert seen.cast(table.schema).equals(table)
    # The same endpoint by others: pandas, and duckdb over the stream as it comes.
    frame = pa.ipc.open_stream(requests.get(place, params={"columns": "id,k"}, timeout=120).content).read_pandas()
    assert frame["id"].sum() == 2_100_000 * 2_099_999 // 2 and frame["k"].isna().sum() == 210_000
    with requests.get(place, params={"filter": "b = true", "columns": "t,b"}, stream=True, timeout=120) as answer:
        rows = pa.ipc.open_stream(answer.raw)
        assert duckdb.sql("SELECT count(*), count(t), bool_and(b) FROM rows").fetchone() == (700_000, 600_000, True)


def test_other_forms(url, big):
    name, table = big
    place = f"{url}/api/v1/datasets/{name}/versions/1/data"
    view = {"filter": "id < 5000 AND k IS NOT NULL", "order": "t DESC, k", "limit": "1000"}
    expected = duckdb.sql("""SELECT * FROM "table" WHERE id < 5000 AND k IS NOT NULL
        ORDER BY t DESC NULLS LAST, k NULLS LAST, id LIMIT 1000""").to_arrow_table()
    arrow = pa.ipc.open_stream(requests.get(place, params=view, timeout=60).content).read_all()
    assert arrow.equals(expected)
    parquet = pq.read_table(io.BytesIO(requests.get(place, params={**view, "format": "parquet"}, timeout=60).content))
    assert parquet.equals(expected)
    answer = requests.get(place, params=view, headers={"Accept": "text/csv"}, timeout=60)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    text = pa.csv.read_csv(
        io.BytesIO(answer.content), convert_options=pa.csv.ConvertOptions(
            column_types=expected.schema, strings_can_be_null=True, quoted_strings_can_be_null=False))
    assert text.equals(expected)
    whole = requests.get(place, params={"format": "parquet"}, timeout=60).content
    assert pq.read_table(io.BytesIO(whole)).num_rows == 2_100_000
    for query, message in [({"format": "xml"}, "format"), ({"columns": "nope"}, "nope"), ({"limit": "-1"}, "limit")]:
        answer = requests.get(place, params=query, timeout=30)
        assert (answer.status_code, message in answer.text) == (400, True), answer.text


def test_pages_by_cursor_in_both_forms(url, big):
    name, table = big
    place = f"{url}/api/v1/datasets/{name}/versions/1/rows"
    view = {"order": "k DESC", "search": "TEXT 49", "filter": "b = false", "columns": "id,t", "limit": "900"}
    expected = [row[0] for row in duckdb.sql("""SELECT id FROM "table" WHERE t ILIKE '%text 49%' AND NOT b
        ORDER BY k DESC NULLS LAST, id""").fetchall()]
    seen, after, total = [], {}, None
    while after is not None and len(seen) < 5000:
        answer = requests.get(place, params={**view, **after, "format": "arrow"}, timeout=60)
        seen += pa.ipc.open_stream(answer.content).read_all().column("id").to_pylist()
        after = {"after": answer.headers["x-slipway-next"]} if "x-slipway-next" in answer.headers else None
    assert seen == expected[:len(seen)] and len(seen) >= 5000
    # From any row, then back.
    page = requests.get(place, params={**view, "at": "20000"}, timeout=60).json()
    assert [row[0] for row in page["rows"]] == expected[20000:20900]
    assert (page["position"], page["total"], page["rowNumbers"]) == (20000, len(expected), expected[20000:20900])
    before = requests.get(place, params={**view, "before": page["previous"]}, timeout=60).json()
    assert [row[0] for row in before["rows"]] == expected[19100:20000]
    plain = requests.get(place, params={"at": "2099990"}, timeout=60).json()
    assert [row[0] for row in plain["rows"]] == list(range(2_099_990, 2_100_000)) and "next" not in plain
    for query, message in [
        ({"after": "00"}, "after"), ({"at": "x"}, "at"), ({"at": "1", "after": page["next"]}, "one of them"),
        ({"limit": "5000"}, "limit"),
    ]:
        answer = requests.get(place, params=query, timeout=30)
        assert (answer.status_code, message in answer.text) == (400, True), answer.text


def test_a_reader_that_stops_frees_the_worker(url, big):
    """More readers than there are workers stop early, one after the other; queries go on all the same."""
    name, _ = big
    for _ in range(5):
        with requests.get(f"{url}/api/v1/datasets/{name}/versions/1/data", stream=True, timeout=60) as answer:
            reader = pa.ipc.open_stream(answer.raw)
            reader.read_next_batch()
    start = time.monotonic()
    assert query(url, "SELECT 42 AS x").column("x").to_pylist() == [42]
    assert time.monotonic() - start < 10


def test_long_queries_leave_room_for_pages(url, big):
    """Someone's heavy SELECTs, many at once: pages are answered meanwhile, and what is too many is refused."""
    name, _ = big
    heavy = "SELECT count(*) FROM range(200000) a(i), range(200000) b(j) WHERE i * j % 7 = 3"
    answers = []

    def ask():
        answers.append(requests.post(
            f"{url}/api/v1/query", json={"sql": heavy, "inputs": {}, "timeoutSeconds": 4}, timeout=90))

    threads = [threading.Thread(target=ask) for _ in range(24)]
    for thread in threads:
        thread.start()
    slowest = 0
    while any(thread.is_alive() for thread in threads):
        start = time.monotonic()
        page = requests.get(f"{url}/api/v1/datasets/{name}/versions/1/rows", params={"limit": 5}, timeout=30)
        assert page.status_code == 200, page.text
        slowest = max(slowest, time.monotonic() - start)
        time.sleep(0.1)
    assert slowest < 3, f"a page waited for {slowest} s"
    codes = sorted(answer.status_code for answer in answers)
    # One runs, sixteen wait until their time is over, seven are told at once that these are too many.
    assert codes.count(429) == 7 and codes.count(504) == 17, codes
    assert "wait already" in next(a.text for a in answers if a.status_code == 429)
