"""What every benchmark needs: servers to start, processes to weigh, a load to send."""

import contextlib
import dataclasses
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

import closed_loop

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parent
VENV = REPOSITORY / ".slipway/bench-venv/bin"
TICK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
         "GIT_PYTHON_REFRESH": "quiet"}


def tree(root):
    """The process and all its living descendants: {pid: fields of /proc/PID/stat after the name}."""
    processes = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{entry}/stat") as file:
                processes[int(entry)] = file.read().rsplit(")", 1)[1].split()
    found, waiting = {}, [root]
    while waiting:
        pid = waiting.pop()
        if pid in processes:
            found[pid] = processes[pid]
            waiting += [child for child, fields in processes.items() if int(fields[1]) == pid]
    return found


def cpu_seconds(root):
    """User and system time of the tree so far, with that of its descendants that ended and were waited for."""
    return sum(int(field) for fields in tree(root).values() for field in fields[11:15]) * TICK_SECONDS


def rss_mib(root):
    """Resident memory of the tree; pages that its processes share count in each."""
    return sum(int(fields[21]) for fields in tree(root).values()) * os.sysconf("SC_PAGE_SIZE") / 2**20


class Peak:
    """Watches the memory of a process and its descendants while the block runs; `mib` is the most that they held at once.

    At each look the kernel tells the highest resident memory of each process since the last one (VmHWM, which is then set
    back), so that nothing between two looks is missed; pages of programs and libraries that several of them map count once.
    `each` has the highest of each process alone. A process that lives for less than the pause is not seen.
    """

    PAUSE_SECONDS = 0.05

    def __init__(self, root):
        self.root, self.mib, self.each = root, 0.0, {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def look(self):
        total = 0
        for pid in tree(self.root):
            with contextlib.suppress(OSError):
                status = _kib(f"/proc/{pid}/status")
                high, of_files = status.get("VmHWM", 0), status.get("RssFile", 0)
                self.each[pid] = max(self.each.get(pid, 0.0), high / 1024)
                try:
                    high += _kib(f"/proc/{pid}/smaps_rollup").get("Pss_File", of_files) - of_files
                    with open(f"/proc/{pid}/clear_refs", "w") as file:
                        file.write("5")
                except PermissionError:  # then what is shared counts in each, at its highest ever
                    pass
                total += high
        self.mib = max(self.mib, total / 1024)

    def _watch(self):
        while not self._stop.wait(self.PAUSE_SECONDS):
            self.look()

    def __enter__(self):
        self.look()
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        self.look()


def _kib(path):
    """The figures of a file of /proc that has lines `Name: 123 kB`."""
    with open(path) as file:
        pairs = (text.split(":", 1) for text in file if text.endswith("kB\n"))
        return {name: int(value.split()[0]) for name, value in pairs}


@dataclasses.dataclass
class Cost:
    """What a command took, with all that it waited for."""
    wall: float
    cpu: float  # seconds
    peak_mib: float  # of its largest process
    output: str = ""

    def best(self, other):
        return Cost(min(self.wall, other.wall), min(self.cpu, other.cpu), max(self.peak_mib, other.peak_mib), self.output)


def timed(command, folder=None, environment=(), server_pid=None):
    """Runs a command to its end; with server_pid its CPU time counts too. Raises RuntimeError if it fails."""
    served = cpu_seconds(server_pid) if server_pid else 0.0
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begin = time.perf_counter()
        process = subprocess.Popen([str(part) for part in command], cwd=folder, stdin=subprocess.DEVNULL, stdout=out,
                                   stderr=err, env={**os.environ, **QUIET, **dict(environment)})
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0), err.seek(0)
        output = out.read().decode(errors="replace")
        if process.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, command))[:300]} ended with {process.returncode}:\n"
                               f"{output[-1000:]}{err.read().decode(errors='replace')[-2000:]}")
    cpu = usage.ru_utime + usage.ru_stime + (cpu_seconds(server_pid) - served if server_pid else 0.0)
    return Cost(wall, cpu, usage.ru_maxrss / 1024, output)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclasses.dataclass
class Server:
    name: str
    url: str
    pid: int
    start_seconds: float
    folder: pathlib.Path

    def log(self):
        return (self.folder / "log").read_text(errors="replace")


