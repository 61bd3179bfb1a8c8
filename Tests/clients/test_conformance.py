"""Slipway's answers beside those that a real `mlflow server` of that version gave to the same calls (conformance.py has
the calls and says how to record them). Status, error code and the shape of the JSON must be the same, but for what is
listed here with its reason."""

import json
import pathlib

import conformance
import pytest

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "Golden/mlflow-3.17.2.json"

# Calls that are answered differently on purpose, by reason.
REASONS = {
    "a fault in the request is 400, where MLflow fails with 500": [
        "experiment update deleted", "logged model search: bad token", "version stage: archive None"],
    "a name that is taken is always RESOURCE_ALREADY_EXISTS": ["experiment update: taken"],
    "MLflow passes over a field that it cannot read; here it is refused, so that nothing is lost silently": [
        "experiment search: bad view", "run search: bad view", "run update: bad status", "log-batch: text as step",
        "log-batch: text as value", "log-inputs: no name", "log-metric: fraction as step", "log-metric: true as value",
        "run create: tag without key", "run create: tags that are none", "run search: number as id"],
    "what does not exist is 404, not empty": ["get-history: absent run"],
    "a missing parameter is 400, not an absent run": ["get-artifact: no run"],
    "artifacts belong to a run, a logged model or a version": ["artifact put at the root of the server"],
    "a page has at least one row": ["model search: zero rows"],
    "names have 500 characters at most": ["model create: long"],
    "MLflow answers an HTML page; here errors are JSON": [
        "get-artifact: no path", "unknown endpoint", "wrong method"],
    "MLflow has it for its web page only": [
        "search-datasets", "search-datasets: absent", "search-datasets: none", "search-datasets: too many"],
    "a location that is not Slipway's is kept as text and never opened": [
        "experiment create: bad location", "version create: local file", "version create: local source"],
}
DIFFERENT = {call for calls in REASONS.values() for call in calls}

# Fields that only Slipway's answers have: who registered it, what it was made of, every alias; a run's empty outputs.
MORE = {"user_id", "model_id", "aliases", "outputs"}


def differences(theirs, ours, path=""):
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in sorted(theirs.keys() | ours.keys()):
            if key not in ours:
                yield f"{path}.{key} is missing"
            elif key in theirs:
                yield from differences(theirs[key], ours[key], f"{path}.{key}")
            elif key not in MORE:
                yield f"{path}.{key} is not MLflow's"
    elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        for a, b in zip(theirs, ours):
            yield from differences(a, b, path + "[]")
    elif theirs != ours:
        yield f"{path} is {ours}, MLflow's {theirs}"


@pytest.mark.stricter
def test_answers_are_mlflows(url):
    golden, ours = json.loads(GOLDEN.read_text()), conformance.answers(url)
    assert golden.keys() == ours.keys() >= DIFFERENT, "the calls changed: record them anew (conformance.py)"
    found = {name: list(differences(golden[name], ours[name])) for name in golden if name not in DIFFERENT}
    assert {name: lines for name, lines in found.items() if lines} == {}
    # A listed difference is a decision about the answer, never a server that failed.
    assert [name for name in DIFFERENT if ours[name]["status"] >= 500] == []
