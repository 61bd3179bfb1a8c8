"""The same calls give the same JSON as MLflow 3.17.2's own server gave, apart from ids, times and wording.

To record anew, with that server running (see conftest.py):
    RECORD=1 SLIPWAY_TEST_URL=http://127.0.0.1:5055 .slipway/venv/bin/python -m pytest Tests/clients/test_recorded.py
"""

import base64
import json
import os
import pathlib
import re
import uuid

import requests

RECORDING = pathlib.Path(__file__).parent / "recorded" / "traces.json"
# Texts that are JSON; and what differs from call to call.
SERIALIZED = {"tags", "schema", "profile", "records", "mlflow.trace.tokenUsage", "serialized_scorer", "value"}
OWN = {
    "create_time", "last_update_time", "created_time", "creation_time", "digest", "scorer_id", "message", "sqlstate",
    "error_class", "next_page_token"}


def plain(value, names, key=None):
    """The answer with ids by name, and without what is each server's own."""
    if isinstance(value, dict):
        return {k: "…" if k in OWN else plain(v, names, k) for k, v in value.items()}
    if isinstance(value, list):
        items = [plain(item, names, key) for item in value]
        # Tags in version 2 come in any order.
        return sorted(items, key=lambda item: item["key"]) if key in ("tags", "request_metadata") else items
    if not isinstance(value, str):
        return value
    if key in SERIALIZED and value[:1] in "{[":
        return plain(json.loads(value), names, key)
    if re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", value):
        return value.replace(".000Z", "Z")
    return re.sub(r"\b(a|d|dr)-[0-9a-f]{32}\b", r"\1-…", re.sub(
        "|".join(map(re.escape, names)) or "$^", lambda match: names[match[0]], value))


def attribute(key, **value):
    return {"key": key, "value": value}


def spans(trace):
    def one(span, start, end, name, attributes, **more):
        return {
            "traceId": trace, "spanId": span * 8, "name": name, "startTimeUnixNano": start * 10**9 + 5,
            "endTimeUnixNano": end * 10**9, "attributes": attributes, **more}

    values = {"arrayValue": {"values": [{"intValue": 1}, {"doubleValue": 2.5}, {"stringValue": "x"}, {"boolValue": True}]}}
    structure = {"kvlistValue": {"values": [{"key": "k"}, attribute("l", **values)]}}
    root = one("a1", 100, 104, "root", [
        attribute("mlflow.spanType", stringValue="CHAIN"), attribute("mlflow.spanInputs", **structure),
        attribute("mlflow.spanOutputs", intValue=3), attribute("empty", stringValue="")], status={"code": 1})
    child = one("b2", 101, 102, "child", [
        attribute("mlflow.spanType", stringValue="LLM"), attribute("mlflow.spanInputs", stringValue="q"),
        attribute("mlflow.chat.tokenUsage", kvlistValue={"values": [
            attribute("input_tokens", intValue=3), attribute("output_tokens", intValue=4),
            attribute("total_tokens", intValue=7)]})],
        parentSpanId="a1" * 8, status={"code": 2, "message": "oh"},
        events=[{"timeUnixNano": 101 * 10**9, "name": "tick", "attributes": [attribute("q", stringValue="w")]}])
    return {"resourceSpans": [{
        "resource": {"attributes": [attribute("service.name", stringValue="shop")]},
        "scopeSpans": [{"spans": [child, root]}]}]}


