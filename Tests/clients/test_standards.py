"""Croissant checked and read by mlcroissant, OpenLineage by its client's classes."""

import hashlib
import http.server
import importlib
import io
import json
import threading
import time
import warnings
import zipfile

import pytest
import requests

from servers import serving

mlcroissant = pytest.importorskip("mlcroissant")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("standards"), "--allow-private-sources") as server:
        yield server


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """mlcroissant keeps what it downloads by URL, and the next server may have the same port."""
    from etils import epath
    from mlcroissant._src.core import constants
    monkeypatch.setattr(constants, "DOWNLOAD_PATH", epath.Path(tmp_path / "download"))
    monkeypatch.setattr(constants, "EXTRACT_PATH", epath.Path(tmp_path / "extract"))


@pytest.fixture
def call(server):
    def call(method, path, body=None, **arguments):
        answer = requests.request(method, f"{server.url}/api/v1{path}", json=body, timeout=60, **arguments)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None
    return call


def append(server, name, text, **query):
    answer = requests.post(
        f"{server.url}/api/v1/datasets/{name}/append", params=query, data=text.encode(), timeout=60,
        headers={"Content-Type": "text/csv"})
    assert answer.status_code == 201, answer.text


def read(document, tmp_path, record_set="rows"):
    """The issues that mlcroissant finds, and the records that it reads."""
    path = tmp_path / "croissant.json"
    path.write_text(json.dumps(document))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = mlcroissant.Dataset(str(path))
    issues = dataset.metadata.ctx.issues
    return issues, list(dataset.records(record_set))


def test_mlcroissant_reads_a_version_from_the_server(server, call, tmp_path):
    append(server, "trips", "id,when,fare,paid,note\n1,2026-01-31,2.5,true,a b\n2,2026-02-01,,false,ü\n")
    append(server, "trips", "id,when,fare,paid,note\n3,2026-02-02,7,true,\n")
    call("PATCH", "/datasets/trips", {"key": ["id"], "description": "Trips by taxi."})
    call("PUT", "/datasets/trips/columns/note", {"pii": "indirect", "kind": "free text", "description": "A remark."})
    call("PUT", "/datasets/trips/card", {
        "license": "CC-BY-4.0", "citation": "Mia: Trips. 2026.", "creators": ["Mia"], "keywords": ["taxi"],
        "responsible": {"dataBiases": "one city", "dataUseCases": "fares"}})
    document = call("GET", "/datasets/trips/versions/2/croissant")
    issues, records = read(document, tmp_path)
    assert not issues.errors and not issues.warnings, issues.report()
    assert [(r["rows/id"], r["rows/fare"], r["rows/paid"], r["rows/note"]) for r in records] == [
        (1, 2.5, True, b"a b"), (2, None, False, "ü".encode()), (3, 7.0, True, None)]
    assert [str(r["rows/when"])[:10] for r in records] == ["2026-01-31", "2026-02-01", "2026-02-02"]
    assert document["conformsTo"] == "http://mlcommons.org/croissant/1.1" and document["version"] == "2.0.0"
    assert document["license"] == "https://spdx.org/licenses/CC-BY-4.0"
    [file] = document["distribution"]
    content = requests.get(file["contentUrl"], timeout=60).content
    assert hashlib.sha256(content).hexdigest() == file["sha256"]
    assert f"{len(content)} B" == file["contentSize"]


def test_mlcroissant_reads_a_dataset_of_files(server, call, tmp_path):
    content = {"cats/1.txt": b"a cat", "\u00fc b/2.bin": bytes(range(256))}
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as z:
        for name, data in content.items():
            z.writestr(name, data)
    answer = requests.post(
        f"{server.url}/api/v1/datasets/pictures/archive", params={"project": "default", "format": "zip"},
        data=archive.getvalue(), headers={"Content-Type": "application/octet-stream"}, timeout=60)
    assert answer.status_code == 201, answer.text
    document = call("GET", "/datasets/pictures/versions/1/croissant")
    issues, records = read(document, tmp_path, "files")
    assert not issues.errors, issues.report()
    assert {r["files/path"].decode().removeprefix("files/"): r["files/content"] for r in records} == content
    issues, records = read(document, tmp_path)
    assert sorted(r["rows/path"].decode() for r in records) == sorted(content)


