"""Searching runs, reading histories, logging from many runs at once: Slipway beside `mlflow server` with one worker, on
SQLite or on PostgreSQL. Slipway is filled by its own API, but for the largest sizes; mlflow's database is filled by SQL,
since its API would take most of an hour."""

import contextlib
import json
import os
import pathlib
import random
import selectors
import sqlite3
import statistics
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request
import uuid

import bulk
import closed_loop
from measure import VENV, call, cpu_seconds, server, wrk_script
from report import heading, line, say

PARTS = ("search", "history", "write", "many", "wide", "cold")
METRICS, PARAMS = 10, 5
STAMP = 1_700_000_000_000


def add_arguments(parser):
    parser.add_argument("--runs-part", choices=PARTS, action="append", help="runs: only this; may be given more than once")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite",
                        help="runs: postgresql needs scripts/services run bench/run …")
    parser.add_argument("--runs-large", type=int, default=300_000, help="runs: runs of the large experiment (300000)")
    parser.add_argument("--points", type=int, default=10_000_000, help="runs: points of the long history (10000000)")
    parser.add_argument("--stored-points", type=int, default=100_000_000, help="runs: points in the database at a cold start (100000000)")
    parser.add_argument("--minutes", type=float, default=0.5, help="runs: how long 500 runs log at once (0.5)")
    parser.add_argument("--pace", type=float, default=1, help="runs: seconds between two batches of each of them (1); 0 for no pause")


@contextlib.contextmanager
def fresh_postgres():
    """The URL of a new database, dropped in the end."""
    base = os.environ.get("SLIPWAY_TEST_POSTGRES")
    if not base:
        raise RuntimeError("--database postgresql needs a server: scripts/services run bench/run …")
    name = f"bench_{uuid.uuid4().hex}"
    psql = lambda text: subprocess.run(["psql", base, "-qc", text], check=True, capture_output=True)
    psql(f"CREATE DATABASE {name}")
    try:
        yield base.rsplit("/", 1)[0] + "/" + name
    finally:
        psql(f"DROP DATABASE {name} WITH (FORCE)")


@contextlib.contextmanager
def place(options):
    """Where Slipway keeps its data: (folder, URL of the database or None)."""
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="slipway-bench-")))
        yield folder, stack.enter_context(fresh_postgres()) if options.database == "postgresql" else None


def slipway(options, folder, url):
    command = [options.binary, "serve", "--host", "127.0.0.1", "--port", "{port}", "--data", "{folder}/data"]
    return server("slipway", command + (["--database", url] if url else []), "/health", folder=folder, timeout=60)


@contextlib.contextmanager
def ours(options):
    """Slipway's server; `.bulk` opens its database."""
    with place(options) as (folder, url), slipway(options, folder, url) as target:
        target.bulk = lambda: bulk.Bulk(folder, url)
        yield target


@contextlib.contextmanager
def theirs(options):
    """mlflow's server; `.connect` opens its database."""
    with contextlib.ExitStack() as stack:
        if options.database == "postgresql":
            url = stack.enter_context(fresh_postgres())
            store = url.replace("postgresql://", "postgresql+psycopg2://")
        else:
            url, store = None, "sqlite:///{folder}/mlflow.db"
        target = stack.enter_context(server(
            "mlflow server", [VENV / "mlflow", "server", "--workers", "1", "--host", "127.0.0.1", "--port", "{port}",
                              "--backend-store-uri", store, "--artifacts-destination", "{folder}/artifacts"], "/health",
            {"MLFLOW_SQLALCHEMYSTORE_POOL_SIZE": "32"}.items()))

        def connect():
            if url is None:
                return sqlite3.connect(target.folder / "mlflow.db", timeout=60)
            import psycopg2
            return psycopg2.connect(url)

        target.connect = connect
        yield target


def api(target):
    return f"{target.url}/api/2.0/mlflow"


def rows_of(count, seed):
    """What the runs of an experiment have: [(metrics, params)]."""
    numbers = random.Random(seed)
    return [({f"m{i}": round(numbers.random(), 6) for i in range(METRICS)},
             {f"p{i}": f"v{numbers.randrange(10)}" for i in range(PARAMS)}) for _ in range(count)]


