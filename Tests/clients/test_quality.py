"""Contracts over HTTP and from the command line."""

import json
import os
import subprocess

import pytest
import requests

from servers import BINARY, serving

CONTRACT = """\
owner: mia
columns:
  store: {type: whole, required: true}
  price: {range: {min: 0}}
  code: {allowed: [A, B], severity: warn}
keys: [[store]]
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("quality")) as server:
        yield server


@pytest.fixture
def slipway(server, tmp_path):
    """Runs the command line: slipway("data", ...) -> (exit code, standard output and error)."""
    def run(*arguments):
        done = subprocess.run(
            [BINARY, *arguments], capture_output=True, text=True, cwd=tmp_path, timeout=60,
            env={**os.environ, "SLIPWAY_URL": server.url})
        return done.returncode, done.stdout + done.stderr
    return run


def test_a_contract_from_the_command_line(slipway, tmp_path):
    (tmp_path / "day-1.csv").write_text("store,price,code\n1,1.5,A\n2,2.5,B\n")
    (tmp_path / "day-2.csv").write_text("store,price,code\n3,-1,A\n1,4,C\n")
    (tmp_path / "day-3.csv").write_text("store,price,code\n3,1,C\n")
    (tmp_path / "contract.yaml").write_text(CONTRACT)
    assert slipway("data", "append", "sales", "day-1.csv")[0] == 0

    code, text = slipway("data", "contract", "check", "sales", "--draft", "contract.yaml")
    assert code == 0 and "passed: 0 of" in text, text
    code, text = slipway("data", "contract", "set", "sales", "contract.yaml")
    assert code == 0 and "contract number 1" in text, text
    code, text = slipway("data", "contract", "show", "sales")
    assert code == 0 and text.strip() == CONTRACT.strip()

    code, text = slipway("data", "contract", "check", "sales", "--file", "day-2.csv")
    assert code == 1 and "blocked: 3 of" in text and "price.range" in text and "row 1" in text, text
    code, text = slipway("data", "append", "sales", "day-2.csv")
    assert code != 0 and "price.range: 1 row" in text and "key(store): 1 row" in text, text

    code, text = slipway("data", "append", "sales", "day-3.csv")
    assert code == 0, text
    code, text = slipway("data", "quality", "sales")
    assert code == 0 and "warned: 1 of" in text and "code.allowed" in text, text

    (tmp_path / "wrong.yaml").write_text("columns:\n  store:\n    requird: true\n")
    code, text = slipway("data", "contract", "set", "sales", "wrong.yaml")
    assert code != 0 and "line 3" in text and "did you mean 'required'" in text, text

    code, text = slipway("data", "contract", "suggest", "sales")
    (tmp_path / "suggested.yaml").write_text(text)
    assert code == 0 and "columns:" in text
    code, text = slipway("data", "contract", "check", "sales", "--draft", "suggested.yaml")
    assert code == 0 and "passed" in text, text


def test_a_refused_commit_says_which_rows(server):
    base = f"{server.url}/api/v1/datasets/visits"
    rows = {"Content-Type": "application/x-ndjson"}
    assert requests.post(f"{base}/append", data=b'{"id": 1, "n": 1}', headers=rows).status_code == 201
    answer = requests.put(
        f"{base}/contract", data=b"columns: {n: {range: {max: 9}}}", headers={"Content-Type": "application/yaml"})
    assert answer.status_code == 200, answer.text
    lines = b"\n".join(b'{"id": %d, "n": %d}' % (i, i) for i in range(20))
    refused = requests.post(f"{base}/append", data=lines, headers=rows)
    assert refused.status_code == 400
    error = refused.json()["error"]
    report = json.loads(error["details"]["report"])
    broken = [rule for rule in report["rules"] if not rule["passed"]]
    assert [(rule["rule"], rule["count"], [e["row"] for e in rule["examples"]]) for rule in broken] == [
        ("n.range", 10, [11, 12, 13, 14, 15])]
    assert requests.get(f"{base}/versions").json()["items"][0]["version"] == 1
