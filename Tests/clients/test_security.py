"""What MLflow's security advisories describe, class by class: each request here must be refused, and change nothing."""

import base64
import http.server
import json
import socket
import threading
import time
import urllib.parse

import mlflow
import pytest
import requests
from mlflow.exceptions import MlflowException
from servers import Server

pytestmark = pytest.mark.stricter


def raw(url, method, target, headers=None, data=None):
    """Sent as it is: requests would tidy the path."""
    request = requests.Request(method, url, headers=headers, data=data).prepare()
    request.url = url + target
    with requests.Session() as session:
        return session.send(request, timeout=30)


@pytest.fixture
def root(client, experiment):
    """A run's place among the artifacts, with one file in it."""
    run = client.create_run(experiment)
    client.log_text(run.info.run_id, "inside", "a.txt")
    return run.info.artifact_uri.removeprefix("mlflow-artifacts:/")


ELSEWHERE = [
    "/etc/passwd", "file:///etc/passwd", "FILE:///etc", "//host/share", "\\\\host\\share", "C:\\Windows", "../up", "~/.ssh",
    "http://evil.example/x", "HTTPS://evil.example/x", "mlflow-artifacts://evil.example/x", "gopher://evil.example/",
    "s3://bucket/../x", "s3://bucket/%2e%2e/x", "s3://bucket/%252e%252e/x", "javascript:alert(1)",
]


