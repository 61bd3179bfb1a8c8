"""Diff, merge, union and join over HTTP and the command line, as a person with a data set would use them."""

import json
import os
import pathlib
import subprocess
import uuid

import pytest
import requests

pytestmark = pytest.mark.stricter

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("SLIPWAY_BINARY", REPOSITORY / ".build/debug/slipway")).resolve()


@pytest.fixture(scope="module")
def api(url):
    class API:
        def __init__(self):
            self.project = f"m{uuid.uuid4().hex[:10]}"
            assert requests.post(f"{url}/api/v1/projects", json={"name": self.project}, timeout=30).status_code == 201

        def ask(self, method, path, body=None, status=None, **options):
            answer = requests.request(method, f"{url}/api/v1{path}", json=body, timeout=120, **options)
            assert status is None and answer.status_code < 300 or answer.status_code == status, answer.text
            return answer.json()

        def name(self, stem):
            return f"{stem}-{self.project}"

        def append(self, dataset, csv, branch="main"):
            return self.ask(
                "POST", f"/datasets/{dataset}/append?project={self.project}&branch={branch}", data=csv.encode(),
                headers={"Content-Type": "text/csv"})

        def change(self, dataset, sql, branch="main"):
            return self.ask("POST", f"/datasets/{dataset}/derive", {
                "project": self.project, "sql": sql, "branch": branch,
                "inputs": {"d": f"dataset:{dataset}@{branch}"}})

        def rows(self, dataset, version="latest"):
            answer = self.ask("GET", f"/datasets/{dataset}/versions/{version}/rows?limit=1000")
            return sorted(tuple(row) for row in answer["rows"])

        def slipway(self, *arguments, code=0):
            done = subprocess.run(
                [BINARY, *arguments, "--url", url, "--project", self.project], capture_output=True, text=True,
                timeout=120)
            assert done.returncode == code, f"{done.returncode}: {done.stdout}{done.stderr}"
            return done.stdout

    return API()


@pytest.fixture
def shop(api, request):
    """Prices of four goods; main and the branch `fix` have both changed them."""
    name = api.name(request.node.name.replace("_", "-")[:60])
    api.ask("POST", "/datasets", {"name": name, "project": api.project, "key": ["sku"]})
    api.append(name, "sku,price,stock\n1,1.5,10\n2,2.5,20\n3,3.5,30\n4,4.5,40\n")
    api.ask("PUT", f"/datasets/{name}/branches/fix", {"from": "1"})
    api.change(name, "SELECT sku, CASE WHEN sku = 1 THEN 9.5 ELSE price END AS price, stock FROM d WHERE sku <> 4")
    api.change(
        name, """SELECT sku, CASE WHEN sku = 1 THEN 8.5 ELSE price END AS price,
                 CASE WHEN sku IN (2, 4) THEN 0 ELSE stock END AS stock FROM d
                 UNION ALL SELECT 5, 5.5, 50""", "fix")
    return name


def test_merge_over_http(api, shop):
    outcome = api.ask("POST", f"/datasets/{shop}/merge", {"from": "fix"})
    assert outcome["state"] == "conflicts" and outcome["counts"]["conflicts"] == 2
    conflicts = api.ask("GET", f"/merges/{outcome['id']}/conflicts")["items"]
    assert [(c["kind"], c["key"], c["column"]) for c in conflicts] == [
        ("cell", {"sku": 1}, "price"), ("row", {"sku": 4}, None)]
    price, row = conflicts
    assert (price["base"], price["ours"]["value"], price["theirs"]["value"]) == (1.5, 9.5, 8.5)
    assert (price["ours"]["version"], price["theirs"]["version"]) == (2, 3)
    assert row["ours"]["deleted"] and row["theirs"]["value"] == {"price": 4.5, "stock": 0}
    api.ask("POST", f"/merges/{outcome['id']}/commit", {}, status=409)
    merge = api.ask("POST", f"/merges/{outcome['id']}/resolutions", {"resolutions": [
        {"key": {"sku": 1}, "column": "price", "value": 9.0}, {"key": {"sku": 4}, "take": "ours"}]})
    assert merge["counts"]["open"] == 0
    version = api.ask("POST", f"/merges/{outcome['id']}/commit", {"message": "agreed"})["version"]
    assert (version["parent"], version["merged"], version["recipe"]["kind"]) == (2, 3, "merge")
    assert api.rows(shop) == [(1, 9.0, 10), (2, 2.5, 0), (3, 3.5, 30), (5, 5.5, 50)]
    assert api.ask("POST", f"/datasets/{shop}/merge", {"from": "fix"})["state"] == "upToDate"
    page = api.ask("GET", f"/datasets/{shop}/diff?from=2&to=main&kind=changed")
    assert page["items"] == [
        {"kind": "changed", "key": {"sku": 1}, "cells": [{"column": "price", "from": 9.5, "to": 9.0}]},
        {"kind": "changed", "key": {"sku": 2}, "cells": [{"column": "stock", "from": 20, "to": 0}]}]


