"""Fills Slipway's database by SQL while its server runs or rests, for sizes that would take the API most of an hour.
Values follow from a run's number, so that both databases hold the same."""

import contextlib
import sqlite3

NUMBERS = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})"
# A number below 2^31 - 1 for a run and a field: two steps of a multiplicative generator (MINSTD).
DRAW = "(((((run.key * 48271 + {field} * 69621) % 2147483647) * 48271) % 2147483647) * 69621 % 2147483647)"


class Bulk:
    """Slipway's database, opened beside the server."""

    def __init__(self, folder, url=None):
        if url:
            import psycopg2
            self.database, self.false = psycopg2.connect(url), "FALSE"
        else:
            self.database, self.false = sqlite3.connect(folder / "data/slipway.db", timeout=60), "0"

    def execute(self, text):
        cursor = self.database.cursor()
        cursor.execute(text)
        return cursor

    def one(self, text):
        return self.execute(text).fetchone()

    def runs(self, experiment, count, metrics, params, stamp):
        """Runs with so many metrics (m0, m1 …, which must have been logged before) and parameters (p0, p1 …)."""
        base = self.one("SELECT max(key) FROM run")[0]
        of_run = f"FROM run WHERE experiment = {experiment} AND key > {base}"
        self.execute(f"""
            INSERT INTO run (key, id, experiment, name, user_name, status, started_ms, is_deleted, artifact_location)
            {NUMBERS.format(count=count)} SELECT {base} + i, 'bulk' || ({base} + i), {experiment}, 'run-' || i, 'bench', 'RUNNING',
                {stamp} + i, {self.false}, 'mlflow-artifacts:/{experiment}/bulk' || ({base} + i) || '/artifacts' FROM n""")
        self.execute(f"""INSERT INTO run_tag (run, key, value, experiment, short)
            SELECT key, 'mlflow.runName', name, experiment, name {of_run}""")
        for number in range(params):
            value = f"'v' || {DRAW.format(field=number + 1000)} % 10"
            self.execute(f"""INSERT INTO run_param (run, key, value, experiment, short)
                SELECT key, 'p{number}', {value}, experiment, {value} {of_run}""")
        for number in range(metrics):
            metric = self.one(f"SELECT id FROM metric_name WHERE name = 'm{number}'")[0]
            self.execute(f"""INSERT INTO metric_latest (run, metric, step, time_ms, value, is_nan, experiment)
                SELECT key, {metric}, 0, {stamp}, {DRAW.format(field=number)} % 1000000 / 1000000.0, {self.false}, experiment
                {of_run}""")
        self.finish()

    def blocks(self, points):
        """Copies a full block of points to the same metric of other runs, until there are so many; returns the count."""
        run, metric, size = self.one("SELECT run, metric, points FROM metric_block WHERE points = 4096 LIMIT 1")
        wanted = -(-points // size)
        for table, columns in (("metric_block", "points, pack"), ("metric_summary", "parts")):
            self.execute(f"""INSERT INTO {table} (run, metric, sequence, {columns})
                SELECT l.run, l.metric, 1, {", ".join("b." + name for name in columns.split(", "))}
                FROM (SELECT run, metric FROM metric_latest WHERE metric = {metric} AND run <> {run} ORDER BY run LIMIT {wanted}) l
                JOIN {table} b ON b.run = {run} AND b.metric = {metric} AND b.sequence = 1""")
        self.finish()
        return int(self.one("SELECT sum(points) FROM metric_block")[0])

    def finish(self):
        self.database.commit()

    def settle(self):
        """What PostgreSQL does by itself within minutes."""
        if not isinstance(self.database, sqlite3.Connection):
            with contextlib.closing(self.database.cursor()) as cursor:
                self.database.autocommit = True
                cursor.execute("VACUUM ANALYZE")
                self.database.autocommit = False

    def close(self):
        self.database.close()
