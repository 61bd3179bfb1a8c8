"""The same sequence of calls for any server of MLflow's REST API, and what each was answered: its status, its error code
and the shape of its JSON.

    python Tests/clients/conformance.py http://127.0.0.1:5055 > Tests/Golden/mlflow-3.17.2.json

records the answers of a real `mlflow server` (scripts/setup --bench installs one); test_conformance.py compares Slipway's
with them, so that the tests need no such server.
"""

import json
import sys
import uuid

import requests

LONG = "x" * 600


def calls():
    """(name, method, path, fields, {kept name: path into the answer}) of every call, in order. `$name` in a path or a
    field stands for what an earlier answer had, `$u` for something that no other sequence uses."""
    def many(prefix, method, path, good, changes, keep=None):
        """A good call, and the same with each change: fields replaced, or left out where the new value is None."""
        yield prefix, method, path, good, keep or {}
        for label, change in changes.items():
            fields = {k: v for k, v in {**good, **change}.items() if v is not None}
            yield f"{prefix}: {label}", method, path, fields, {}

    post, get, patch, delete = "POST", "GET", "PATCH", "DELETE"
    point = {"key": "m", "value": 0.5, "timestamp": 7, "step": 1}

    # --- experiments
    yield from many("experiment create", post, "experiments/create",
                    {"name": "conform-$u", "tags": [{"key": "team", "value": "fresh"}]},
                    {"again": {}, "no name": {"name": None}, "empty name": {"name": ""}, "number as name": {"name": 3},
                     "long name": {"name": LONG}, "list as name": {"name": ["a"]},
                     "bad location": {"name": "c2-$u", "artifact_location": "mlflow-artifacts:/x?y=../../etc#f"}},
                    {"experiment": "experiment_id"})
    yield "experiment create: second", post, "experiments/create", {"name": "conform2-$u"}, {"second": "experiment_id"}
    yield from many("experiment get", get, "experiments/get", {"experiment_id": "$experiment"},
                    {"none": {"experiment_id": None}, "absent": {"experiment_id": "99999999"},
                     "text": {"experiment_id": "abc"}})
    yield from many("experiment get-by-name", get, "experiments/get-by-name", {"experiment_name": "conform-$u"},
                    {"none": {"experiment_name": None}, "absent": {"experiment_name": "absent-$u"}})
    searches = {"no match": {"filter": "name = 'absent-$u'"}, "bad filter": {"filter": "nonsense"},
                "bad attribute": {"filter": "colour = 'x'"}, "bad order": {"order_by": ["colour"]},
                "zero rows": {"max_results": 0}, "negative rows": {"max_results": -1},
                "too many rows": {"max_results": 50001}, "text as rows": {"max_results": "abc"},
                "bad token": {"page_token": "nonsense"}, "bad view": {"view_type": "SOME"},
                "page": {"filter": "name LIKE 'conform%-$u'", "max_results": 1}}
    yield from many("experiment search", post, "experiments/search",
                    {"filter": "name = 'conform-$u'", "max_results": 5}, searches)
    yield from many("experiment search by GET", get, "experiments/search",
                    {"filter": "name = 'conform-$u'", "max_results": 5}, {"bad filter": {"filter": "nonsense"}})
    yield from many("experiment tag", post, "experiments/set-experiment-tag",
                    {"experiment_id": "$experiment", "key": "note", "value": "x"},
                    {"no key": {"key": None}, "no value": {"value": None}, "absent": {"experiment_id": "99999999"},
                     "long key": {"key": LONG}, "long value": {"value": "v" * 5001}, "no id": {"experiment_id": None}})
    yield from many("experiment tag delete", post, "experiments/delete-experiment-tag",
                    {"experiment_id": "$experiment", "key": "note"}, {"again": {}, "no key": {"key": None}})
    yield from many("experiment update", post, "experiments/update",
                    {"experiment_id": "$second", "new_name": "conform3-$u"},
                    {"taken": {"new_name": "conform-$u"}, "absent": {"experiment_id": "99999999"},
                     "no id": {"experiment_id": None}, "long": {"new_name": LONG}})
    yield from many("experiment delete", post, "experiments/delete", {"experiment_id": "$second"},
                    {"again": {}, "absent": {"experiment_id": "99999999"}, "none": {"experiment_id": None}})
    yield "experiment get deleted", get, "experiments/get", {"experiment_id": "$second"}, {}
    yield "run in a deleted experiment", post, "runs/create", {"experiment_id": "$second"}, {}
    yield "experiment update deleted", post, "experiments/update", {"experiment_id": "$second", "new_name": "d-$u"}, {}
    yield from many("experiment restore", post, "experiments/restore", {"experiment_id": "$second"},
                    {"again": {}, "absent": {"experiment_id": "99999999"}})

    # --- runs
    yield from many("run create", post, "runs/create",
                    {"experiment_id": "$experiment", "start_time": 1000, "user_id": "ann", "run_name": "first",
                     "tags": [{"key": "a", "value": "b"}]},
                    {"no name": {"run_name": None}, "absent experiment": {"experiment_id": "99999999"},
                     "text as time": {"start_time": "abc"}, "number as text": {"start_time": "1000"},
                     "tags that are none": {"tags": "x"}, "tag without key": {"tags": [{"value": "b"}]},
                     "two names": {"tags": [{"key": "mlflow.runName", "value": "other"}]},
                     "same name as tag": {"tags": [{"key": "mlflow.runName", "value": "first"}]}},
                    {"run": "run.info.run_id"})
    yield from many("run get", get, "runs/get", {"run_id": "$run"},
                    {"old name": {"run_id": None, "run_uuid": "$run"}, "none": {"run_id": None},
                     "absent": {"run_id": "0" * 32}, "nonsense": {"run_id": "no/such"}})
    yield from many("log-metric", post, "runs/log-metric", {"run_id": "$run", **point},
                    {"again": {}, "NaN": {"value": "NaN"}, "infinite": {"value": "Infinity"}, "text": {"value": "abc"},
                     "number as text": {"value": "1.5", "step": "3"}, "no value": {"value": None},
                     "no time": {"timestamp": None}, "no key": {"key": None}, "empty key": {"key": ""},
                     "no step": {"step": None}, "fraction as step": {"step": 1.5}, "text as step": {"step": "foo"},
                     "negative step": {"step": -3}, "long key": {"key": LONG}, "bad key": {"key": "a;b"},
                     "key with dots": {"key": "../m"}, "absolute key": {"key": "/m"}, "unicode key": {"key": "größe"},
                     "key as path": {"key": "a/b c.d-e"}, "no run": {"run_id": None}, "absent run": {"run_id": "0" * 32},
                     "true as value": {"value": True}, "negative time": {"timestamp": -1},
                     "large": {"value": 1e308}, "zero time": {"timestamp": 0}})
    yield from many("log-parameter", post, "runs/log-parameter", {"run_id": "$run", "key": "p", "value": "1"},
                    {"again": {}, "other value": {"value": "2"}, "no value": {"key": "p2", "value": None},
                     "empty": {"key": "p3", "value": ""}, "no key": {"key": None}, "long key": {"key": LONG},
                     "long value": {"key": "p4", "value": "v" * 6001}, "number": {"key": "p5", "value": 3},
                     "bad key": {"key": "a;b"}, "absent run": {"run_id": "0" * 32}, "no run": {"run_id": None}})
    yield from many("set-tag", post, "runs/set-tag", {"run_id": "$run", "key": "t", "value": "1"},
                    {"other value": {"value": "2"}, "no value": {"key": "t2", "value": None}, "no key": {"key": None},
                     "long key": {"key": LONG}, "long value": {"key": "t4", "value": "v" * 8001},
                     "bad key": {"key": "a;b"}, "absent run": {"run_id": "0" * 32}, "run name": {"key": "mlflow.runName"}})
    yield from many("delete-tag", post, "runs/delete-tag", {"run_id": "$run", "key": "t"},
                    {"again": {}, "no key": {"key": None}, "absent run": {"run_id": "0" * 32}, "no run": {"run_id": None}})
    yield from many("log-batch", post, "runs/log-batch",
                    {"run_id": "$run", "metrics": [{**point, "key": "b", "step": i} for i in range(3)],
                     "params": [{"key": "bp", "value": "v"}], "tags": [{"key": "bt", "value": "v"}]},
                    {"again": {}, "nothing": {"metrics": None, "params": None, "tags": None},
                     "no run": {"run_id": None}, "absent run": {"run_id": "0" * 32},
                     "1001 metrics": {"metrics": [point] * 1001}, "101 params": {"params": [
                         {"key": f"q{i}", "value": "v"} for i in range(101)]},
                     "101 tags": {"tags": [{"key": f"q{i}", "value": "v"} for i in range(101)]},
                     "1001 together": {"metrics": [point] * 1000},
                     "metric without key": {"metrics": [{"value": 1, "timestamp": 1}]},
                     "metric without value": {"metrics": [{"key": "m", "timestamp": 1}]},
                     "metric without time": {"metrics": [{"key": "m", "value": 1}]},
                     "text as value": {"metrics": [{**point, "value": "abc"}]},
                     "text as step": {"metrics": [{**point, "step": "foo"}]},
                     "bad metric key": {"metrics": [{**point, "key": "a;b"}]},
                     "metrics that are none": {"metrics": {"a": 1}},
                     "one parameter twice": {"params": [{"key": "z", "value": "1"}, {"key": "z", "value": "2"}]},
                     "changed parameter": {"params": [{"key": "bp", "value": "w"}]},
                     "tag without key": {"tags": [{"value": "v"}]}})
    dataset = {"name": "sales", "digest": "d1", "source_type": "local", "source": "{}", "schema": "{}", "profile": "{}"}
    yield from many("log-inputs", post, "runs/log-inputs",
                    {"run_id": "$run", "datasets": [
                        {"tags": [{"key": "mlflow.data.context", "value": "training"}], "dataset": dataset}]},
                    {"again": {}, "no run": {"run_id": None}, "absent run": {"run_id": "0" * 32},
                     "no name": {"datasets": [{"dataset": {**dataset, "name": ""}}]},
                     "no datasets": {"datasets": None},
                     "no source": {"datasets": [{"dataset": {"name": "a", "digest": "b"}}]}})
    yield "run get full", get, "runs/get", {"run_id": "$run"}, {}
    yield from many("get-history", get, "metrics/get-history", {"run_id": "$run", "metric_key": "b"},
                    {"page": {"max_results": 2}, "absent key": {"metric_key": "absent"}, "no key": {"metric_key": None},
                     "no run": {"run_id": None}, "absent run": {"run_id": "0" * 32}, "zero rows": {"max_results": 0},
                     "bad token": {"page_token": "nonsense", "max_results": 1}})
    yield from many("get-history-bulk-interval", get, "metrics/get-history-bulk-interval",
                    {"run_ids": ["$run"], "metric_key": "b", "max_results": 10},
                    {"no key": {"metric_key": None}, "no runs": {"run_ids": None}, "one end": {"start_step": 1},
                     "wrong way": {"start_step": 3, "end_step": 1}, "zero rows": {"max_results": 0},
                     "too many": {"max_results": 2501}, "steps": {"start_step": 0, "end_step": 1}})
    yield from many("run update", post, "runs/update",
                    {"run_id": "$run", "status": "FINISHED", "end_time": 2000},
                    {"name": {"run_name": "new name"}, "number": {"status": 2}, "no run": {"run_id": None},
                     "absent run": {"run_id": "0" * 32}, "nothing": {"status": None, "end_time": None},
                     "bad status": {"status": "SLEEPING"}})
    yield from many("run search", post, "runs/search", {"experiment_ids": ["$experiment"], "filter": "metrics.b > 0"},
                    {"no match": {"filter": "metrics.b > 9"}, "no experiments": {"experiment_ids": None},
                     "absent experiment": {"experiment_ids": ["99999999"], "filter": None},
                     "page": {"filter": None, "max_results": 1, "order_by": ["metrics.b DESC"]},
                     "order": {"order_by": ["metrics.b DESC", "start_time"]}, "bad order": {"order_by": ["colour"]}, "bad direction": {"order_by": ["metrics.b SIDEWAYS"]},
                     "bad filter": {"filter": "metrics.b >"}, "or": {"filter": "metrics.b > 'x'"},
                     "bad entity": {"filter": "colours.b = 'x'"}, "param as number": {"filter": "params.p = 1"},
                     "status": {"filter": "status = 'RUNNING'"}, "dataset": {"filter": "dataset.name = 'sales'"},
                     "in": {"filter": "run_id IN ('$run')"}, "deleted": {"run_view_type": "DELETED_ONLY"},
                     "bad view": {"run_view_type": "SOME"}, "too many rows": {"max_results": 50001},
                     "zero rows": {"max_results": 0}, "negative rows": {"max_results": -1},
                     "bad token": {"page_token": "nonsense"}, "number as id": {"experiment_ids": [3]}})
    yield from many("search-datasets", post, "experiments/search-datasets", {"experiment_ids": ["$experiment"]},
                    {"none": {"experiment_ids": None}, "absent": {"experiment_ids": ["99999999"]},
                     "too many": {"experiment_ids": ["0"] * 21}})
    yield from many("log-model", post, "runs/log-model",
                    {"run_id": "$run", "model_json": json.dumps(
                        {"artifact_path": "m", "flavors": {}, "utc_time_created": "x", "run_id": "$run"})},
                    {"no text": {"model_json": None}, "no JSON": {"model_json": "{"}, "no run": {"run_id": None},
                     "fields missing": {"model_json": "{}"}, "absent run": {"run_id": "0" * 32}})
    yield from many("run delete", post, "runs/delete", {"run_id": "$run"},
                    {"again": {}, "none": {"run_id": None}, "absent": {"run_id": "0" * 32}})
    yield "deleted run get", get, "runs/get", {"run_id": "$run"}, {}
    yield "deleted run log-metric", post, "runs/log-metric", {"run_id": "$run", **point}, {}
    yield "deleted run set-tag", post, "runs/set-tag", {"run_id": "$run", "key": "t", "value": "v"}, {}
    yield "deleted run update", post, "runs/update", {"run_id": "$run", "status": "FINISHED"}, {}
    yield "deleted run log-batch", post, "runs/log-batch", {"run_id": "$run", "metrics": [point]}, {}
    yield from many("run restore", post, "runs/restore", {"run_id": "$run"},
                    {"again": {}, "none": {"run_id": None}, "absent": {"run_id": "0" * 32}})

    # --- artifacts
    files = "/api/2.0/mlflow-artifacts/artifacts"
    place = "$experiment/$run/artifacts"
    yield "artifact put", "PUT", f"{files}/{place}/a/b.txt", b"text", {}
    yield "artifact put at the root of the server", "PUT", f"{files}/nowhere.txt", b"text", {}
    yield "artifact get", get, f"{files}/{place}/a/b.txt", {}, {}
    yield "artifact get absent", get, f"{files}/{place}/a/absent.txt", {}, {}
    yield "artifact get upwards", get, f"{files}/{place}/%2e%2e/%2e%2e/x", {}, {}
    yield from many("artifact list by proxy", get, files, {"path": place},
                    {"folder": {"path": place + "/a"}, "file": {"path": place + "/a/b.txt"},
                     "absent": {"path": place + "/absent"}, "upwards": {"path": "../.."}, "absolute": {"path": "/etc"}})
    yield from many("artifact list", get, "artifacts/list", {"run_id": "$run"},
                    {"folder": {"path": "a"}, "file": {"path": "a/b.txt"}, "absent": {"path": "absent"},
                     "upwards": {"path": ".."}, "no run": {"run_id": None}, "absent run": {"run_id": "0" * 32}})
    yield from many("get-artifact", get, "/get-artifact", {"run_id": "$run", "path": "a/b.txt"},
                    {"no run": {"run_id": None}, "no path": {"path": None}, "absent": {"path": "absent"},
                     "upwards": {"path": "../../x"}, "absent run": {"run_id": "0" * 32}})
    yield "artifact delete", delete, f"{files}/{place}/a/b.txt", {}, {}

    # --- logged models
    yield from many("logged model create", post, "logged-models",
                    {"experiment_id": "$experiment", "name": "model", "model_type": "t", "source_run_id": "$run",
                     "params": [{"key": "p", "value": "v"}], "tags": [{"key": "t", "value": "v"}]},
                    {"no experiment": {"experiment_id": None}, "absent experiment": {"experiment_id": "99999999"},
                     "no name": {"name": None}, "empty name": {"name": ""}, "bad name": {"name": "a/b"},
                     "absent run": {"source_run_id": "0" * 32}}, {"model": "model.info.model_id"})
    for label, path in {"": "$model", ": absent": "m-" + "0" * 32}.items():
        yield "logged model get" + label, get, f"logged-models/{path}", {}, {}
        yield "logged model finalize" + label, patch, f"logged-models/{path}", {
            "model_id": path, "status": "LOGGED_MODEL_READY"}, {}
        yield "logged model tags" + label, patch, f"logged-models/{path}/tags", {
            "model_id": path, "tags": [{"key": "x", "value": "y"}]}, {}
        yield "logged model params" + label, post, f"logged-models/{path}/params", {
            "model_id": path, "params": [{"key": "x", "value": "y"}]}, {}
        yield "logged model files" + label, get, f"logged-models/{path}/artifacts/directories", {}, {}
        yield "logged model delete tag" + label, delete, f"logged-models/{path}/tags/x", {}, {}
    yield "logged model delete tag: absent tag", delete, "logged-models/$model/tags/absent", {}, {}
    yield "logged model finalize: bad status", patch, "logged-models/$model", {"status": "SLEEPING"}, {}
    yield "logged model finalize: no status", patch, "logged-models/$model", {}, {}
    yield from many("run outputs", post, "runs/outputs",
                    {"run_id": "$run", "models": [{"model_id": "$model", "step": 1}]},
                    {"no models": {"models": None}, "no run": {"run_id": None}, "absent run": {"run_id": "0" * 32}})
    yield "log-metric of a model", post, "runs/log-metric", {"run_id": "$run", **point, "model_id": "$model"}, {}
    yield "logged model get full", get, "logged-models/$model", {}, {}
    yield from many("logged model search", post, "logged-models/search",
                    {"experiment_ids": ["$experiment"], "filter": "name = 'model'", "max_results": 5},
                    {"no match": {"filter": "name = 'absent'"}, "metric": {"filter": "metrics.m > 0"},
                     "no experiments": {"experiment_ids": None}, "bad filter": {"filter": "nonsense"},
                     "bad order": {"order_by": [{"field_name": "colour"}]}, "page": {"max_results": 1, "filter": None},
                     "order": {"order_by": [{"field_name": "metrics.m", "ascending": False}]},
                     "bad token": {"page_token": "nonsense"}, "zero rows": {"max_results": 0}})
    yield "run with model", get, "runs/get", {"run_id": "$run"}, {}

    # --- registered models
    yield from many("model create", post, "registered-models/create",
                    {"name": "conform-$u", "description": "d", "tags": [{"key": "a", "value": "b"}]},
                    {"again": {}, "no name": {"name": None}, "empty name": {"name": ""}, "slash": {"name": "a/b"},
                     "colon": {"name": "a:b"}, "long": {"name": LONG + "$u"}, "bad tag": {"name": "c4-$u", "tags": [{"value": "b"}]}})
    yield from many("model get", get, "registered-models/get", {"name": "conform-$u"},
                    {"none": {"name": None}, "absent": {"name": "absent-$u"}})
    yield from many("version create", post, "model-versions/create",
                    {"name": "conform-$u", "source": f"mlflow-artifacts:/{place}", "run_id": "$run", "description": "d",
                     "tags": [{"key": "a", "value": "b"}]},
                    {"no name": {"name": None}, "absent model": {"name": "absent-$u"}, "no source": {"source": None},
                     "local source": {"source": "/etc"}, "local file": {"source": "file:///etc"},
                     "upwards": {"source": f"mlflow-artifacts:/{place}/../../../x"},
                     "of another run": {"source": "mlflow-artifacts:/0/x/artifacts"},
                     "logged model": {"source": "models:/$model", "model_id": "$model"}})
    version = {"name": "conform-$u", "version": "1"}
    for name, method, path in [
            ("version get", get, "model-versions/get"), ("version uri", get, "model-versions/get-download-uri")]:
        yield from many(name, method, path, version,
                        {"no name": {"name": None}, "no version": {"version": None}, "absent": {"version": "99"},
                         "text": {"version": "abc"}, "absent model": {"name": "absent-$u"}, "number": {"version": 1},
                         "zero": {"version": "0"}})
    yield from many("version update", patch, "model-versions/update", {**version, "description": "new"},
                    {"no description": {"description": None}, "absent": {"version": "99"}, "no name": {"name": None}})
    yield from many("version stage", post, "model-versions/transition-stage",
                    {**version, "stage": "Staging", "archive_existing_versions": False},
                    {"lower case": {"stage": "staging"}, "bad": {"stage": "Nowhere"}, "absent": {"version": "99"},
                     "none": {"stage": None}, "archive None": {"stage": "None", "archive_existing_versions": True}})
    yield from many("version set-tag", post, "model-versions/set-tag", {**version, "key": "k", "value": "v"},
                    {"no key": {"key": None}, "no value": {"value": None}, "absent": {"version": "99"},
                     "long key": {"key": LONG}, "long value": {"value": "v" * 100001}})
    yield from many("version delete-tag", delete, "model-versions/delete-tag", {**version, "key": "k"},
                    {"again": {}, "no key": {"key": None}, "absent": {"version": "99"}})
    yield from many("model set-tag", post, "registered-models/set-tag", {"name": "conform-$u", "key": "k", "value": "v"},
                    {"no key": {"key": None}, "absent": {"name": "absent-$u"}, "long key": {"key": LONG}})
    yield from many("model delete-tag", delete, "registered-models/delete-tag", {"name": "conform-$u", "key": "k"},
                    {"again": {}, "absent": {"name": "absent-$u"}, "no key": {"key": None}})
    yield from many("alias set", post, "registered-models/alias", {**version, "alias": "best"},
                    {"again": {}, "no alias": {"alias": None}, "absent version": {"version": "99"},
                     "absent model": {"name": "absent-$u"}, "number": {"alias": "v1"}, "latest": {"alias": "latest"},
                     "bad": {"alias": "a/b"}, "long": {"alias": LONG}})
    yield from many("alias get", get, "registered-models/alias", {"name": "conform-$u", "alias": "best"},
                    {"absent": {"alias": "absent"}, "absent model": {"name": "absent-$u"}, "none": {"alias": None}})
    yield "model get full", get, "registered-models/get", {"name": "conform-$u"}, {}
    yield from many("latest versions", post, "registered-models/get-latest-versions", {"name": "conform-$u"},
                    {"stage": {"stages": ["Staging"]}, "bad stage": {"stages": ["Nowhere"]},
                     "absent": {"name": "absent-$u"}, "none": {"name": None}})
    yield from many("latest versions by GET", get, "registered-models/get-latest-versions", {"name": "conform-$u"}, {})
    yield from many("model search", get, "registered-models/search",
                    {"filter": "name = 'conform-$u'", "max_results": 5},
                    {"no match": {"filter": "name = 'absent-$u'"}, "bad filter": {"filter": "nonsense"},
                     "bad attribute": {"filter": "colour = 'x'"}, "bad order": {"order_by": ["colour"]},
                     "order": {"order_by": ["name DESC"]}, "zero rows": {"max_results": 0},
                     "too many rows": {"max_results": 1001}, "bad token": {"page_token": "nonsense"},
                     "tag": {"filter": "tags.a = 'b' AND name = 'conform-$u'"}})
    yield from many("version search", get, "model-versions/search", {"filter": "name = 'conform-$u'", "max_results": 5},
                    {"no match": {"filter": "name = 'absent-$u'"}, "bad filter": {"filter": "nonsense"},
                     "bad attribute": {"filter": "colour = 'x'"}, "bad order": {"order_by": ["colour"]},
                     "run": {"filter": "run_id = '$run'"}, "runs": {"filter": "run_id IN ('$run')"},
                     "page": {"max_results": 1}, "zero rows": {"max_results": 0},
                     "too many rows": {"max_results": 200001}, "bad token": {"page_token": "nonsense"}})
    yield from many("alias delete", delete, "registered-models/alias", {"name": "conform-$u", "alias": "best"},
                    {"again": {}, "absent model": {"name": "absent-$u"}, "none": {"alias": None}})
    yield from many("version delete", delete, "model-versions/delete", version,
                    {"again": {}, "absent": {"version": "99"}, "none": {"version": None}})
    yield from many("model update", patch, "registered-models/update", {"name": "conform-$u", "description": "new"},
                    {"no description": {"description": None}, "absent": {"name": "absent-$u"}})
    yield from many("model rename", post, "registered-models/rename", {"name": "conform-$u", "new_name": "conform9-$u"},
                    {"absent": {}, "no new name": {"name": "conform9-$u", "new_name": None},
                     "slash": {"name": "conform9-$u", "new_name": "a/b"}})
    yield from many("model delete", delete, "registered-models/delete", {"name": "conform9-$u"},
                    {"again": {}, "none": {"name": None}})
    yield "logged model delete", delete, "logged-models/$model", {}, {}
    yield "logged model get deleted", get, "logged-models/$model", {}, {}

    # --- server
    yield "server-info", get, "/api/3.0/mlflow/server-info", {}, {}
    yield "unknown endpoint", get, "experiments/nonsense", {}, {}
    yield "wrong method", get, "runs/create", {}, {}
    yield "no JSON", post, "runs/create", b"{nonsense", {}
    yield "a list as body", post, "runs/create", b"[]", {}