def test_merge_on_the_command_line(api, shop):
    # A conflict ends with the code of a conflict, so that scripts stop.
    text = api.slipway("data", "merge", shop, "fix", code=73)
    assert "2 conflicts in 2 rows" in text and "deleted on one side" in text
    merge = next(line.split()[1] for line in text.splitlines() if line.startswith("Merge "))
    listing = api.slipway("data", "conflicts", merge)
    assert "sku=1" in listing and "(deleted)" in listing and "open" in listing
    assert merge in api.slipway("data", "conflicts", shop)
    assert "1 of 2" in api.slipway("data", "resolve", merge, "--key", "sku=1", "--column", "price", "--take", "theirs")
    assert f"{shop}@4 made" in api.slipway("data", "resolve", merge, "--rule", "filled", "--commit")
    assert api.rows(shop) == [(1, 8.5, 10), (2, 2.5, 0), (3, 3.5, 30), (4, 4.5, 0), (5, 5.5, 50)]
    assert "nothing to merge" in api.slipway("data", "merge", shop, "fix")
    summary = api.slipway("data", "diff", shop, "2", "4")
    assert "rows 3 → 5: +2 -0 ~2 (by sku)" in summary and "price: ~1" in summary
    rows = api.slipway("data", "diff", f"{shop}@2", f"{shop}@main", "--rows", "all")
    assert rows.splitlines()[0] == "~ sku=1  price: 9.5 → 8.5" and rows.count("\n+ sku=") == 2


def test_a_file_of_decisions(api, shop, tmp_path):
    merge = json.loads(api.slipway("data", "merge", shop, "fix", "--json", code=73))["id"]
    (tmp_path / "decisions.json").write_text(json.dumps([{"id": 0, "take": "base"}, {"id": 1, "take": "theirs"}]))
    api.slipway("data", "resolve", merge, "--file", str(tmp_path / "decisions.json"), "--commit")
    assert api.rows(shop)[0] == (1, 1.5, 10)


def test_trial_and_abandon(api, shop):
    assert "It would merge" in api.slipway("data", "merge", shop, "fix", "--trial", "--rule", "theirs")
    merge = api.ask("POST", f"/datasets/{shop}/merge", {"from": "fix"})["id"]
    assert "Given up" in api.slipway("data", "resolve", merge, "--abandon")
    assert api.ask("GET", f"/merges/{merge}")["state"] == "abandoned"
    assert api.ask("GET", f"/datasets/{shop}")["latest"] == 2


def test_union_names_what_does_not_fit(api):
    a, b, both = api.name("tills"), api.name("web"), api.name("all-sales")
    api.append(a, "day,units,price\n2017-01-01,1,2.5\n")
    api.append(b, "day,Units,channel\n2017-01-02,1.5,app\n")
    inputs = {"inputs": [f"dataset:{a}", f"dataset:{b}"], "project": api.project}
    refused = api.ask("POST", f"/datasets/{both}/union", inputs, status=400)["error"]
    assert f"dataset:{b} has no column price" in refused["message"] and "fill" in refused["message"]
    kinds = {(m["kind"], m["column"]) for m in json.loads(refused["details"]["mismatches"])}
    assert kinds == {("missing", "price"), ("extra", "channel"), ("case", "units"), ("type", "units")}
    lost = api.ask("POST", f"/datasets/{both}/union", inputs | {"schema": "fill,cast"}, status=400)["error"]
    assert "'1.5'" in lost["message"] and "types" in lost["message"]
    made = api.ask("POST", f"/datasets/{both}/union", inputs | {
        "schema": "fill,cast", "types": {"units": "DOUBLE"}, "source": "origin"})
    assert [c["name"] for c in made["columns"]] == ["day", "units", "price", "channel", "origin"]
    assert [row[1:] for row in api.rows(both)] == [
        (1.0, 2.5, None, f"dataset:{a}"), (1.5, None, "app", f"dataset:{b}")]
    common = api.ask("POST", f"/datasets/{both}/union", inputs | {"schema": "common,cast", "types": {"units": "DOUBLE"}})
    assert [c["name"] for c in common["columns"]] == ["day", "units"]
    # Append: the dataset's own columns hold.
    appended = json.loads(api.slipway(
        "data", "union", a, b, "--append", "--schema", "common,fill", "--json", code=64) or "{}")
    assert appended == {}
    api.append(b := api.name("more"), "units,day\n7,2017-01-03\n")
    appended = json.loads(api.slipway("data", "union", a, b, "--append", "--schema", "fill", "--json"))
    assert (appended["version"], appended["rows"], appended["files"]) == (2, 2, 2)
    again = json.loads(api.slipway("data", "union", a, b, "--append", "--schema", "fill", "--json"))
    assert again["unchanged"] and again["version"] == 2


def test_join_refuses_to_multiply_rows(api):
    sales, goods, joined = api.name("lines"), api.name("goods"), api.name("joined")
    api.append(sales, "product,units\n1,5\n2,6\n9,7\n")
    api.append(goods, "id,dept,units\n1,dairy,0\n2,meat,0\n2,fish,0\n")
    body = {"left": f"dataset:{sales}", "right": f"dataset:{goods}", "on": {"product": "id"}, "project": api.project}
    both = api.ask("POST", f"/datasets/{joined}/join", body, status=400)["error"]["message"]
    assert "both have the column units" in both
    many = api.ask("POST", f"/datasets/{joined}/join", body | {"suffix": "_r"}, status=400)["error"]["message"]
    assert "(id = 2) 2 times" in many and "many-to-many" in many
    made = api.ask("POST", f"/datasets/{joined}/join", body | {"suffix": "_r", "relationship": "many-to-many"})
    assert made["rows"] == 4 and [c["name"] for c in made["columns"]] == ["product", "units", "dept", "units_r"]
    api.slipway("data", "join", joined, sales, goods, "--on", "product=id", "--suffix", "_r", "--how", "inner",
                "--relationship", "many-to-many")
    assert api.rows(joined) == [(1, 5, "dairy", 0), (2, 6, "fish", 0), (2, 6, "meat", 0)]
    lineage = api.ask("GET", f"/datasets/{joined}/versions/latest")["recipe"]["inputs"]
    assert any(f"dataset:{sales}" in item for item in lineage) and any(f"dataset:{goods}" in item for item in lineage)