def ask(url):
    """All calls, with their answers."""
    answers = []
    suffix = uuid.uuid4().hex[:8]
    experiment = requests.post(
        f"{url}/api/2.0/mlflow/experiments/create", json={"name": f"recorded-{suffix}"}, timeout=30).json()["experiment_id"]
    otel = uuid.uuid4().hex
    trace, second = f"tr-{otel}", f"tr-{uuid.uuid4().hex}"
    names = {
        base64.b64encode(bytes.fromhex(otel)).decode(): "OTEL", trace: "TRACE", second: "SECOND", suffix: "SUFFIX",
        f"mlflow-artifacts:/{experiment}/": "ARTIFACTS/"}
    where = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment}}

    def call(method, path, body=None, version="3.0"):
        key = "params" if method == "GET" else "json"
        answer = requests.request(method, f"{url}/api/{version}/mlflow/{path}", timeout=30, **{key: body or {}})
        found = answer.json()
        text = json.dumps(found).replace(f'"experiment_id": "{experiment}"', '"experiment_id": "EXPERIMENT"')
        text = text.replace(f'"experiment_id": {experiment}', '"experiment_id": "EXPERIMENT"')
        text = text.replace(f'"experiment_ids": ["{experiment}"]', '"experiment_ids": ["EXPERIMENT"]')
        shown = re.sub(r"\b(a|d|dr)-[0-9a-f]{32}\b", r"\1-…", path.replace(trace, "TRACE").replace(second, "SECOND"))
        answers.append([method, shown, answer.status_code, plain(json.loads(text), names)])
        return found

    headers = {"x-mlflow-experiment-id": experiment}
    assert requests.post(f"{url}/v1/traces", json=spans(otel), headers=headers, timeout=30).status_code == 200
    call("GET", "traces/get", {"trace_id": trace})
    call("POST", "traces", {"trace": {"trace_info": {
        "trace_id": second, "trace_location": where, "request_time": "2026-01-02T03:04:05.678Z",
        "execution_duration": "1.250s", "state": "ERROR", "client_request_id": "cr", "request_preview": "in",
        "trace_metadata": {"mine": "m", "mlflow.trace.session": "s"}, "tags": {"mlflow.traceName": "n", "t": "v"},
        "assessments": [{
            "assessment_name": "early", "source": {"source_type": "CODE", "source_id": "f"}, "feedback": {"value": True},
            "create_time": "2026-01-02T03:04:05Z", "last_update_time": "2026-01-02T03:04:05Z", "valid": True}]}}})
    call("GET", f"traces/{second}")
    call("GET", f"traces/{second}/info", version="2.0")
    call("PATCH", f"traces/{trace}/tags", {"key": "k", "value": "v"}, "2.0")
    call("DELETE", f"traces/{trace}/tags", {"key": "k"}, "2.0")
    call("DELETE", f"traces/{trace}/tags", {"key": "k"}, "2.0")
    search = {"locations": [where], "order_by": ["timestamp_ms ASC"], "max_results": 100}
    call("POST", "traces/search", {**search, "filter": "tags.`service.name` = 'shop'"})
    for text in ("bogus = 'x'", "status > 'OK'", "span.nope = 'x'", "status = "):
        call("POST", "traces/search", {**search, "filter": text})
    call("POST", "traces/search", {**search, "max_results": 501})
    call("POST", "traces/batchGetInfos", {"trace_ids": [second, "tr-none"]})
    path = f"traces/{trace}/assessments"
    human = {"source_type": "HUMAN", "source_id": "me"}
    made = [call("POST", path, {"assessment": {"source": human, **body}})["assessment"]["assessment_id"] for body in (
        {"assessment_name": "n", "feedback": {"value": 0.5}, "rationale": "r", "metadata": {"x": "y"}, "valid": True},
        {"assessment_name": "d", "feedback": {"value": {"a": [1.5, None]}}, "span_id": "b2" * 8, "valid": True},
        {"assessment_name": "f", "feedback": {"error": {"error_code": "E", "error_message": "m"}}, "valid": True},
        {"assessment_name": "e", "expectation": {"value": "text"}},
        {"assessment_name": "s", "expectation": {"serialized_value": {
            "serialization_format": "JSON_FORMAT", "value": '{"a": 1}'}}})]
    call("PATCH", f"{path}/{made[0]}", {
        "assessment": {"feedback": {"value": "no"}, "metadata": {"z": "1"}}, "update_mask": "feedback,metadata"})
    call("POST", path, {"assessment": {
        "assessment_name": "n", "source": human, "feedback": {"value": 1.5}, "overrides": made[0], "valid": True}})
    call("GET", f"{path}/{made[0]}")
    call("DELETE", f"{path}/{made[1]}")
    call("GET", f"{path}/{made[1]}")
    call("POST", path, {"assessment": {"assessment_name": "none", "source": human}})
    call("GET", "traces/get", {"trace_id": "tr-none"})
    dataset = call("POST", "datasets/create", {
        "name": f"set-{suffix}", "experiment_ids": [experiment], "tags": '{"team": "a", "mlflow.user": "u"}'})
    path = "datasets/" + dataset["dataset"]["dataset_id"]
    call("POST", f"{path}/records", {"records": json.dumps([
        {"inputs": {"q": "1", "n": 2}, "expectations": {"a": True}, "tags": {"mlflow.user": "u"}}])})
    call("POST", f"{path}/records", {"records": json.dumps([
        {"inputs": {"n": 2, "q": "1"}, "expectations": {"b": [1]}, "outputs": {"o": None}}])})
    call("GET", f"{path}/records")
    call("GET", path)
    call("GET", f"{path}/experiment-ids")
    call("POST", "datasets/search", {"experiment_ids": [experiment], "filter_string": "name LIKE 'set%'"})
    call("DELETE", path)
    call("GET", path)
    scorer = {"experiment_id": experiment, "name": "s"}
    call("POST", "scorers/register", {**scorer, "serialized_scorer": '{"name": "s", "x": 1}'})
    call("POST", "scorers/register", {**scorer, "serialized_scorer": '{"call_source": "import os"}'})
    call("GET", "scorers/list", {"experiment_id": experiment})
    call("GET", "scorers/get", scorer)
    call("DELETE", "scorers/delete", scorer)
    call("GET", "scorers/get", scorer)
    call("POST", "traces/delete-traces", {"experiment_id": experiment}, "2.0")
    call("POST", "traces/delete-traces", {"experiment_id": experiment, "request_ids": [trace, second]}, "2.0")
    return answers


def test_traces_as_recorded(url):
    answers = ask(url)
    if os.environ.get("RECORD"):
        RECORDING.write_text("[\n" + ",\n".join(json.dumps(a, ensure_ascii=False, sort_keys=True) for a in answers) + "\n]\n")
    for answer, recorded in zip(answers, json.loads(RECORDING.read_text()), strict=True):
        assert answer == recorded, f"{answer[0]} {answer[1]}"
