"""Traces, assessments, evaluation datasets and evaluations, as the mlflow client makes them."""

import gzip
import json
import threading
import time
import uuid

import mlflow
import pytest
import requests
from mlflow.entities import AssessmentSource, Expectation, Feedback, SpanEvent
from mlflow.exceptions import MlflowException
from mlflow.genai import datasets
from mlflow.genai.scorers import scorer


@pytest.fixture(autouse=True)
def synchronous(monkeypatch):
    monkeypatch.setenv("MLFLOW_ENABLE_ASYNC_TRACE_LOGGING", "false")


@mlflow.trace(span_type="CHAIN", attributes={"a": 1, "b": [1, 2.5, "x"], "d": {"k": None, "deep": {"er": [True]}}})
def outer(x, y=2):
    with mlflow.start_span("inner", span_type="LLM") as span:
        span.set_inputs({"messages": [{"role": "user", "content": "hé"}]})
        span.set_attribute("mlflow.chat.tokenUsage", {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7})
        span.add_event(SpanEvent("tick", attributes={"q": "w"}))
        span.set_outputs({"choices": [{"message": {"role": "assistant", "content": "yo"}}]})
    mlflow.update_current_trace(
        tags={"team": "a"}, metadata={"mlflow.trace.session": "s1", "mine": "m"}, client_request_id="cr-1")
    return x + y


def traced(function, *arguments):
    function(*arguments)
    return mlflow.get_last_active_trace_id()


def test_trace(experiment):
    trace = mlflow.get_trace(traced(outer, 1))
    info = trace.info
    assert (info.state, info.experiment_id, info.client_request_id) == ("OK", experiment, "cr-1")
    assert (info.request_preview, info.response_preview) == ('{"x": 1, "y": 2}', "3")
    assert info.tags["team"] == "a" and info.tags["mlflow.traceName"] == "outer"
    assert info.trace_metadata["mine"] == "m" and info.trace_metadata["mlflow.trace.session"] == "s1"
    assert info.token_usage == {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}
    root, inner = trace.data.spans
    assert (root.name, root.span_type, root.parent_id, inner.parent_id) == ("outer", "CHAIN", None, root.span_id)
    assert (root.inputs, root.outputs) == ({"x": 1, "y": 2}, 3)
    assert root.attributes["d"] == {"k": None, "deep": {"er": [True]}} and root.attributes["b"] == [1, 2.5, "x"]
    assert inner.inputs["messages"][0]["content"] == "hé" and inner.events[0].attributes == {"q": "w"}
    assert root.start_time_ns <= inner.start_time_ns <= inner.end_time_ns <= root.end_time_ns
    # The client converts to JSON and back.
    assert mlflow.entities.Trace.from_json(trace.to_json()).info.trace_id == info.trace_id


def test_error(experiment):
    @mlflow.trace
    def broken():
        with mlflow.start_span("step"):
            raise ValueError("on purpose")

    with pytest.raises(ValueError):
        broken()
    trace = mlflow.get_trace(mlflow.get_last_active_trace_id())
    assert trace.info.state == "ERROR"
    for span in trace.data.spans:
        assert span.status.status_code == "ERROR" and "on purpose" in span.status.description
        assert span.events[0].attributes["exception.type"] == "ValueError"