class Files(http.server.BaseHTTPRequestHandler):
    content = {}

    def do_GET(self):
        body = self.content.get(self.path)
        self.send_response(200 if body is not None else 404)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.server.statuses.pop(0) if self.server.statuses else 201
        if status < 300:
            self.server.received.append(json.loads(body))
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def other():
    """Another web server: files to fetch, and an end for events, which answers with `statuses` first."""
    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files)
    web.received, web.statuses = [], []
    thread = threading.Thread(target=web.serve_forever)
    thread.start()
    web.url = f"http://127.0.0.1:{web.server_address[1]}"
    yield web
    web.shutdown()
    thread.join()


def test_a_document_made_by_mlcroissant_is_read(server, other, tmp_path):
    Files.content = {"/passengers.csv": b"Name,Age,Fare\nAnn,31,7.25\nBob,,8\n"}
    text = mlcroissant.DataType.TEXT
    source = lambda column: mlcroissant.Source(file_object="csv", extract=mlcroissant.Extract(column=column))
    metadata = mlcroissant.Metadata(
        name="passengers", description="Who sailed.", url=other.url, license=["https://spdx.org/licenses/CC0-1.0"],
        cite_as="none", distribution=[mlcroissant.FileObject(
            id="csv", name="passengers.csv", content_url=f"{other.url}/passengers.csv", encoding_formats=["text/csv"],
            sha256=hashlib.sha256(Files.content["/passengers.csv"]).hexdigest())],
        record_sets=[mlcroissant.RecordSet(id="people", name="people", fields=[
            mlcroissant.Field(id="people/name", name="name", data_types=text, source=source("Name")),
            mlcroissant.Field(id="people/age", name="age", data_types=mlcroissant.DataType.INTEGER, source=source("Age")),
            mlcroissant.Field(id="people/fare", name="fare", data_types=mlcroissant.DataType.FLOAT, source=source("Fare")),
        ])])
    document = json.dumps(metadata.to_json(), default=str)
    url = f"{server.url}/api/v1/datasets/passengers/croissant"
    answer = requests.post(url, data=document, headers={"Content-Type": "application/ld+json"}, timeout=60)
    assert answer.status_code == 201, answer.text
    assert [(c["name"], c["type"]) for c in answer.json()["columns"]] == [
        ("name", "VARCHAR"), ("age", "BIGINT"), ("fare", "DOUBLE")]
    rows = requests.get(f"{server.url}/api/v1/datasets/passengers/versions/latest/rows", timeout=60).json()["rows"]
    assert rows == [["Ann", 31, 7.25], ["Bob", None, 8.0]]
    assert "CC0-1.0" in requests.get(f"{server.url}/api/v1/datasets/passengers/card", timeout=60).text

    Files.content["/passengers.csv"] += b"Eve,1,1\n"
    changed = json.loads(document)
    changed["distribution"][0]["sha256"] = "0" * 64
    answer = requests.post(url, json=changed, timeout=60)
    assert answer.status_code == 400 and "The file was changed or cut off" in answer.text


# Facet to the module of openlineage-python that holds its class.
FACETS = {
    "jobType": ("job_type_job", "JobTypeJobFacet"), "sql": ("sql_job", "SQLJobFacet"),
    "schema": ("schema_dataset", "SchemaDatasetFacet"),
    "version": ("dataset_version_dataset", "DatasetVersionDatasetFacet"),
    "dataSource": ("datasource_dataset", "DatasourceDatasetFacet"),
    "columnLineage": ("column_lineage_dataset", "ColumnLineageDatasetFacet"),
    "ownership": ("ownership_dataset", "OwnershipDatasetFacet"), "tags": ("tags_dataset", "TagsDatasetFacet"),
    "outputStatistics": ("output_statistics_output_dataset", "OutputStatisticsOutputDatasetFacet"),
}


