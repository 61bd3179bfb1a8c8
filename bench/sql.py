#!/usr/bin/env python3
"""`slipway sql` beside duckdb on the same Parquet files and sqlite3 on mlflow's own schema, with the same rows.

    .slipway/venv/bin/python bench/sql.py BINARY [RUNS [POINTS-PER-METRIC]]

Each run has 10 metrics and 5 parameters. `first` makes the snapshots, `again` finds them, `after a write` follows one point
that was logged into one run. The milliseconds are those of the request or of the query, the least of five (`first`: one).
"""

import contextlib
import pathlib
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import duckdb
from measure import VENV, call, cpu_seconds, rss_mib, server

STAMP = 1_700_000_000_000
QUERIES = {
    "the ten best runs": """SELECT r.{name}, m.value FROM runs r JOIN {newest} m ON m.{run} = r.{run}
        WHERE m.key = 'm1' ORDER BY m.value LIMIT 10""",
    "mean of a metric by parameter": """SELECT p.value, avg(m.value) FROM params p JOIN {newest} m ON m.{run} = p.{run}
        WHERE p.key = 'p0' AND m.key = 'm1' GROUP BY 1 ORDER BY 1""",
    "all points, by metric": "SELECT key, count(*), avg(value), max(value) FROM {history} GROUP BY 1 ORDER BY 1",
    "the curve of one run": "SELECT step, value FROM {history} WHERE {run} = '{one}' AND key = 'm1' ORDER BY step",
}
OURS = {"name": "run_name", "run": "run_id", "newest": "metrics", "history": "metric_history"}
THEIRS = {"name": "name", "run": "run_uuid", "newest": "latest_metrics", "history": "metrics"}


def rows(runs, points):
    """(id, params, points by metric) of each run."""
    numbers = random.Random(7)
    for _ in range(runs):
        yield (uuid.UUID(int=numbers.getrandbits(128)).hex, {f"p{i}": f"v{numbers.randrange(10)}" for i in range(5)},
               {f"m{i}": [numbers.random() for _ in range(points)] for i in range(10)})


def fill_ours(target, data):
    experiment = call(f"{target.url}/api/2.0/mlflow/experiments/create", {"name": "bench"})["experiment_id"]
    for start in range(0, len(data), 100):
        some = data[start:start + 100]
        call(f"{target.url}/api/v1/import/runs", {
            "runs": [{"id": id, "experiment": experiment, "name": f"run-{start + i}", "user": "u", "status": "FINISHED",
                      "started": STAMP + start + i, "ended": STAMP + start + i + 1, "params": params}
                     for i, (id, params, _) in enumerate(some)],
            "points": [{"run": id, "key": key, "points": [[step, STAMP + step, value] for step, value in enumerate(values)]}
                       for id, _, metrics in some for key, values in metrics.items()]})
    return call(f"{target.url}/api/2.0/mlflow/runs/create", {"experiment_id": experiment})["run"]["info"]["run_id"]


def fill_theirs(path, data):
    subprocess.run([VENV / "mlflow", "db", "upgrade", f"sqlite:///{path}"], check=True, capture_output=True)
    database = sqlite3.connect(path)
    database.execute("INSERT INTO experiments (experiment_id, name, lifecycle_stage) VALUES (1, 'bench', 'active')")
    database.executemany(
        "INSERT INTO runs (run_uuid, name, status, start_time, lifecycle_stage, experiment_id) VALUES (?, ?, 'FINISHED', ?, 'active', 1)",
        ((id, f"run-{i}", STAMP + i) for i, (id, _, _) in enumerate(data)))
    database.executemany("INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?)",
                         ((key, value, id) for id, params, _ in data for key, value in params.items()))
    for table, only_last in (("metrics", False), ("latest_metrics", True)):
        database.executemany(
            f"INSERT INTO {table} (key, value, timestamp, step, is_nan, run_uuid) VALUES (?, ?, ?, ?, 0, ?)",
            ((key, value, STAMP + step, step, id) for id, _, metrics in data for key, values in metrics.items()
             for step, value in enumerate(values) if not only_last or step == len(values) - 1))
    database.commit()
    return database


def least(work, repeat=5):
    times = []
    for _ in range(repeat):
        begin = time.perf_counter()
        answer = work()
        times.append(1000 * (time.perf_counter() - begin))
    return min(times), answer


def main(binary, runs=10_000, points=10):
    data = list(rows(int(runs), int(points)))
    one = data[0][0]
    command = [binary, "serve", "--host", "127.0.0.1", "--port", "{port}", "--data", "{folder}/data"]
    with contextlib.ExitStack() as stack:
        ours = stack.enter_context(server("slipway", command, "/health", timeout=60))
        live = fill_ours(ours, data)
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="slipway-bench-")))
        theirs = fill_theirs(folder / "mlflow.db", data)
        print(f"{len(data):,} runs, {10 * len(data) * int(points):,} points")
        print(f"{'':32} {'first':>8} {'again':>8} {'after a write':>14} {'duckdb':>8} {'sqlite3':>8}   ms")

        def write(step):
            call(f"{ours.url}/api/2.0/mlflow/runs/log-metric",
                 {"run_id": live, "key": "live", "value": 1, "timestamp": STAMP, "step": step})

        for index, (name, text) in enumerate(QUERIES.items()):
            def ask():
                return call(f"{ours.url}/api/v1/sql", {"sql": text.format(**OURS, one=one)})["rows"]

            first, expected = least(ask, 1)
            again, _ = least(ask)
            after = []
            for repeat in range(5):
                write(10 * index + repeat)
                after.append(least(ask, 1)[0])
            call(f"{ours.url}/api/v1/sql", {"sql": "SELECT count(*) FROM runs, params, metrics, metric_history WHERE false"})
            with duckdb.connect() as engine:
                engine.execute("SET threads = 2")
                for table in ("runs", "params", "metrics", "metric_history"):
                    files = sorted(ours.folder.glob(f"data/tmp/sql/{table}-*.parquet"))
                    engine.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet({[str(file) for file in files]})")
                duck, _ = least(lambda: engine.execute(text.format(**OURS, one=one)).fetchall())
            lite, found = least(lambda: theirs.execute(text.format(**THEIRS, one=one)).fetchall(), 3)
            live_rows = 1 if "by metric" in name else 0  # the metric of the writes
            assert len(expected) in (len(found), len(found) + live_rows), name
            print(f"{name:32} {first:8.0f} {again:8.0f} {min(after):14.0f} {duck:8.0f} {lite:8.0f}")
        size = sum(file.stat().st_size for file in ours.folder.glob("data/tmp/sql/*.parquet"))
        print(f"snapshots {size / 1e6:.1f} MB; server {rss_mib(ours.pid):.0f} MiB, {cpu_seconds(ours.pid):.0f} s of CPU")


main(*sys.argv[1:])