def test_search(client, experiment):
    first = traced(outer, 1)
    second = traced(mlflow.trace(lambda q: q, name="other"), "find me")
    with mlflow.start_run() as run:
        third = traced(outer, 5)
    cases = {
        "": [third, second, first], "status = 'OK' AND name = 'outer'": [third, first], "name = 'other'": [second],
        "tags.team = 'a'": [third, first], "tags.team IS NULL": [second], "metadata.mine = 'm'": [third, first],
        "span.name = 'inner' AND span.type = 'LLM'": [third, first], "span.type LIKE 'CH%' AND span.name = 'inner'": [],
        "trace.text LIKE '%find me%'": [second], "span.attributes.a LIKE '%1%'": [third, first],
        "client_request_id = 'cr-1'": [third, first], f"request_id = '{second}'": [second],
        "metadata.`mlflow.trace.session` = 's1'": [third, first], f"run_id = '{run.info.run_id}'": [third],
        "attributes.execution_time >= 0 AND trace.timestamp_ms > 0": [third, second, first], "end_time < 5": [],
        "status IN ('ERROR', 'IN_PROGRESS')": [],
    }
    found = {
        text: [trace.info.trace_id for trace in client.search_traces(locations=[experiment], filter_string=text)]
        for text in cases
    }
    assert found == cases
    ascending = client.search_traces(locations=[experiment], order_by=["timestamp_ms ASC"], max_results=2)
    assert [trace.info.trace_id for trace in ascending] == [first, second]
    rest = client.search_traces(locations=[experiment], order_by=["timestamp_ms ASC"], page_token=ascending.token)
    assert [trace.info.trace_id for trace in rest] == [third]
    assert mlflow.search_traces(run_id=run.info.run_id, locations=[experiment]).trace_id.tolist() == [third]
    frame = mlflow.search_traces(locations=[experiment])
    assert frame.trace_id.tolist() == [third, second, first] and len(frame.spans[0]) == 2
    for text in ("bogus = 'x'", "status > 'OK'", "span.nope = 'x'"):
        with pytest.raises(MlflowException, match="nvalid|text"):
            client.search_traces(locations=[experiment], filter_string=text)


def test_tags_links_and_deletion(client, experiment):
    ids = [traced(outer, number) for number in range(3)]
    mlflow.set_trace_tag(ids[0], "k", "v")
    assert mlflow.get_trace(ids[0]).info.tags["k"] == "v"
    mlflow.delete_trace_tag(ids[0], "k")
    with pytest.raises(MlflowException, match="No trace tag"):
        mlflow.delete_trace_tag(ids[0], "k")
    with mlflow.start_run() as run:
        pass
    client.link_traces_to_run(ids[:2], run.info.run_id)
    found = client.search_traces(locations=[experiment], run_id=run.info.run_id)
    assert {trace.info.trace_id for trace in found} == set(ids[:2])
    with pytest.raises(MlflowException, match="max_timestamp_millis"):
        client.delete_traces(experiment)
    assert client.delete_traces(experiment, trace_ids=ids[:1]) == 1
    assert client.delete_traces(experiment, max_timestamp_millis=int(time.time() * 1000) + 1000, max_traces=1) == 1
    assert [trace.info.trace_id for trace in client.search_traces(locations=[experiment])] == ids[2:]
    assert mlflow.get_trace(ids[0], silent=True) is None


def test_assessments(client, experiment):
    trace = traced(outer, 1)
    human = AssessmentSource("HUMAN", "me")
    feedback = mlflow.log_feedback(
        trace_id=trace, name="good", value=0.9, rationale="r", source=human, metadata={"x": "y"})
    error = mlflow.log_feedback(trace_id=trace, name="failed", error=ValueError("boom"))
    mlflow.log_feedback(trace_id=trace, name="structured", value={"a": [1, 2]})
    expectation = mlflow.log_expectation(trace_id=trace, name="expected", value={"a": [1, {"b": 2}]})
    mlflow.log_expectation(trace_id=trace, name="plain", value="text")
    assert mlflow.get_assessment(trace, error.assessment_id).error.error_message == "boom"
    change = Feedback(name="good", value=0.1, rationale="r2", metadata={"z": "1"}, source=human)
    mlflow.update_assessment(trace_id=trace, assessment_id=feedback.assessment_id, assessment=change)
    mlflow.update_assessment(
        trace_id=trace, assessment_id=expectation.assessment_id, assessment=Expectation(name="expected", value=[1, 2]))
    changed = mlflow.get_assessment(trace, feedback.assessment_id)
    assert (changed.value, changed.rationale, changed.metadata) == (0.1, "r2", {"x": "y", "z": "1"})
    override = mlflow.override_feedback(trace_id=trace, assessment_id=feedback.assessment_id, value=0.5)
    values = {a.name: a.value for a in mlflow.get_trace(trace).info.assessments if a.valid is not False}
    assert values == {"good": 0.5, "failed": None, "structured": {"a": [1, 2]}, "expected": [1, 2], "plain": "text"}
    for text, count in {
            "feedback.good > 0.4": 1, "feedback.good < 0.4": 0, "feedback.good = '0.5'": 1, "feedback.no IS NULL": 1,
            "expectation.plain = 'text'": 1, "feedback.good IS NOT NULL": 1}.items():
        assert len(client.search_traces(locations=[experiment], filter_string=text)) == count, text
    mlflow.delete_assessment(trace_id=trace, assessment_id=override.assessment_id)
    assert mlflow.get_assessment(trace, feedback.assessment_id).valid
    with pytest.raises(MlflowException, match="not found"):
        mlflow.get_assessment(trace, override.assessment_id)


