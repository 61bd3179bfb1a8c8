"""Webhooks through MLflow's client, with a receiver that checks the signature as MLflow's documentation tells receivers
to, and what becomes of deliveries when receivers or the server fail."""

import base64
import collections
import hashlib
import hmac
import http.server
import json
import sqlite3
import threading
import time

import mlflow
import pytest
import requests
from mlflow.exceptions import MlflowException
from servers import Server, free_port

SECRET = "a-webhook-secret"
DEADLINE_SECONDS = 20


class Receiver:
    """Listens on loopback; `answers` are the statuses to come, then 200 for ever."""

    def __init__(self, port=0):
        self.requests, self.answers = [], collections.deque()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests.append((self.path, dict(self.headers), body.decode()))
                self.send_response(receiver.answers.popleft() if receiver.answers else 200)
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.end_headers()
                self.wfile.write(b"thanks")

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait(self, count):
        deadline = time.monotonic() + DEADLINE_SECONDS
        while len(self.requests) < count:
            assert time.monotonic() < deadline, self.requests
            time.sleep(0.02)
        return self.requests

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def verified(secret, headers, body, max_age_seconds=300):
    """What a receiver does, after MLflow's documentation: a fresh timestamp, then the signature in constant time."""
    headers = {name.lower(): value for name, value in headers.items()}
    delivery, sent = headers["x-mlflow-delivery-id"], headers["x-mlflow-timestamp"]
    assert abs(time.time() - int(sent)) <= max_age_seconds
    version, signature = headers["x-mlflow-signature"].split(",", 1)
    assert version == "v1"
    expected = base64.b64encode(
        hmac.new(secret.encode(), f"{delivery}.{sent}.{body}".encode(), hashlib.sha256).digest()).decode()
    return hmac.compare_digest(signature, expected)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server whose webhooks may reach loopback."""
    server = Server(tmp_path_factory.mktemp("webhooks"), "--allow-private-sources")
    yield server.wait_ready()
    server.kill()


@pytest.fixture
def client(server):
    return mlflow.MlflowClient(server.url, server.url)


@pytest.fixture
def receiver(client):
    receiver = Receiver()
    yield receiver
    for hook in client.list_webhooks():
        client.delete_webhook(hook.webhook_id)
    receiver.close()


def log(server, hook, state=None):
    answer = requests.get(
        f"{server.url}/api/v1/webhooks/{hook.webhook_id}/deliveries", params={"state": state} if state else {},
        timeout=30)
    return answer.json()["items"]


def wait_for(condition):
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def test_a_webhook_is_kept_and_changed(server, client, receiver):
    hook = client.create_webhook(
        "deploys", receiver.url, ["model_version.created", "model_version_alias.created"], "about", SECRET)
    assert (hook.name, hook.url, hook.description, str(hook.status)) == ("deploys", receiver.url, "about", "ACTIVE")
    assert {str(event) for event in hook.events} == {"model_version.created", "model_version_alias.created"}
    assert [found.webhook_id for found in client.list_webhooks()] == [hook.webhook_id]
    changed = client.update_webhook(hook.webhook_id, name="other", events=["prompt.created"], status="DISABLED")
    assert (changed.name, changed.url, str(changed.status)) == ("other", receiver.url, "DISABLED")
    assert [str(event) for event in client.get_webhook(hook.webhook_id).events] == ["prompt.created"]
    client.delete_webhook(hook.webhook_id)
    with pytest.raises(MlflowException, match="not found"):
        client.get_webhook(hook.webhook_id)


def test_every_event_arrives_signed_and_in_order(client, receiver, unique):
    events = ["registered_model.created", "model_version.created", "model_version_tag.set", "model_version_tag.deleted",
              "model_version_alias.created", "model_version_alias.deleted", "prompt.created", "prompt_version.created",
              "prompt_tag.set", "prompt_tag.deleted", "prompt_version_tag.set", "prompt_version_tag.deleted",
              "prompt_alias.created", "prompt_alias.deleted"]
    for event in events:  # one each, so that each event's requests have an order of their own
        client.create_webhook(event.replace(".", "-"), f"{receiver.url}/{event}", [event], secret=SECRET)
    name, prompt = unique("model"), unique("prompt")
    client.create_registered_model(name, {"team": "fresh"}, "words")
    client.create_model_version(name, "s3://bucket/model", tags={"a": "b"}, description="first")
    client.set_model_version_tag(name, "1", "k", "v")
    client.delete_model_version_tag(name, "1", "k")
    client.set_registered_model_alias(name, "champion", "1")
    client.delete_registered_model_alias(name, "champion")
    client.register_prompt(prompt, "Hello {{name}}!", "say it")
    client.set_prompt_tag(prompt, "k", "v")
    client.delete_prompt_tag(prompt, "k")
    client.set_prompt_version_tag(prompt, "1", "k", "v")
    client.delete_prompt_version_tag(prompt, "1", "k")
    client.set_prompt_alias(prompt, "live", 1)
    client.delete_prompt_alias(prompt, "live")
    wait_for(lambda: {path.rsplit("/", 1)[1] for path, _, _ in receiver.requests} == set(events))
    assert all(verified(SECRET, headers, body) for _, headers, body in receiver.requests)
    assert not any(verified("another", headers, body) for _, headers, body in receiver.requests)
    told = collections.defaultdict(list)
    for path, _, body in receiver.requests:
        body = json.loads(body)
        assert path.endswith(f"/{body['entity']}.{body['action']}") and body["timestamp"]
        told[f"{body['entity']}.{body['action']}"].append(body["data"])
    assert told["registered_model.created"] == [{"name": name, "tags": {"team": "fresh"}, "description": "words"}]
    assert told["model_version.created"] == [{
        "name": name, "version": "1", "source": "s3://bucket/model", "run_id": None, "tags": {"a": "b"},
        "description": "first"}]
    assert told["model_version_tag.set"] == [{"name": name, "version": "1", "key": "k", "value": "v"}]
    assert told["model_version_alias.created"] == [{"name": name, "alias": "champion", "version": "1"}]
    assert told["model_version_alias.deleted"] == [{"name": name, "alias": "champion"}]
    assert told["prompt_version.created"][0]["template"] == "Hello {{name}}!"
    assert told["prompt_alias.created"] == [{"name": prompt, "alias": "live", "version": "1"}]


def test_trying_one(client, receiver):
    hook = client.create_webhook("try", receiver.url, ["model_version.created"], secret=SECRET)
    result = client.test_webhook(hook.webhook_id, "model_version_tag.set")
    assert (result.success, result.response_status, result.response_body) == (True, 200, "thanks")
    [(_, headers, body)] = receiver.requests
    assert verified(SECRET, headers, body) and json.loads(body)["entity"] == "model_version_tag"
    receiver.answers.extend([500, 302])
    failed, moved = client.test_webhook(hook.webhook_id), client.test_webhook(hook.webhook_id)
    assert (failed.success, failed.response_status) == (False, 500)
    assert not moved.success and "redirect" in moved.error_message and len(receiver.requests) == 3


def test_what_fails_is_tried_again_and_what_is_refused_is_not(server, client, receiver, unique):
    receiver.answers.extend([503, 429])
    hook = client.create_webhook("again", receiver.url, ["registered_model.created"], secret=SECRET)
    client.create_registered_model(unique("model"))
    receiver.wait(3)
    [entry] = wait_for(lambda: log(server, hook, "delivered"))
    assert (entry["attempts"], entry["responseStatus"], entry["event"]) == (3, 200, "registered_model.created")
    ids = {headers["X-MLflow-Delivery-Id"] for _, headers, _ in receiver.requests}
    assert ids == {entry["id"]} and all(verified(SECRET, headers, body) for _, headers, body in receiver.requests)
    receiver.answers.append(410)
    client.create_registered_model(unique("other"))
    [entry] = wait_for(lambda: log(server, hook, "failed"))
    assert (entry["attempts"], entry["responseStatus"], entry["due"]) == (1, 410, None)


def test_deliveries_and_secrets_survive_a_kill(tmp_path, unique):
    port = free_port()
    server = Server(tmp_path, "--allow-private-sources").wait_ready()
    try:
        client = mlflow.MlflowClient(server.url, server.url)
        hook = client.create_webhook("kept", f"http://127.0.0.1:{port}/hook", ["registered_model.created"],
                                     secret=SECRET)
        name = unique("model")
        client.create_registered_model(name)
        [entry] = wait_for(lambda: [e for e in log(server, hook) if e["attempts"] >= 1])
        assert entry["state"] == "pending" and "127.0.0.1" in entry["error"]
    finally:
        server.kill()
    stored = sqlite3.connect(tmp_path / "data/slipway.db").execute("SELECT secret FROM webhook").fetchall()
    assert len(stored) == 1 and stored[0][0].startswith("1:") and SECRET not in stored[0][0]
    assert not any(SECRET.encode() in path.read_bytes() for path in (tmp_path / "data").glob("slipway.db*"))
    receiver = Receiver(port)
    server = Server(tmp_path, "--allow-private-sources").wait_ready()
    try:
        [(_, headers, body)] = receiver.wait(1)
        assert verified(SECRET, headers, body) and json.loads(body)["data"]["name"] == name
        assert headers["X-MLflow-Delivery-Id"] == entry["id"]
        wait_for(lambda: [e["state"] for e in log(server, hook)] == ["delivered"])
    finally:
        server.kill()
        receiver.close()
