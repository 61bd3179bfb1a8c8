"""Looking at ten million rows, comparing and merging versions, and rows that arrive as events; anchors by duckdb."""

import pathlib
import random
import statistics
import subprocess
import tempfile
import time
import urllib.parse

from measure import VENV, call, cpu_seconds
from tables import source

PAGE_ROWS = 100
MARK = "bench-mark"


class DuckDB:
    """One duckdb command line that is asked query after query, so that no answer holds the process's start."""

    def __init__(self):
        self.process = subprocess.Popen(
            [VENV / "duckdb", "-csv"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1)
        self.ask("SELECT 1")

    def ask(self, sql):
        """(seconds, lines of the answer, the heading left out)."""
        begin = time.perf_counter()
        self.process.stdin.write(f"{sql};\n.print {MARK}\n")
        self.process.stdin.flush()
        lines = []
        while (text := self.process.stdout.readline().rstrip("\r\n")) != MARK:
            if not text and self.process.poll() is not None:
                raise RuntimeError(f"duckdb ended at {sql[:200]}: {lines[-5:]}")
            lines.append(text)
        seconds = time.perf_counter() - begin
        if any("Error" in text for text in lines):
            raise RuntimeError(f"duckdb refused {sql[:300]}: {lines[:5]}")
        return seconds, lines[1:]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(20)


def shares(seconds):
    """(p50, p99) in milliseconds."""
    ordered = sorted(seconds)
    return 1000 * statistics.median(ordered), 1000 * ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]


def import_source(target, table):
    api = f"{target.url}/api/v1"
    call(f"{api}/sources", {"name": table, "kind": "file", "location": str(source(table))})
    call(f"{api}/sources/{table}/import", {"dataset": table})


# --- pages ----------------------------------------------------------------------------------------------------------------

VIEWS = [  # what is shown, the query of our API, the query's rest in SQL
    ("as it lies", {}, ""),
    ("filter", {"filter": "week > 20"}, "WHERE week > 20"),
    ("sort", {"order": "product_id"}, "ORDER BY product_id"),
]