@pytest.mark.parametrize("place", ELSEWHERE)
def test_locations_on_local_disks_and_other_hosts(client, api, unique, place):
    with pytest.raises(MlflowException):
        client.create_experiment(unique("e"), artifact_location=place)
    if not place.startswith("mlflow-artifacts"):
        name = unique("m")
        client.create_registered_model(name)
        status, answer = api("POST", "model-versions/create", {"name": name, "source": place})
        assert (status, answer["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


OUT = ["..", "%2e%2e", "%252e%252e", "%25252e%25252e", "..%5c", "%5c..", "..%255c", "%c0%ae%c0%ae", "%e0%80%ae%e0%80%ae",
       "%uff0e%uff0e%00", ".%00.", "%ef%bc%8e%ef%bc%8e", "%e2%80%a4%e2%80%a4", "%e2%80%a5", "..%ef%bc%8fx"]


@pytest.mark.parametrize("part", OUT)
def test_traversal_in_every_encoding(url, root, part):
    base = f"/api/2.0/mlflow-artifacts/artifacts/{root}"
    for target in (f"{base}/{part}/escape.txt", f"{base}/in/{part}/{part}/escape.txt"):
        assert raw(url, "PUT", target, data=b"x").status_code in (400, 404)
        for method in ("GET", "DELETE", "HEAD"):
            assert raw(url, method, target).status_code in (200 if method == "DELETE" else 404, 400, 404)
    listed = raw(url, "GET", f"/api/2.0/mlflow-artifacts/artifacts?path={root}/{part}")
    assert listed.status_code in (400, 404) or listed.json() == {}
    for verb in ("create", "complete", "abort"):
        body = {"path": f"x/{urllib.parse.unquote(part)}", "num_parts": 1, "upload_id": "x", "parts": []}
        answer = requests.post(f"{url}/api/2.0/mlflow-artifacts/mpu/{verb}/{root}/{part}", json=body, timeout=30)
        assert answer.status_code in (400, 404), answer.text
    assert requests.get(f"{url}{base}/a.txt", timeout=30).text == "inside"


def test_a_link_in_the_data_folder_leads_nowhere(tmp_path):
    """Objects are found by digest and opened without following links."""
    server = Server(tmp_path).wait_ready()
    try:
        client = mlflow.MlflowClient(server.url)
        run = client.create_run("0")
        client.log_text(run.info.run_id, "x" * 100_000, "a.txt")
        [stored] = [path for path in (tmp_path / "data").rglob("*") if path.is_file() and path.stat().st_size == 100_000]
        (tmp_path / "secret").write_text("s" * 100_000)
        stored.unlink()
        stored.symlink_to(tmp_path / "secret")
        root = run.info.artifact_uri.removeprefix("mlflow-artifacts:/")
        try:
            answer = requests.get(f"{server.url}/api/2.0/mlflow-artifacts/artifacts/{root}/a.txt", timeout=30)
            assert "sss" not in answer.text
        except requests.RequestException:
            pass  # cut off
    finally:
        server.kill()


INTERNAL = ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "10.0.0.1", "192.168.1.1", "169.254.169.254", "[fd00::1]", "[fe80::1]",
            "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "2130706433", "0x7f000001", "0177.0.0.1", "127.1"]


@pytest.mark.parametrize("host", INTERNAL)
def test_requests_into_the_own_network(client, api, url, unique, host):
    """Server-side request forgery by webhooks and by sources."""
    with pytest.raises(MlflowException, match="Invalid webhook URL"):
        client.create_webhook("ssrf", f"https://{host}/x", ["prompt.created"])
    name = unique("src")
    made = requests.post(f"{url}/api/v1/sources", timeout=30, json={
        "name": name, "project": "default", "kind": "http", "location": f"http://{host}:9/x.csv"})
    if made.status_code == 201:
        made = requests.post(f"{url}/api/v1/sources/{name}/import", json={"dataset": unique("d")}, timeout=60)
    assert made.status_code in (400, 403), made.text


def test_a_redirect_leads_a_webhook_nowhere(tmp_path):
    """Nor a source, which may follow redirects, to an address that is never allowed."""
    hits = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            hits.append(self.path)
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(307)
            self.send_header("Location", "/inner" if self.path == "/hook" else "http://169.254.169.254/latest")
            self.end_headers()

        do_GET = do_POST

        def log_message(self, *arguments):
            pass

    receiver = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    server = Server(tmp_path, "--allow-private-sources").wait_ready()
    try:
        client = mlflow.MlflowClient(server.url, server.url)
        hook = client.create_webhook("r", f"http://127.0.0.1:{receiver.server_port}/hook", ["prompt.created"])
        result = client.test_webhook(hook.webhook_id)
        assert not result.success and "redirect" in result.error_message and hits == ["/hook"]
        made = requests.post(f"{server.url}/api/v1/sources", timeout=30, json={
            "name": "s", "project": "default", "kind": "http",
            "location": f"http://127.0.0.1:{receiver.server_port}/data.csv"})
        answer = requests.post(f"{server.url}/api/v1/sources/s/import", json={"dataset": "d"}, timeout=60)
        assert made.status_code == 201 and answer.status_code == 403 and "169.254.169.254" in answer.text
    finally:
        server.kill()
        receiver.shutdown()
        receiver.server_close()


@pytest.mark.parametrize("headers, status", [
    ({"Host": "evil.example"}, 403), ({"Host": "127.0.0.1.evil.example"}, 403), ({"Host": ""}, 403),
    ({"Host": "127.0.0.1@evil.example"}, 403),  # DNS rebinding
    ({"Origin": "http://evil.example"}, 403), ({"Origin": "null"}, 403), ({"Origin": "http://127.0.0.1:1"}, 403),
    ({"Sec-Fetch-Site": "cross-site"}, 403), ({"Sec-Fetch-Site": "same-site"}, 403),
    ({"Content-Type": "text/plain"}, 400), ({"Content-Type": "text/plain;charset=UTF-8"}, 400),
    ({}, 200), ({"Sec-Fetch-Site": "same-origin"}, 200), ({"Sec-Fetch-Site": "none"}, 200),
])
def test_pages_of_other_sites(url, unique, headers, status):
    name = unique("e")
    answer = requests.post(f"{url}/api/2.0/mlflow/experiments/create", data=json.dumps({"name": name}), timeout=30,
                           headers={"Content-Type": "application/json"} | headers)
    assert answer.status_code == status, answer.text
    assert "Access-Control-Allow-Origin" not in answer.headers
    found = requests.get(f"{url}/api/2.0/mlflow/experiments/get-by-name", params={"experiment_name": name}, timeout=30)
    assert (found.status_code == 200) == (status == 200)
    preflight = requests.options(f"{url}/api/2.0/mlflow/experiments/create", timeout=30, headers={
        "Origin": "http://evil.example", "Access-Control-Request-Method": "POST"})
    assert preflight.status_code >= 400 and "Access-Control-Allow-Origin" not in preflight.headers


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("guarded"), "--require-token")
    yield server.wait_ready()
    server.kill()


def test_twins_of_guarded_routes(guarded):
    paths = ["mlflow/experiments/search", "mlflow/runs/search", "mlflow/registered-models/search", "mlflow/webhooks",
             "mlflow-artifacts/artifacts", "mlflow-artifacts/artifacts/0/x/artifacts/a", "mlflow/artifacts/list"]
    prefixes = ["/api/2.0/", "/ajax-api/2.0/", "/api/3.0/", "/ajax-api/3.0/", "/API/2.0/", "/Ajax-Api/2.0/", "//api/2.0/",
                "/api//2.0/", "/./api/2.0/", "/x/../api/2.0/", "/%61pi/2.0/", "/api/2.0/%2e/", "/static/../api/2.0/", "/api/v1/"]
    plain = ["/get-artifact?run_id=x&path=y", "/model-versions/get-artifact?name=x&version=1&path=y", "/graphql",
             "/ajax-api/2.0/mlflow/get-trace-artifact?request_id=x", "/metrics", "/api/v1/events", "/v1/traces"]
    targets = [prefix + path + end for prefix in prefixes for path in paths for end in ("", "/", "?_method=GET", ";x", "%00")]
    for target in targets + plain:
        for method, headers in [("GET", {}), ("POST", {}), ("POST", {"X-HTTP-Method-Override": "GET"}), ("HEAD", {}),
                                ("GET", {"X-Original-URL": "/health", "X-Forwarded-For": "127.0.0.1"})][
                                    : 5 if target in plain or target.startswith("/api/2.0/mlflow/experiments") else 1]:
            answer = raw(guarded.url, method, target, headers)
            assert answer.status_code in (400, 401, 404, 405), (method, target, answer.status_code, answer.text[:200])


@pytest.mark.parametrize("user, password", [
    ("admin", "password"), ("admin", "password1234"), ("admin", "admin"), ("admin", ""), ("", ""), ("root", "root")])
def test_default_credentials(guarded, user, password):
    basic = base64.b64encode(f"{user}:{password}".encode()).decode()
    for value in (f"Basic {basic}", f"Bearer {password}", "Bearer null", "Basic"):
        answer = requests.get(f"{guarded.url}/api/2.0/mlflow/experiments/get?experiment_id=0", timeout=30,
                              headers={"Authorization": value})
        assert answer.status_code == 401


@pytest.mark.parametrize("name", ["page.html", "page.svg", "page.xhtml", "page.js", "page.xml", "page.mht", "page", 'a"b.html',
                                  "a\u00fc.html", "page.json"])
def test_what_was_uploaded_never_runs(url, client, experiment, name):
    run = client.create_run(experiment).info
    quoted = urllib.parse.quote(name)
    root = run.artifact_uri.removeprefix("mlflow-artifacts:/")
    path = f"{url}/api/2.0/mlflow-artifacts/artifacts/{root}/{quoted}"
    assert requests.put(path, data=b"<script>alert(1)</script>", timeout=30).status_code == 200
    for target in (path, f"{url}/get-artifact?run_id={run.run_id}&path={quoted}",
                   f"{url}/api/v1/runs/{run.run_id}/artifacts/{quoted}"):
        headers = requests.get(target, timeout=30).headers
        assert headers["Content-Disposition"].startswith("attachment; filename=\"")
        assert headers["X-Content-Type-Options"] == "nosniff" and "sandbox" in headers["Content-Security-Policy"]
        kind = headers["Content-Type"].split(";")[0]
        assert kind in ("text/plain", "application/octet-stream", "application/json")
    # And what is said back is never a page.
    said = requests.get(f"{url}/api/2.0/mlflow/runs/get?run_id=<script>alert(1)</script>", timeout=30)
    missing = requests.get(f"{url}/<script>alert(1)</script>", timeout=30)
    for answer in (said, missing):
        assert answer.headers["Content-Type"].startswith("application/json")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def nested(depth):
    return "[" * depth + "]" * depth


@pytest.mark.parametrize("path, body", [
    ("runs/search", json.dumps({"experiment_ids": ["0"], "filter": " AND ".join(["metrics.a > 1"] * 5000)})),
    ("runs/search", json.dumps({"experiment_ids": ["0"], "filter": "(" * 2000 + "metrics.a > 1" + ")" * 2000})),
    ("runs/search", json.dumps({"experiment_ids": ["0"], "filter": "tags.a IN ('" + "','".join(["x"] * 20000) + "')"})),
    ("runs/search", json.dumps({"experiment_ids": ["0"], "max_results": 10**9})),
    ("runs/search", '{"experiment_ids":' + nested(10_000) + "}"),
    ("experiments/create", '{"name":' * 5000 + "1" + "}" * 5000),
    ("experiments/create", '{"name":"' + "x" * 40_000_000 + '"}'),
    ("runs/log-batch", json.dumps({"run_id": "x", "metrics": [{"key": "k", "value": 1, "timestamp": 1}] * 1001})),
    ("runs/log-batch", '{"run_id":"x","metrics":' + nested(5000) + "}"),
])
def test_too_much(url, path, body):
    start = time.monotonic()
    answer = requests.post(f"{url}/api/2.0/mlflow/{path}", data=body, timeout=30,
                           headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 404, 413) and answer.json()["error_code"] != "INTERNAL_ERROR", answer.text[:300]
    assert time.monotonic() - start < 10


def test_patterns_that_take_for_ever(client, experiment):
    run = client.create_run(experiment).info.run_id
    client.set_tag(run, "t", "a" * 5000)
    start = time.monotonic()
    found = client.search_runs([experiment], "tags.t LIKE '" + "%a" * 500 + "%b' OR tags.t ILIKE '" + "%a_" * 300 + "%b'")
    assert len(found) == 0 and time.monotonic() - start < 10


def test_headers_and_targets_without_end(url):
    """A server that reads on for ever can be filled from one socket."""
    host, port = urllib.parse.urlsplit(url).netloc.split(":")
    for request in (b"GET /" + b"a" * 2_000_000 + b" HTTP/1.1\r\n", b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200_000):
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            try:
                connection.sendall(request + b"Host: 127.0.0.1\r\n\r\n")
                answer = connection.recv(100)
            except OSError:
                continue
            assert answer == b"" or b" 4" in answer[:15], answer


@pytest.mark.parametrize("name", ["a/b", "a:b", "", "a\nb", "a\x00b", "..", "."])
def test_names_that_do_not_survive_a_url(api, name):
    status, answer = api("POST", "registered-models/create", {"name": name})
    assert (status, answer["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize("name", ["a b", "a%2fb", "a?b=c", "a#b", "ü💡", "a&b", "a+b"])
def test_names_that_do(client, unique, name):
    name = unique(name)
    client.create_experiment(name)
    assert client.get_experiment_by_name(name).name == name
    client.create_registered_model(name)
    assert client.get_registered_model(name).name == name


def test_what_is_not_there_says_so(api):
    for path, version, wanted in [
            ("gateway/secrets/list", "3.0", (501, "NOT_IMPLEMENTED")), ("mcp-servers/x", "3.0", (501, "NOT_IMPLEMENTED")),
            ("prompt-optimization/jobs/x", "3.0", (501, "NOT_IMPLEMENTED")),
            ("label-schemas/list", "3.0", (501, "NOT_IMPLEMENTED")), ("review-queues/list", "3.0", (501, "NOT_IMPLEMENTED")),
            ("issues/x", "3.0", (501, "NOT_IMPLEMENTED")), ("nowhere/at/all", "2.0", (404, "ENDPOINT_NOT_FOUND"))]:
        status, answer = api("GET", path, version=version)
        assert (status, answer["error_code"]) == wanted and answer["message"], answer
