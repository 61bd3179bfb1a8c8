"""Starts `slipway serve` as a process on a folder of its own, for tests that stop, kill and start it again."""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import time

import requests

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("SLIPWAY_BINARY", REPOSITORY / ".build/debug/slipway")).resolve()
START_SECONDS, STOP_SECONDS = 30, 30


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One server process; `url` is where it answers once it is ready."""

    def __init__(self, folder, *arguments, port=None):
        self.folder = pathlib.Path(folder)
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = self.folder / "log"
        self.folder.mkdir(exist_ok=True)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [BINARY, "serve", "--port", str(self.port), "--data", self.folder / "data", *arguments],
                cwd=REPOSITORY, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def wait_ready(self):
        deadline = time.monotonic() + START_SECONDS
        while True:
            assert self.process.poll() is None and time.monotonic() < deadline, (
                f"slipway serve did not get ready (exit {self.process.poll()}):\n{self.text()[-3000:]}")
            with contextlib.suppress(requests.RequestException):
                if requests.get(f"{self.url}/health", timeout=2).status_code == 200:
                    return self
            time.sleep(0.02)

    def text(self):
        return self.log.read_text()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Asks it to stop; it must end by itself, without an error."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(STOP_SECONDS) == 0, self.text()[-3000:]


@contextlib.contextmanager
def serving(folder, *arguments):
    server = Server(folder, *arguments)
    try:
        yield server.wait_ready()
        server.stop()
    finally:
        server.kill()