def test_prompts(client, experiment, unique):
    prompt = mlflow.genai.register_prompt(name=unique("prompt"), template="Hi {{name}}", commit_message="first")
    mlflow.genai.register_prompt(name=prompt.name, template="Hello {{name}}")
    mlflow.genai.set_prompt_alias(prompt.name, alias="prod", version=1)
    trace = traced(mlflow.trace(lambda: mlflow.genai.load_prompt(f"prompts:/{prompt.name}@prod").format(name="x")))
    assert json.loads(mlflow.get_trace(trace).info.tags["mlflow.linkedPrompts"]) == [
        {"name": prompt.name, "version": "1"}]
    other = traced(outer, 1)
    client.link_prompt_versions_to_trace([prompt], other)
    found = client.search_traces(locations=[experiment], filter_string=f"prompt = '{prompt.name}/1'")
    assert {t.info.trace_id for t in found} >= {other}


def test_evaluation_datasets(experiment, unique):
    dataset = datasets.create_dataset(name=unique("questions"), experiment_id=experiment, tags={"team": "a"})
    dataset.merge_records([
        {"inputs": {"q": "1"}, "expectations": {"a": "2"}}, {"inputs": {"q": "3"}, "outputs": "o", "tags": {"z": "1"}}])
    dataset.merge_records([{"inputs": {"q": "1"}, "expectations": {"b": 3.5}}])
    dataset.merge_records([mlflow.get_trace(traced(outer, 1))])
    records = {json.dumps(r["inputs"]): r for r in dataset.to_df().to_dict("records")}
    assert records['{"q": "1"}']["expectations"] == {"a": "2", "b": 3.5} and records['{"q": "3"}']["outputs"] == "o"
    assert records['{"x": 1, "y": 2}']["source_type"] == "TRACE"
    again = datasets.get_dataset(dataset_id=dataset.dataset_id)
    assert json.loads(again.profile) == {"num_records": 3} and again.digest != dataset.digest
    assert json.loads(again.schema)["inputs"] == {"q": "string", "x": "integer", "y": "integer"}
    names = [
        found.name for found in datasets.search_datasets(
            experiment_ids=[experiment], filter_string="name LIKE 'questions%' AND tags.team = 'a'")]
    assert names == [dataset.name]
    datasets.set_dataset_tags(dataset_id=dataset.dataset_id, tags={"n": "1"})
    datasets.delete_dataset_tag(dataset_id=dataset.dataset_id, key="team")
    tags = datasets.get_dataset(dataset_id=dataset.dataset_id).tags
    assert tags.get("n") == "1" and "team" not in tags
    other = mlflow.create_experiment(unique("other"))
    datasets.add_dataset_to_experiments(dataset_id=dataset.dataset_id, experiment_ids=[other])
    datasets.remove_dataset_from_experiments(dataset_id=dataset.dataset_id, experiment_ids=[experiment])
    assert datasets.get_dataset(dataset_id=dataset.dataset_id).experiment_ids == [other]
    datasets.delete_dataset(dataset_id=dataset.dataset_id)
    with pytest.raises(MlflowException, match="not found|could not"):
        datasets.get_dataset(dataset_id=dataset.dataset_id)