def facets(found, job=False):
    """Builds each facet by its class, which refuses fields that it does not know and checks its own."""
    built = {}
    for name, fields in found.items():
        if name == "documentation":
            module, kind = ("documentation_job", "DocumentationJobFacet") if job else (
                "documentation_dataset", "DocumentationDatasetFacet")
        else:
            module, kind = FACETS[name]
        facet_class = getattr(importlib.import_module(f"openlineage.client.generated.{module}"), kind)
        plain = {key: value for key, value in fields.items() if not key.startswith("_")}
        built[name] = facet_class(**plain, producer=fields["_producer"])
        assert fields["_schemaURL"] == facet_class._get_schema(), name
    return built


def check(event):
    base = pytest.importorskip("openlineage.client.event_v2")
    job = event["job"]
    made = base.RunEvent(
        eventType=base.RunState[event["eventType"]], eventTime=event["eventTime"],
        run=base.Run(runId=event["run"]["runId"], facets=facets(event["run"]["facets"])),
        job=base.Job(namespace=job["namespace"], name=job["name"], facets=facets(job["facets"], job=True)),
        inputs=[base.InputDataset(
            namespace=i["namespace"], name=i["name"], facets=facets(i["facets"]),
            inputFacets=facets(i["inputFacets"])) for i in event["inputs"]],
        outputs=[base.OutputDataset(
            namespace=o["namespace"], name=o["name"], facets=facets(o["facets"]),
            outputFacets=facets(o["outputFacets"])) for o in event["outputs"]],
        producer=event["producer"])
    assert event["schemaURL"] == made.schemaURL
    return made


def test_events_are_openlineage(server, call):
    append(server, "raw", "town,mail\nBonn,a@b.de\nUlm,c@d.de\n", origin="/data/raw.csv", message="the first day")
    call("PUT", "/datasets/raw/columns/mail", {"pii": "direct", "kind": "email"})
    call("PATCH", "/datasets/raw", {"description": "Raw."})
    answer = requests.put(
        f"{server.url}/api/v1/datasets/raw/contract", data=b"owner: mia\nrows: {min: 1}", timeout=60,
        headers={"Content-Type": "application/yaml"})
    assert answer.status_code == 200
    call("POST", "/datasets/towns/derive", {
        "sql": "SELECT town, count(mail) AS mails FROM r GROUP BY town", "inputs": {"r": "dataset:raw"}})
    events, after = [], "0"
    while True:
        page = call("GET", f"/openlineage?after={after}&limit=2")
        events += page["items"]
        if "next" not in page:
            break
        after = page["next"]
    made = {event["job"]["name"]: check(event) for event in events}
    derive = made["towns.derive"]
    assert [i.name for i in derive.inputs] == ["raw"]
    assert derive.job.facets["sql"].query.startswith("SELECT town")
    assert set(derive.outputs[0].facets["columnLineage"].fields) == {"town", "mails"}
    assert {"ownership", "tags", "schema", "documentation"} <= set(made["raw.append"].outputs[0].facets)


def test_events_are_pushed_until_they_arrive(server, call, other):
    other.statuses = [503, 500, 422]
    call("PUT", "/openlineage/targets/catalog", {"url": f"{other.url}/api/v1/lineage", "from": "now"})
    for day in range(3):
        append(server, "pushed", f"day\n{day}\n")
    deadline = time.monotonic() + 30
    while len(other.received) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    # The first was tried until the end was there (503, 500), then it would not have it (422); the others arrived.
    assert [e["outputs"][0]["facets"]["version"]["datasetVersion"] for e in other.received] == ["2", "3"]
    for event in other.received:
        check(event)
    deadline = time.monotonic() + 10
    while True:
        [target] = call("GET", "/openlineage/targets")["items"]
        if target["delivered"] == 2 or time.monotonic() > deadline:
            break
        time.sleep(0.1)
    assert (target["delivered"], target["refused"], target["attempts"]) == (2, 1, 0)
    call("DELETE", "/openlineage/targets/catalog")
