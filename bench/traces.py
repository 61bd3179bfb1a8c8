#!/usr/bin/env python3
"""Spans a second by OTLP, against `mlflow server` on SQLite with one worker: the same bytes to both.

    bench/traces.py [--binary .build/release/slipway] [--seconds 5] [--rounds 2]

A request has 10 traces of 10 spans, each span with inputs, outputs and two attributes (700 bytes). Every request is of
new traces. The servers take turns; of several rounds the best figure of each counts.
"""

import argparse
import itertools
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = HERE.parent / ".slipway/bench-venv/bin/python"
if pathlib.Path(sys.prefix) != PYTHON.parent.parent:
    os.execv(PYTHON, [PYTHON, __file__, *sys.argv[1:]])
sys.path.insert(0, str(HERE))

import closed_loop
from measure import call, load, server
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from report import heading, line
from tracking import mlflow_server

TRACES, SPANS = 10, 10
MARK = b"\xfeMARK\xfe\xfe\xfe"  # the first half of each trace's id; replaced in each request
EPOCH = 1_700_000_000_000_000_000


def request_body():
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for trace in range(TRACES):
        for number in range(SPANS):
            span = spans.add(
                trace_id=MARK + (trace + 1).to_bytes(8, "big"), span_id=(number + 1).to_bytes(8, "big"),
                parent_span_id=(number).to_bytes(8, "big") if number else b"", name=f"step {number}",
                start_time_unix_nano=EPOCH + number * 1000, end_time_unix_nano=EPOCH + 1_000_000 - number)
            for key, value in (("mlflow.spanType", "CHAIN"), ("mlflow.spanInputs", "question " * 30),
                               ("mlflow.spanOutputs", "answer " * 30), ("model", "gpt")):
                span.attributes.add(key=key).value.string_value = value
            span.status.code = 1
    return request.SerializeToString()


def requests(target, experiment, clients, first):
    """One function a client that makes its requests."""
    headers = {"x-mlflow-experiment-id": experiment}
    template = closed_loop.post(f"{target.url}/v1/traces", headers, request_body()).replace(
        b"Content-Type: application/json", b"Content-Type: application/x-protobuf")

    def maker(client):
        numbers = itertools.count((first * 100 + client) << 32 | 1)
        return lambda: template.replace(MARK, next(numbers).to_bytes(8, "big"))

    return [maker(client) for client in range(clients)]


def check(target, experiment, count):
    """The spans must have arrived, or the load measured nothing."""
    body = {"locations": [{"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment}}],
            "max_results": 1}
    trace = call(f"{target.url}/api/3.0/mlflow/traces/search", body)["traces"][0]["trace_id"]
    found = call(f"{target.url}/api/3.0/mlflow/traces/get?trace_id={trace}")["trace"]
    if len(found["spans"]) != count:
        raise RuntimeError(f"{target.name} lost spans of {trace}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=".build/release/slipway")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    command = [options.binary, "serve", "--host", "127.0.0.1", "--port", "{port}", "--data", "{folder}/data"]
    best = {}
    with mlflow_server() as anchor, server("slipway", command, "/health") as ours:
        for number in range(options.rounds):
            for clients in (1, 8):
                for target in (ours, anchor):
                    experiment = call(
                        f"{target.url}/api/2.0/mlflow/experiments/create", {"name": f"e-{number}-{clients}"})["experiment_id"]
                    found = load(
                        target, f"{target.url}/v1/traces", requests(target, experiment, clients, number * 2 + clients),
                        options.seconds)
                    check(target, experiment, SPANS)
                    key = (clients, target.name)
                    best[key] = best[key].best(found) if key in best else found
    heading("OTLP: 100 spans a request", "mlflow server")
    for clients in (1, 8):
        a, b = best[clients, "slipway"], best[clients, "mlflow server"]
        line(f"spans, {clients} client{'s' * (clients > 1)}", a.per_second * 100, b.per_second * 100, "/s",
             cpu=(a.cpu_ms, b.cpu_ms))
        line(f"p99, {clients} client{'s' * (clients > 1)}", a.p99_ms, b.p99_ms, " ms", smaller_is_better=True)


if __name__ == "__main__":
    main()