def test_evaluate(client, experiment):
    @scorer
    def exact(outputs, expectations):
        return outputs == expectations["a"]

    @scorer
    def length(outputs):
        return len(outputs)

    @scorer
    def failing(outputs):
        raise RuntimeError("on purpose")

    result = mlflow.genai.evaluate(
        data=[{"inputs": {"q": "x"}, "expectations": {"a": "x"}}, {"inputs": {"q": "y"}, "expectations": {"a": "z"}}],
        predict_fn=lambda q: q, scorers=[exact, length, failing])
    assert (result.metrics["exact/mean"], result.metrics["length/mean"]) == (0.5, 1)
    traces = client.search_traces(locations=[experiment], run_id=result.run_id)
    values = {a.name: a.error is None for trace in traces for a in trace.info.assessments}
    assert len(traces) == 2 and values == {"exact": True, "length": True, "failing": False, "a": True}


def test_otlp(url, api, experiment):
    """What exporters send that are not MLflow's: JSON, gzip, conventions of GenAI."""
    def attribute(key, **value):
        return {"key": key, "value": value}

    trace, span = uuid.uuid4().hex, "eee19b7ec3c1b174"
    body = {"resourceSpans": [{
        "resource": {"attributes": [attribute("service.name", stringValue="shop")]},
        "scopeSpans": [{"scope": {"name": "x"}, "spans": [{
            "traceId": trace, "spanId": span, "name": "chat m", "kind": 3,
            "startTimeUnixNano": "1544712660000000000", "endTimeUnixNano": "1544712661500000000",
            "attributes": [
                attribute("gen_ai.operation.name", stringValue="chat"), attribute("session.id", stringValue="s9"),
                attribute("gen_ai.usage.input_tokens", intValue="3"),
                attribute("gen_ai.usage.output_tokens", intValue="4")],
            "status": {"code": 2, "message": "oh"}}]}]}]}
    headers = {"x-mlflow-experiment-id": experiment, "content-type": "application/json", "content-encoding": "gzip"}
    data = gzip.compress(json.dumps(body).encode())
    assert requests.post(f"{url}/v1/traces", data=data, headers=headers, timeout=30).status_code == 200
    found = api("GET", "traces/get", {"trace_id": f"tr-{trace}"}, "3.0")[1]["trace"]
    info = found["trace_info"]
    assert (info["state"], info["tags"]["service.name"]) == ("ERROR", "shop")
    assert (info["trace_metadata"]["mlflow.trace.session"], info["execution_duration"][:3]) == ("s9", "1.5")
    assert json.loads(info["trace_metadata"]["mlflow.trace.tokenUsage"])["total_tokens"] == 7
    assert {"key": "mlflow.spanType", "value": {"string_value": "CHAT_MODEL"}} in found["spans"][0]["attributes"]
    for wrong, kind, status in [
            (b"garbage", "application/x-protobuf", 400), (b"", "application/x-protobuf", 400), (data, "text/plain", 400)]:
        sent = {"x-mlflow-experiment-id": experiment, "content-type": kind}
        assert requests.post(f"{url}/v1/traces", data=wrong, headers=sent, timeout=30).status_code == status


@pytest.mark.stricter
def test_otlp_bombs_and_strangers(url, experiment):
    headers = {"x-mlflow-experiment-id": experiment, "content-type": "application/x-protobuf", "content-encoding": "gzip"}
    bomb = gzip.compress(b"\0" * (100 << 20))
    answer = requests.post(f"{url}/v1/traces", data=bomb, headers=headers, timeout=30)
    assert answer.status_code == 400 and "unpacks to more" in answer.json()["message"]
    headers["x-mlflow-experiment-id"] = "987654321"
    answer = requests.post(f"{url}/v1/traces", data=gzip.compress(b"\x0a\x00"), headers=headers, timeout=30)
    assert answer.status_code in (200, 404)


def test_many_at_once(client, experiment):
    """Traces of several threads: nothing is lost."""
    threads = [threading.Thread(target=lambda: [traced(outer, n) for n in range(5)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    traces = client.search_traces(locations=[experiment])
    assert len(traces) == 20 and all(len(trace.data.spans) == 2 for trace in traces)