def shape(value):
    """The JSON value with every scalar replaced by its kind, and lists by the union of their elements' shapes."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in sorted(value.items())}
    if isinstance(value, list):
        merged = None
        for item in map(shape, value):
            merged = {**merged, **item} if isinstance(merged, dict) and isinstance(item, dict) else item
        return [] if merged is None else [merged]
    return {bool: "bool", int: "number", float: "number", str: "text"}.get(type(value), "null")


def answers(url):
    """{call's name: {"status", "error_code" or "json" or "bytes"}} of the whole sequence."""
    known, found = {"u": uuid.uuid4().hex[:8]}, {}
    http = requests.Session()

    def filled(value):
        if isinstance(value, str):
            for name in sorted(known, key=len, reverse=True):
                value = value.replace("$" + name, known[name])
            return value
        if isinstance(value, dict):
            return {k: filled(v) for k, v in value.items()}
        return [filled(v) for v in value] if isinstance(value, list) else value

    for name, method, path, fields, keep in calls():
        path = filled(path if path.startswith("/") else f"/api/2.0/mlflow/{path}")
        body = {"data": fields} if isinstance(fields, bytes) else {
            "params" if method == "GET" else "json": filled(fields)}
        answer = http.request(method, url + path, timeout=30, **body)
        try:
            document = answer.json() if answer.content else None
        except ValueError:
            document = None
        entry = found.setdefault(name, {"status": answer.status_code})
        if isinstance(document, dict) and "error_code" in document:
            entry["error_code"] = document["error_code"]
        elif document is not None:
            entry["json"] = shape(document)
        for kept, inside in keep.items():
            value = document
            for part in inside.split("."):
                value = value[part]
            known[kept] = value
    return found


if __name__ == "__main__":
    lines = [f" {json.dumps(name)}: {json.dumps(answer, sort_keys=True)}" for name, answer in
             sorted(answers(sys.argv[1].rstrip("/")).items())]
    print("{\n" + ",\n".join(lines) + "\n}")