def send(url, bodies, clients=16):
    """Posts each body once over so many connections; returns (seconds, the answers)."""
    answers, waiting = [], iter(bodies)

    parts = urllib.parse.urlsplit(url)
    loop = selectors.DefaultSelector()
    opened = [closed_loop.Client((parts.hostname, parts.port), None) for _ in range(clients)]
    begin = time.perf_counter()
    busy = 0
    for client in opened:
        client.request = lambda: closed_loop.post(url, {}, next(waiting))
        try:
            client.begin()
        except StopIteration:
            continue
        loop.register(client.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, client)
        busy += 1
    while busy:
        for key, events in loop.select():
            client = key.data
            if events & selectors.EVENT_WRITE and client.out and client.write():
                continue
            loop.modify(client.socket, selectors.EVENT_READ, client)
            if not events & selectors.EVENT_READ:
                continue
            status = client.read()
            if status is None:
                continue
            if status != 200:
                raise RuntimeError(f"{url}: {client.buffer[:500]!r}")
            answers.append(client.buffer)
            try:
                client.begin()
                loop.modify(client.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, client)
            except StopIteration:
                loop.unregister(client.socket)
                busy -= 1
    for client in opened:
        client.socket.close()
    return time.perf_counter() - begin, answers


def fill_ours(target, name, rows):
    experiment = call(f"{api(target)}/experiments/create", {"name": name})["experiment_id"]
    _, answers = send(f"{api(target)}/runs/create", (json.dumps(
        {"experiment_id": experiment, "start_time": STAMP + i, "run_name": f"run-{i}"}).encode() for i in range(len(rows))))
    made = [json.loads(answer[answer.index(b"\r\n\r\n") + 4:])["run"]["info"] for answer in answers]
    ids = [info["run_id"] for info in sorted(made, key=lambda info: info["start_time"])]
    send(f"{api(target)}/runs/log-batch", (json.dumps({
        "run_id": run, "metrics": [{"key": k, "value": v, "timestamp": STAMP, "step": 0} for k, v in metrics.items()],
        "params": [{"key": k, "value": v} for k, v in params.items()]}).encode()
        for run, (metrics, params) in zip(ids, rows)))
    return experiment


def fill_large(target, count):
    """The same shape by SQL; another experiment must have logged the metrics before."""
    experiment = call(f"{api(target)}/experiments/create", {"name": f"bench-{count}"})["experiment_id"]
    with contextlib.closing(target.bulk()) as database:
        database.runs(experiment, count, METRICS, PARAMS, STAMP)
        database.settle()
    return experiment


def fill_theirs(target, name, rows):
    experiment = call(f"{api(target)}/experiments/create", {"name": name})["experiment_id"]
    with contextlib.closing(target.connect()) as database:
        cursor = database.cursor()
        mark = "?" if isinstance(database, sqlite3.Connection) else "%s"

        def insert(table, columns, values):
            text = f"INSERT INTO {table} ({columns}) VALUES ({', '.join([mark] * (columns.count(',') + 1))})"
            if mark == "?":
                return cursor.executemany(text, values)
            from psycopg2.extras import execute_values
            execute_values(cursor, text[:text.index("VALUES") + 6] + " %s", values, page_size=2000)

        ids = [uuid.uuid4().hex for _ in rows]
        false = 0 if mark == "?" else False
        insert("runs", "run_uuid, name, source_type, source_name, entry_point_name, user_id, status, start_time, end_time, "
               "source_version, lifecycle_stage, artifact_uri, experiment_id",
               [(run, f"run-{i}", "UNKNOWN", "", "", "bench", "RUNNING", STAMP + i, None, "", "active",
                 f"mlflow-artifacts:/{experiment}/{run}/artifacts", int(experiment)) for i, run in enumerate(ids)])
        for table in ("metrics", "latest_metrics"):
            insert(table, "key, value, timestamp, step, is_nan, run_uuid",
                   [(k, v, STAMP, 0, false, run) for run, (metrics, _) in zip(ids, rows) for k, v in metrics.items()])
        insert("params", "key, value, run_uuid",
               [(k, v, run) for run, (_, params) in zip(ids, rows) for k, v in params.items()])
        insert("tags", "key, value, run_uuid", [("mlflow.runName", f"run-{i}", run) for i, run in enumerate(ids)])
        database.commit()
        if mark == "%s":
            database.autocommit = True
            cursor.execute("ANALYZE")
    return experiment


