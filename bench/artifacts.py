"""Artifacts up and down: a gigabyte by one client, and sixteen files at once, against nginx, which copies files over
loopback HTTP and does no more, and against `mlflow server`. All speak to curl."""

import dataclasses
import getpass
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

import tracking
from files import make_large
from measure import Peak, call, cpu_seconds, server
from report import heading, line, say

AT_ONCE = 16
NGINX = """daemon off; user {user}; worker_processes 2; pid {folder}/pid; error_log {folder}/log; events {{ }}
http {{ access_log off; sendfile on; client_max_body_size 0; client_body_temp_path {folder}/body;
server {{ listen 127.0.0.1:{port}; location = /health {{ return 200; }}
location / {{ root {folder}/files; dav_methods PUT; create_full_put_path on; }} }} }}
"""


def nginx():
    """Debian's, with its module for PUT."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    script = f"mkdir -p {{folder}}/files && cat > {{folder}}/conf <<'END' && exec {program} -c {{folder}}/conf\n"
    return server("nginx", ["sh", "-c", script + NGINX.replace("{user}", getpass.getuser()) + "END\n"], "/health")


def place(target):
    """Where files are put, as a URL that ends with /."""
    if target.name == "nginx":
        return f"{target.url}/"
    run = call(f"{target.url}/api/2.0/mlflow/runs/create", {"experiment_id": "0", "start_time": 1})["run"]["info"]
    root = run["artifact_uri"].removeprefix("mlflow-artifacts:/")
    return f"{target.url}/api/2.0/mlflow-artifacts/artifacts/{root}/"


@dataclasses.dataclass
class Transfer:
    mb_per_second: float
    cpu_ms: float  # of the server, for all of it
    peak_mib: float

    def best(self, other):
        return Transfer(max(self.mb_per_second, other.mb_per_second), min(self.cpu_ms, other.cpu_ms),
                        max(self.peak_mib, other.peak_mib))


def transfer(target, commands, size):
    """All at once; raises RuntimeError if one fails."""
    before = cpu_seconds(target.pid)
    with Peak(target.pid) as peak:
        begin = time.perf_counter()
        running = [subprocess.Popen(["curl", "-sSf", *command], stdout=subprocess.DEVNULL) for command in commands]
        codes = [process.wait() for process in running]
        wall = time.perf_counter() - begin
    if any(codes):
        raise RuntimeError(f"{target.name}: curl ended with {codes}; its log ends with:\n{target.log()[-2000:]}")
    return Transfer(size / 1e6 / wall, 1000 * (cpu_seconds(target.pid) - before), peak.mib)


def stamp(paths):
    """Makes the contents new, so that no store has them yet."""
    for path in paths:
        with open(path, "r+b") as file:
            file.write(os.urandom(32))


def measure(targets, mib, rounds):
    """{(direction, clients): {server name: Transfer}}; the servers take turns."""
    results = {}
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as folder:
        one = pathlib.Path(folder) / "one.bin"
        make_large(one, mib)
        many = [pathlib.Path(folder) / f"{number}.bin" for number in range(AT_ONCE)]
        for number, path in enumerate(many):
            make_large(path, mib // AT_ONCE, seed=number)
        for _ in range(rounds):
            for paths in ([one], many):
                size = sum(path.stat().st_size for path in paths)
                for target in targets:
                    stamp(paths)
                    base = place(target)
                    for direction, commands in (
                            ("up", [["-T", path, base + path.name, "-o", "/dev/null"] for path in paths]),
                            ("down", [[base + path.name, "-o", "/dev/null"] for path in paths])):
                        os.sync()
                        found = transfer(target, commands, size)
                        row = results.setdefault((direction, len(paths)), {})
                        row[target.name] = found.best(row[target.name]) if target.name in row else found
    return results


def bench(options, slipway):
    mib = 64 if options.quick else 1024
    say(f"artifacts: {mib} MiB up and down")
    with nginx() as plain, tracking.mlflow_server() as anchor:
        if options.anchors:
            results = measure([plain, anchor], mib, options.rounds)
        else:
            with slipway(options) as ours:
                results = measure([ours, plain, anchor], mib, options.rounds)
    found = []
    for name, aim in (("nginx", ">= 0.8x"), ("mlflow server", "")):
        heading(f"Artifacts, {mib} MiB in all", name)
        for (direction, clients), row in results.items():
            a, b = row.get("slipway"), row[name]
            label = f"{direction}, {clients} at once" if clients > 1 else f"{direction}, one file"
            found.append(line(label, a and a.mb_per_second, b.mb_per_second, " MB/s", aim, (a and a.cpu_ms, b.cpu_ms)))
            found.append(line(f"  peak memory, {label}", a and a.peak_mib, b.peak_mib, " MiB", smaller_is_better=True))
    return found
