"""The tutorials do what they say: their blocks run in order against a fresh server, and what they print is compared.

In docs/tutorials/*.md a block whose fence says `sh run` or `python run` is executed; a block `text output` after it is what
it must print. In it `…` stands for any text within a line, and a line `…` for any lines. Variables and the folder
last from block to block, in the shell as in Python. UPDATE_TUTORIALS=1 writes what was printed where it does not fit.
"""

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest
from servers import BINARY, REPOSITORY, serving

pytestmark = pytest.mark.stricter
TUTORIALS = sorted((REPOSITORY / "docs/tutorials").glob("*.md"))
FENCE = re.compile(r"^```(\w+) (run|output)\n(.*?)^```$", re.M | re.S)
BLOCK_SECONDS = 60

PYTHON = """
import io, contextlib, json, sys, traceback
scope = {"__name__": "__main__"}
for request in sys.stdin:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        try:
            exec(compile(json.loads(request), "the block", "exec"), scope)
            failed = False
        except BaseException:
            failed = True
            traceback.print_exc(file=out)
    print(json.dumps([failed, out.getvalue()]), flush=True)
"""


@pytest.fixture(autouse=True)
def tracking():
    """These tests have servers of their own: nothing to point mlflow at."""


class Reader:
    """One who follows a tutorial: a shell and a Python that keep what the blocks before have set."""

    def __init__(self, folder, environment):
        self.folder, self.environment = folder, environment
        self.python = None

    def sh(self, code):
        state, place = self.folder / ".environment", self.folder / ".place"
        # Allexport, so that all variables are in what `declare -px` keeps.
        script = (f'[ -e {state} ] && . {state}; [ -e {place} ] && cd "$(cat {place})"; set -a\n'
                  f"trap 'declare -px > {state}; pwd > {place}' EXIT\nset -euo pipefail\n{code}")
        done = subprocess.run(["bash", "-c", script], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=BLOCK_SECONDS)
        return done.returncode != 0, done.stdout

    def run_python(self, code):
        if self.python is None:
            self.python = subprocess.Popen(
                [sys.executable, "-c", PYTHON], cwd=self.folder, env=self.environment, stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=open(self.folder / ".python.log", "w"), text=True)
        self.python.stdin.write(json.dumps(code) + "\n")
        self.python.stdin.flush()
        answer = self.python.stdout.readline()
        assert answer, (self.folder / ".python.log").read_text()
        return json.loads(answer)

    def close(self):
        if self.python:
            self.python.stdin.close()
            self.python.wait(BLOCK_SECONDS)


def fits(expected, printed):
    """Whether a block printed what the page shows."""
    pattern = ""
    for line in expected.rstrip("\n").split("\n"):
        pattern += "(?:.*\n)*?" if line.strip() == "…" else (
            "[^\n]*?".join(re.escape(piece) for piece in line.rstrip().split("…")) + "[ \t]*\n")
    return re.fullmatch(pattern, printed.rstrip("\n") + "\n") is not None


@pytest.mark.parametrize("expected, printed, is_fine", [
    ("a\nb\n", "a  \nb", True), ("a\nb\n", "a\n", False), ("version … of 3\n", "version 2 of 3\n", True),
    ("version … of 3\n", "version 2\n of 3\n", False), ("a\n…\nz\n", "a\nb\nc\nz\n", True), ("a\n…\nz\n", "a\nz\n", True),
    ("a\n…\nz\n", "a\nb\n", False), ("x.y\n", "xay\n", False), ("…\n", "", True),
])
def test_what_fits(expected, printed, is_fine):
    assert fits(expected, printed) is is_fine


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_tutorial(page, tmp_path):
    text = page.read_text()
    blocks = [(match[1], match[2], match[3], match.start(3)) for match in FENCE.finditer(text)]
    assert [kind for _, kind, _, _ in blocks].count("run") > 3, f"{page} has no blocks to run"
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "slipway").symlink_to(BINARY)
    home = tmp_path / "home"
    home.mkdir()
    with serving(tmp_path / "server", "--source-root", "/") as server:
        reader = Reader(home, {
            "PATH": f"{programs}:{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(home), "LC_ALL": "C.UTF-8",
            "SLIPWAY_URL": server.url, "MLFLOW_TRACKING_URI": server.url, "PYTHONPATH": str(REPOSITORY / "python"),
            "REPOSITORY": str(REPOSITORY), "MLFLOW_DISABLE_TELEMETRY": "true", "GIT_PYTHON_REFRESH": "quiet"})
        printed, differs, written = "", [], []
        try:
            for language, kind, code, start in blocks:
                line = text.count("\n", 0, start) + 1
                if kind == "run":
                    failed, printed = (reader.sh if language == "sh" else reader.run_python)(code)
                    assert not failed, f"{page.name}:{line}: the block failed:\n{code}\n{printed}\n{server.text()[-2000:]}"
                elif not fits(code, printed):
                    differs.append(f"{page.name}:{line} shows\n{code}but the block printed\n{printed}")
                    written.append((start, code, printed.rstrip("\n") + "\n"))
        finally:
            reader.close()
    if os.environ.get("UPDATE_TUTORIALS"):
        for start, code, now in reversed(written):
            text = text[:start] + now + text[start + len(code):]
        page.write_text(text)
    assert not differs, "\n".join(differs)