QUERIES = {
    "metric, param, order, page": {"filter": "metrics.m1 < 0.5 AND params.p0 = 'v3'", "order_by": ["metrics.m2 DESC"]},
    "few match": {"filter": "metrics.m1 < 0.001 AND params.p0 != 'v3'", "order_by": ["metrics.m2 DESC"]},
    "none match": {"filter": "metrics.m1 < 0.5 AND metrics.m3 > 2", "order_by": ["params.p1", "metrics.m2"]},
    "no filter, newest": {},
}


def ask(target, body, repeat=5):
    """(median milliseconds, CPU milliseconds a request, run ids in order)."""
    url = f"{api(target)}/runs/search"
    call(url, body)
    before, times = cpu_seconds(target.pid), []
    for _ in range(repeat):
        begin = time.perf_counter()
        answer = call(url, body)
        times.append(1000 * (time.perf_counter() - begin))
    return statistics.median(times), 1000 * (cpu_seconds(target.pid) - before) / repeat, [
        run["info"]["run_name"] for run in answer.get("runs", [])]


def bench_search(options):
    sizes = [("1,000", 1000), ("10,000", 10_000), (f"{options.runs_large:,}", options.runs_large)]
    found, results = [], {}
    with contextlib.ExitStack() as stack:
        targets = [stack.enter_context(ours(options)), stack.enter_context(theirs(options))]
        for title, size in sizes:
            rows = rows_of(size if size <= 10_000 else 0, size)
            for target in targets:
                if target.name != "slipway" and size > 10_000:
                    continue
                say(f"runs: filling {target.name} with {title} runs")
                if size > 10_000:
                    experiment = fill_large(target, size)
                else:
                    experiment = (fill_ours if target.name == "slipway" else fill_theirs)(target, f"bench-{size}", rows)
                for name, query in QUERIES.items():
                    results[title, name, target.name] = ask(
                        target, {"experiment_ids": [experiment], "max_results": 100, **query},
                        5 if target.name == "slipway" else 2)
    heading(f"runs/search, pages of 100, {METRICS} metrics and {PARAMS} parameters a run, {options.database}", "mlflow server")
    for (title, name, who), (wall, cpu, ids) in results.items():
        if who != "slipway":
            continue
        other = results.get((title, name, "mlflow server"), (None, None, ids))
        if other[2] != ids:
            raise RuntimeError(f"{title}, {name}: the two servers find other runs: {ids[:5]} and {other[2][:5]}")
        aim = ">= 30x" if title == "10,000" else "< 200 ms" if title not in ("1,000", "10,000") else ""
        found.append(line(f"{title}: {name}", wall, other[0], " ms", aim, (cpu, other[1]), smaller_is_better=True))
    return found


def fill_history(target, count, metric="loss"):
    experiment = call(f"{api(target)}/experiments/create", {"name": f"history-{count}"})["experiment_id"]
    run = call(f"{api(target)}/runs/create", {"experiment_id": experiment})["run"]["info"]["run_id"]
    numbers = random.Random(count)
    if target.name == "slipway":
        bodies = (json.dumps({"run_id": run, "metrics": [
            {"key": metric, "value": numbers.random(), "timestamp": STAMP + s, "step": s}
            for s in range(start, min(start + 1000, count))]}).encode() for start in range(0, count, 1000))
        send(f"{api(target)}/runs/log-batch", bodies, clients=1)
        return run
    with contextlib.closing(target.connect()) as database:
        rows = [("loss", numbers.random(), STAMP + s, s, False, run) for s in range(count)]
        if isinstance(database, sqlite3.Connection):
            database.executemany(
                "INSERT INTO metrics (key, value, timestamp, step, is_nan, run_uuid) VALUES (?, ?, ?, ?, ?, ?)", rows)
        else:
            from psycopg2.extras import execute_values
            execute_values(database.cursor(), "INSERT INTO metrics (key, value, timestamp, step, is_nan, run_uuid) VALUES %s",
                           rows, page_size=5000)
        database.commit()
    return run