@contextlib.contextmanager
def server(name, command, health, environment=(), folder=None, timeout=120):
    """Runs command ({port} and {folder} are filled in) on a free port until the block ends; yields a Server."""
    port = free_port()
    with contextlib.ExitStack() as stack:
        if folder is None:
            folder = pathlib.Path(stack.enter_context(
                tempfile.TemporaryDirectory(prefix="slipway-bench-", ignore_cleanup_errors=True)))
        with open(folder / "log", "ab") as log:
            begin = time.perf_counter()
            process = subprocess.Popen(
                [str(part).format(port=port, folder=folder) for part in command], cwd=REPOSITORY,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, **QUIET, **dict(environment)})
        try:
            url = f"http://127.0.0.1:{port}"
            while not answers(url + health):
                if process.poll() is not None or time.perf_counter() > begin + timeout:
                    raise RuntimeError(f"{name} did not start:\n{(folder / 'log').read_text()[-3000:]}")
                time.sleep(0.002)
            yield Server(name, url, process.pid, time.perf_counter() - begin, folder)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                pass
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def call(url, body=None, method=None, token=None):
    """One JSON request; raises RuntimeError with the server's words if it is refused."""
    request = urllib.request.Request(
        url, method=method, data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})})
    try:
        with urllib.request.urlopen(request, timeout=600) as answer:
            return json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"{request.get_method()} {url}: HTTP {error.code}: {error.read()[:2000]!r}") from None


@dataclasses.dataclass
class Load:
    """What one load did to one server."""
    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float  # of the server's process tree, per request

    def best(self, other):
        """Of two rounds the figures that the rest of the machine disturbed less."""
        return Load(max(self.per_second, other.per_second), *(
            min(getattr(self, f), getattr(other, f)) for f in ("p50_ms", "p99_ms", "cpu_ms")))


def load(target, url, requests, seconds):
    """Measures the closed loop of requests (functions that make the bytes of a request, one a client).

    A refused request does not count as work done. Only a peer may refuse any: we must answer all.
    """
    closed_loop.drive(url, requests, 0)  # one request each, to warm up
    before = cpu_seconds(target.pid)
    wall, latencies, refusals = closed_loop.drive(url, requests, seconds)
    cpu = cpu_seconds(target.pid) - before
    if not latencies or (refusals and target.name == "slipway"):
        raise RuntimeError(f"{target.name}: {url} answered {refusals[:1]}; its log ends with:\n{target.log()[-2000:]}")
    if refusals:
        print(f"{target.name} refused {len(refusals)} of {len(refusals) + len(latencies)} requests to {url}, "
              f"the first with {refusals[0]}", file=sys.stderr)
    latencies.sort()
    at = lambda share: 1000 * latencies[min(len(latencies) - 1, int(share * len(latencies)))]
    return Load(len(latencies) / wall, at(0.5), at(0.99), 1000 * cpu / len(latencies))


def wrk(target, path, body, clients, seconds):
    """Measures one body sent again and again."""
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as folder:
        (pathlib.Path(folder) / "body").write_bytes(body)
        return wrk_script(target, path, "post.lua", {"BENCH_BODY": f"{folder}/body"}, clients, seconds)


def wrk_script(target, path, script, environment, clients, seconds):
    """Measures the requests that a script for wrk makes; wrk costs the machine less than any Python, for fast answers.

    A request under way at the end is not counted, so a slow server needs many seconds.
    """
    before = cpu_seconds(target.pid)
    done = subprocess.run(
        ["wrk", "--threads=1", f"--connections={clients}", f"--duration={seconds}s", "--timeout=60s",
         f"--script={HERE / script}", target.url + path], env={**os.environ, **environment}, capture_output=True, text=True)
    cpu = cpu_seconds(target.pid) - before
    lines = [line for line in done.stdout.splitlines() if line.startswith("BENCH ")]
    result = json.loads(lines[0].removeprefix("BENCH ")) if lines else {}
    # Two connections may write to one run at once, which a peer may refuse; we must answer all.
    if not result.get("requests") or result["broken"] or (result["refused"] and target.name == "slipway"):
        raise RuntimeError(f"{target.name}, {path}: {result or done.stdout + done.stderr}; its log ends with:\n"
                           + target.log()[-2000:])
    done = result["requests"] - result["refused"]
    return Load(done / result["seconds"], result["p50_ms"], result["p99_ms"], 1000 * cpu / done)