def measure_pages(target, options):
    """{(view, row): {"ours": (p50, p99), "first": seconds of a view's first page, "theirs": (p50, p99)}} in milliseconds."""
    found = {}
    path = "/api/v1/datasets/promotions/versions/1/rows"
    rows = [row for row in (0, 1_000_000, 10_000_000) if row < options.page_rows]
    if target:
        import_source(target, "promotions")
        for view, query, _ in VIEWS:
            for row in rows:
                spent = []
                for number in range(options.pages + 1):
                    # Neighbouring pages, so that the same answer is not asked for again.
                    at = {**query, "limit": PAGE_ROWS, "at": row + number * PAGE_ROWS}
                    begin = time.perf_counter()
                    answer = call(f"{target.url}{path}?{urllib.parse.urlencode(at)}")
                    spent.append(time.perf_counter() - begin)
                    if len(answer["rows"]) != PAGE_ROWS:
                        raise RuntimeError(f"{view} at {row}: {len(answer['rows'])} rows")
                found[view, row] = {"ours": shares(spent[1:]), "first": 1000 * spent[0]}
    with DuckDB() as duckdb:
        table = f"'{source('promotions')}'"
        for view, _, sql in VIEWS:
            for row in rows:
                spent = [duckdb.ask(f"SELECT * FROM {table} {sql} LIMIT {PAGE_ROWS} OFFSET {row + number * PAGE_ROWS}")[0]
                         for number in range(max(3, options.pages // 20))]
                found.setdefault((view, row), {})["theirs"] = shares(spent)
    return found


# --- diff and merge -------------------------------------------------------------------------------------------------------

# Transactions have no key of their own: a line number makes one. Changes are chosen by it, so both sides make the same.
BASE = "SELECT row_number() OVER () AS line, * FROM t"
OURS = ("SELECT * REPLACE (CASE WHEN {both} THEN quantity + 1 ELSE quantity END AS quantity, "
        "CASE WHEN line % 97 = 5 THEN retail_disc + 1 ELSE retail_disc END AS retail_disc) FROM t WHERE line % 1000 <> 1")
THEIRS = ("SELECT * REPLACE (CASE WHEN {both} THEN quantity + 2 ELSE quantity END AS quantity, "
          "CASE WHEN line % 89 = 7 AND line % 1000 <> 1 THEN coupon_disc + 1 ELSE coupon_disc END AS coupon_disc) FROM t")
COLUMNS = ["household_id", "store_id", "basket_id", "product_id", "quantity", "sales_value", "retail_disc", "coupon_disc",
           "coupon_match_disc", "week", "transaction_timestamp"]
DIFF = """SELECT count(*) FILTER (b.line IS NULL), count(*) FILTER (a.line IS NULL),
    count(*) FILTER (a.line IS NOT NULL AND b.line IS NOT NULL AND ({changed}))
    FROM '{a}' a FULL JOIN '{b}' b ON a.line = b.line"""


def changed_by_both(conflicts, rows=1_469_307):
    """A condition on the line that holds for exactly so many, none of which our side deletes."""
    step = rows // conflicts // 10 * 10
    return f"(line % {step} = 0 AND line <= {step * conflicts})"


def measure_versions(target, options):
    """Seconds and counts of a diff and of a merge of two versions that come from the same one."""
    found, both = {}, changed_by_both(options.conflicts)
    ours, theirs = OURS.format(both=both), THEIRS.format(both=both)
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as folder, DuckDB() as duckdb:
        place = pathlib.Path(folder)
        for name, sql, of in (("base", BASE, source("transactions")), ("ours", ours, place / "base.parquet"),
                              ("theirs", theirs, place / "base.parquet")):
            duckdb.ask(f"CREATE OR REPLACE TEMP VIEW t AS FROM '{of}'")
            duckdb.ask(f"COPY ({sql}) TO '{place}/{name}.parquet' (FORMAT parquet, COMPRESSION zstd)")
        changed = " OR ".join(f"a.{name} IS DISTINCT FROM b.{name}" for name in COLUMNS)
        spent, lines = min(duckdb.ask(DIFF.format(a=place / "base.parquet", b=place / "ours.parquet", changed=changed))
                           for _ in range(options.rounds))
        found["duckdb diff"], expected = spent, [int(text) for text in lines[0].split(",")]
        merged = ", ".join(f"CASE WHEN o.{n} IS DISTINCT FROM b.{n} THEN o.{n} ELSE t.{n} END AS {n}" for n in COLUMNS)
        conflict = " OR ".join(f"(o.{n} IS DISTINCT FROM b.{n} AND t.{n} IS DISTINCT FROM b.{n} AND o.{n} IS DISTINCT FROM t.{n})"
                               for n in COLUMNS)
        # Of what both sides keep; a line that one deletes is gone, as in our merge.
        joined = (f"'{place}/base.parquet' b JOIN '{place}/ours.parquet' o ON b.line = o.line "
                  f"JOIN '{place}/theirs.parquet' t ON b.line = t.line")
        begin = time.perf_counter()
        _, lines = duckdb.ask(f"SELECT count(*) FROM {joined} WHERE {conflict}")
        duckdb.ask(f"COPY (SELECT b.line, {merged} FROM {joined}) TO '{place}/merged.parquet' (FORMAT parquet, COMPRESSION zstd)")
        found["duckdb merge"], conflicts = time.perf_counter() - begin, int(lines[0])
    found["conflicts"] = conflicts
    if target is None:
        return found
    api = f"{target.url}/api/v1"
    import_source(target, "transactions")
    make = lambda sql, of, **more: call(f"{api}/datasets/lines/derive", {"sql": sql, "inputs": {"t": of}, **more})
    make(BASE, "dataset:transactions@1")
    call(f"{api}/datasets/lines", {"key": ["line"]}, method="PATCH")
    call(f"{api}/datasets/lines/branches/side", {"from": "1"}, method="PUT")
    make(ours, "dataset:lines@1")
    make(theirs, "dataset:lines@1", branch="side")
    spent = []
    for a, b in ((1, 2), (2, 1)):  # there and back, so that neither finds the other's work done
        begin = time.perf_counter()
        answer = call(f"{api}/datasets/lines/diff?from={a}&to={b}&key=line&statistics=false")
        spent.append(time.perf_counter() - begin)
        counts = [answer["rows"][name] for name in ("removed", "added", "changed")]
        if counts != (expected if a == 1 else [expected[1], expected[0], expected[2]]):
            raise RuntimeError(f"the diff of {a} and {b} counts {counts}, duckdb {expected}")
    found["diff"] = min(spent)
    begin = time.perf_counter()
    merge = call(f"{api}/datasets/lines/merge", {"from": "side", "into": "main", "message": "bench"})
    found["merge"] = time.perf_counter() - begin
    if (merge["state"], merge["counts"]["conflicts"]) != ("conflicts", conflicts):
        raise RuntimeError(f"the merge is {merge['state']} with {merge['counts']}, duckdb found {conflicts} conflicts")
    begin = time.perf_counter()
    call(f"{api}/merges/{merge['id']}/conflicts?limit=100")
    found["first conflicts"] = time.perf_counter() - begin
    begin = time.perf_counter()
    merge = call(f"{api}/datasets/lines/merge", {"from": "side", "into": "main", "rule": "theirs", "message": "bench"})
    found["merge by rule"] = time.perf_counter() - begin
    if merge["state"] != "merged":
        raise RuntimeError(f"the merge by rule is {merge['state']}")
    return found


# --- events ---------------------------------------------------------------------------------------------------------------

BATCH = 100


def measure_events(target, options):
    """`events_per_second` for `event_seconds`, in batches of 100 at an even pace, with a version a second."""
    api = f"{target.url}/api/v1"
    total, pause = options.events_per_second * options.event_seconds, BATCH / options.events_per_second
    spent, late, noise = [], 0.0, random.Random(7)
    cpu, begin = cpu_seconds(target.pid), time.perf_counter()
    for number in range(total // BATCH):
        due = begin + number * pause
        if (wait := due - time.perf_counter()) > 0:
            time.sleep(wait)
        late = max(late, time.perf_counter() - due)
        events = [{"id": f"e{number * BATCH + i}", "row": {"shop": noise.randrange(50), "units": noise.random()}} for i in range(BATCH)]
        sent = time.perf_counter()
        call(f"{api}/datasets/clicks/events", {"events": events})
        spent.append(time.perf_counter() - sent)
    wall, deadline = time.perf_counter() - begin, time.perf_counter() + 30
    while True:
        answer = call(f"{api}/query", {"sql": "SELECT count(*) FROM c", "inputs": {"c": "dataset:clicks"}})
        if answer["rows"] == [[total]]:
            break
        if time.perf_counter() > deadline:
            raise RuntimeError(f"{total} events were acknowledged, {answer['rows']} are in the newest version")
        time.sleep(0.05)
    visible = time.perf_counter() - begin - wall
    newest = call(f"{api}/datasets/clicks/versions/latest")
    p50, p99 = shares(spent)
    return {"per_second": total / wall, "p50": p50, "p99": p99, "late": 1000 * late, "visible": visible,
            "versions": newest["version"], "files": newest["files"], "cpu": cpu_seconds(target.pid) - cpu, "events": total}