def get(target, path, repeat=5):
    """(median milliseconds, CPU milliseconds, bytes) of a GET."""
    sizes, times = [], []
    read = lambda: sizes.append(len(urllib.request.urlopen(target.url + path, timeout=600).read()))
    read()
    before = cpu_seconds(target.pid)
    for _ in range(repeat):
        begin = time.perf_counter()
        read()
        times.append(1000 * (time.perf_counter() - begin))
    return statistics.median(times), 1000 * (cpu_seconds(target.pid) - before) / repeat, sizes[-1]


def bench_history(options):
    found, results = [], {}
    with ours(options) as mine, theirs(options) as anchor:
        for count in (100_000, options.points):
            for target in (mine, anchor):
                if target is anchor and count > 100_000:
                    continue
                say(f"runs: filling {target.name} with {count:,} points")
                run = fill_history(target, count)
                history = f"/api/2.0/mlflow/metrics/get-history?run_id={run}&metric_key=loss"
                paths = {"page of 25,000 from the middle": history + "&max_results=25000"} if count > 100_000 else {
                    "whole history": history}
                interval = f"/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval?run_ids={run}&metric_key=loss&max_results=320"
                paths["320 points for MLflow's chart"] = interval
                if target is mine:
                    if count > 100_000:
                        token = json.dumps([count // 2]).encode().hex()
                        paths["page of 25,000 from the middle"] += f"&page_token={token}"
                    paths["down-sampled to 1,000"] = f"/api/v1/runs/{run}/metrics/loss?points=1000"
                for name, path in paths.items():
                    results[count, name, target.name] = get(target, path, 3 if target is mine else 1)
    heading(f"History of one metric, {options.database}", "mlflow server")
    aims = {(100_000, "whole history"): "< 150 ms", (100_000, "down-sampled to 1,000"): "< 10 ms"}
    for (count, name, who), (wall, cpu, _) in results.items():
        if who == "slipway":
            other = results.get((count, name, "mlflow server"), (None, None, 0))
            found.append(line(f"{count:,}: {name}", wall, other[0], " ms", aims.get((count, name), ""), (cpu, other[1]),
                              smaller_is_better=True))
    return found


def bench_write(options):
    results = {}
    with ours(options) as mine, theirs(options) as anchor:
        prepared = {}
        for target in (mine, anchor):
            experiment = call(f"{api(target)}/experiments/create", {"name": "write"})["experiment_id"]
            runs = [call(f"{api(target)}/runs/create", {"experiment_id": experiment})["run"]["info"]["run_id"]
                    for _ in range(16)]
            prepared[target.name] = {"log-metric": " ".join(runs), "set-tag": " ".join(runs), "create": experiment}
        for what in prepared["slipway"]:
            for target in (mine, anchor):
                say(f"runs: {what}, {target.name}")
                names = {"BENCH_WRITE": what, "BENCH_RUNS": prepared[target.name][what]}
                wrk_script(target, "", "write.lua", names, 16, 1)
                results[what, target.name] = wrk_script(target, "", "write.lua", names, 16, options.seconds)
    heading(f"Single writes, 16 clients, {options.database}", "mlflow server")
    found = []
    for what in prepared["slipway"]:
        a, b = results[what, "slipway"], results[what, "mlflow server"]
        found.append(line(f"{what}", a.per_second, b.per_second, "/s", ">= 80x", (a.cpu_ms, b.cpu_ms)))
        found.append(line(f"{what}, p99", a.p99_ms, b.p99_ms, " ms", "< 20 ms", smaller_is_better=True))
    return found


def bench(options):
    import scale  # it needs what is above

    parts = {"search": bench_search, "history": bench_history, "write": bench_write, "many": scale.bench_many,
             "wide": scale.bench_wide, "cold": scale.bench_cold}
    found = []
    for name, part in parts.items():
        if not options.runs_part or name in options.runs_part:
            found += part(options)
    return found
