"""Many runs at once, wide runs, a full database: sizes at which Slipway is measured alone."""

import contextlib
import json
import random
import statistics
import time

import bulk
import closed_loop
from measure import Peak, call, cpu_seconds, rss_mib
from report import heading, line, say
from runs import QUERIES, STAMP, api, ask, fill_history, fill_large, fill_ours, get, ours, place, rows_of, send, slipway


def bench_many(options):
    """500 runs that log 10 metrics at an even pace; every point is counted in the end."""
    with ours(options) as target:
        experiment = call(f"{api(target)}/experiments/create", {"name": "many"})["experiment_id"]
        runs = [call(f"{api(target)}/runs/create", {"experiment_id": experiment})["run"]["info"]["run_id"] for _ in range(500)]
        url, sent = f"{api(target)}/runs/log-batch", dict.fromkeys(runs, 0)

        def requests(run):
            def make():
                step = sent[run]
                sent[run] += 1
                return closed_loop.post(url, {}, json.dumps({"run_id": run, "metrics": [
                    {"key": f"m{i}", "value": step + i, "timestamp": STAMP + step, "step": step} for i in range(10)]}).encode())
            return make
        say(f"runs: 500 runs log for {options.minutes} minutes, every {options.pace} s each")
        before = cpu_seconds(target.pid)
        with Peak(target.pid) as peak:
            wall, latencies, refusals = closed_loop.drive(url, [requests(run) for run in runs], 60 * options.minutes,
                                                          options.pace)
        cpu = cpu_seconds(target.pid) - before
        if refusals:
            raise RuntimeError(f"{len(refusals)} batches were refused, the first with {refusals[0]}")
        for run in runs:
            answer = call(f"{target.url}/api/v1/metrics?points=10&run={run}&metric=m0&metric=m9")
            if [curve["points"] for curve in answer["items"]] != [sent[run]] * 2:
                raise RuntimeError(f"the run {run} logged {sent[run]} steps; stored are {answer}")
    latencies.sort()
    at = lambda share: 1000 * latencies[int(share * (len(latencies) - 1))]
    heading(f"500 runs log at once for {options.minutes} minutes, every {options.pace} s each, nothing lost, {options.database}", "")
    return [line("batches of 10 points", len(latencies) / wall, None, "/s", "", (1000 * cpu / len(latencies), None)),
            line("p50", at(0.5), None, " ms"), line("p99", at(0.99), None, " ms", "< 100 ms"),
            line("the slowest", at(1), None, " ms"),
            line("resident memory, at most", peak.mib, None, " MiB", "< 300 MB")]


def bench_wide(options):
    """1,000 runs of 2,000 metrics: the pages on which they are shown."""
    runs, metrics = 1000, 2000
    with ours(options) as target:
        say(f"runs: filling slipway with {runs} runs of {metrics} metrics")
        experiment = call(f"{api(target)}/experiments/create", {"name": "wide"})["experiment_id"]
        numbers = random.Random(1)
        made = [call(f"{api(target)}/runs/create", {"experiment_id": experiment, "start_time": STAMP + i})["run"]["info"]["run_id"]
                for i in range(runs)]
        send(f"{api(target)}/runs/log-batch", (json.dumps({"run_id": run, "metrics": [
            {"key": f"wide_{i}", "value": numbers.random(), "timestamp": STAMP, "step": 0}
            for i in range(start, start + 1000)]}).encode() for run in made for start in range(0, metrics, 1000)))
        body = {"experiment_ids": [experiment], "filter": "metrics.wide_7 < 0.5", "order_by": ["metrics.wide_1999 DESC"]}
        names = "&".join(f"metric=wide_{i}" for i in range(0, metrics, 400))
        found = [("runs/search, 100 of the runs whole", ask(target, {**body, "max_results": 100}, 3)),
                 ("runs/search, all the runs whole", ask(target, {**body, "filter": "", "max_results": 1000}, 1)),
                 ("one run whole", get(target, f"/api/2.0/mlflow/runs/get?run_id={made[0]}")),
                 ("10 curves of one run", get(target, f"/api/v1/metrics?points=500&run={made[0]}&{names}"))]
        memory = rss_mib(target.pid)
    heading(f"{runs} runs of {metrics} metrics, {options.database}", "")
    return [line(what, wall, None, " ms", "", (cpu, None)) for what, (wall, cpu, _) in found] + [
        line("resident memory after these", memory, None, " MiB")]


def bench_cold(options):
    """The start on a full database: until /health answers, and a first search."""
    with place(options) as (folder, url):
        with slipway(options, folder, url) as target:
            target.bulk = lambda: bulk.Bulk(folder, url)
            fill_ours(target, "names", rows_of(2, 1))
            fill_history(target, 128_000, metric="m0")  # enough for a full block
            say(f"runs: filling slipway with {options.runs_large:,} runs and {options.stored_points:,} points")
            experiment = fill_large(target, options.runs_large)
            with contextlib.closing(target.bulk()) as database:
                points = database.blocks(options.stored_points)
                database.settle()
        starts = []
        for _ in range(3):
            with slipway(options, folder, url) as target:
                starts.append(1000 * target.start_seconds)
                body = {"experiment_ids": [experiment], "max_results": 100, **QUERIES["metric, param, order, page"]}
                begin = time.perf_counter()
                call(f"{api(target)}/runs/search", body)
                first = 1000 * (time.perf_counter() - begin)
                memory = rss_mib(target.pid)
    heading(f"Start with {options.runs_large:,} runs and {points:,} points, {options.database}", "")
    return [line("start until /health", statistics.median(starts), None, " ms", "< 1 s"),
            line("the first search, filtered and ordered", first, None, " ms", "< 200 ms"),
            line("resident memory after it", memory, None, " MiB")]
