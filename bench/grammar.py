#!/usr/bin/env python3
"""Asks Slipway and MLflow's own store the same searches and prints where the answers differ.

    bench/grammar.py [--binary .build-release/release/slipway]

The runs are the same in both; an answer is the names of the runs found, in order, or the error's code. What Slipway takes
and MLflow does not (OR, NOT, parentheses, IN and IS NULL on every field) is not asked here. Exits with 1 at a difference
that docs/tracking.md does not name.
"""

import argparse
import os
import pathlib
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = HERE.parent / ".slipway/bench-venv/bin/python"
if pathlib.Path(sys.prefix) != PYTHON.parent.parent:
    os.execv(PYTHON, [PYTHON, __file__, *sys.argv[1:]])
sys.path.insert(0, str(HERE))
os.environ.update({"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"})

from measure import server
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunStatus, RunTag, ViewType
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.rest_store import RestStore
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from mlflow.utils.rest_utils import MlflowHostCreds

FILTERS = [
    "", " ", "metrics.rmse < 0.3", "metric.rmse >= 0.1 and metrics.rmse <= 0.3", "metrics.rmse = .2", "metrics.rmse == 0.2",
    "metrics.rmse != 0.2", "metrics.rmse > -1e-3", "metrics.rmse > '0.1'", "metrics.rmse < 'x'", "metrics.rmse LIKE '1'",
    "metrics.`only even` > 0", 'metrics."only even" > 0', "metrics.a/b-c.d > 0", "metrics.`a/b-c.d` > 0", "metrics.absent > 0",
    "params.model = 'tree'", 'params.model = "tree"', "params.model != 'tree'", "param.model LIKE 'Lin%'",
    "parameter.model ILIKE 'lin%'", "parameters.model LIKE '%e_r'", "params.model > 'a'", "params.n = 3", "params.n = '3'",
    "params.quote = 'it''s'", "params.quote = \"it's\"", "params.model IN ('tree', 'x')", "params.model NOT IN ('tree')",
    "params.empty = ''", "params.model IS NULL", "params.absent IS NULL", "params.absent IS NOT NULL",
    "tags.stage = 'prod' AND metrics.rmse < 0.1", "tag.stage != 'prod'", "tags.stage LIKE 'd%'", "tags.absent IS NULL",
    "tags.stage IS NOT NULL", "tags.`mlflow.runName` = 'r2'", "tags.mlflow.runName = 'r2'", "tags.'stage' = 'prod'",
    "status = 'FAILED'", "attributes.status != 'FAILED'", "attribute.status LIKE 'F%'", "attr.status = 'FINISHED'",
    "run_name = 'r2'", "attributes.run_name LIKE 'r%'", "run_name ILIKE 'R1'", "`run name` = 'r1'", "`Run name` = 'r3'",
    "attributes.`Run Name` = 'r3'", "user_id = 'ada'", "attributes.artifact_uri LIKE '%artifacts'", "start_time > 1002",
    "attributes.start_time <= 1001", "end_time >= 5000", "created > 1002", "Created > 1002", "start_time = '1002'",
    "start_time LIKE '1'", "run_id = 'nope'", "run_id IN ('a', 'b')", "run_id NOT IN ('a')", "run_id IN (1)", "run_id IN ()",
    "dataset.name = 'sales'", "datasets.digest = 'd1'", "dataset.context LIKE 'train%'", "dataset.name IN ('sales', 'x')",
    "dataset.name != 'sales'", "dataset.size = '1'", "dataset.digest ILIKE 'D1'",
    "metrics.rmse <", "metrics.rmse", "= 3", "metrics.rmse = ", "a; b", "nonsense.x = 1", "nonsense = 1", "metrics. = 3",
    "params.model = tree", "metrics.rmse < 0.3 AND", "AND metrics.rmse < 0.3", "metrics.rmse < 0.3, metrics.rmse > 0",
    "metrics.rmse < 0.3; metrics.rmse > 0", "params.model = 'tree", "params.model ~ 't'", "metrics.rmse <> 0.2",
    "metrics.rmse < 0.3 AND metrics.rmse < 0.2 AND params.model = 'tree'", "metrics.1st > 0", "metrics.rmse < 1 AND status = 'FINISHED'",
    "attributes.nonsense = 'x'", "experiment_id = '0'", "lifecycle_stage = 'active'", "metrics.rmse = true", "'rmse' = 1",
]
ORDERS = [
    [], ["metrics.rmse"], ["metrics.rmse ASC"], ["metrics.rmse DESC"], ["metric.rmse desc"], ["params.model", "metrics.rmse DESC"],
    ["metrics.`only even` DESC", "start_time ASC"], ["attributes.start_time"], ["start_time DESC"], ["attribute.end_time"],
    ["tags.stage DESC", "attributes.run_name"], ["run_id"], ["status", "user_id DESC"], ["metrics.absent"], ["params.absent DESC"],
    ["metrics.rmse", "metrics.rmse"], ["start_time", "attributes.start_time DESC"], ["nonsense"], ["metrics.rmse down"], [""],
    ["metrics.rmse DESC extra"], ["dataset.name"], ["Created DESC"], ["created"], ["run_name DESC"],
    ["metrics.rmse, params.model"], ["tags.`mlflow.runName` DESC"],
]
# Named in docs/tracking.md.
KNOWN = {
    "params.model IN ('tree', 'x')", "params.model NOT IN ('tree')", "dataset.name IN ('sales', 'x')", " ",
    "metrics.rmse == 0.2", "metrics.rmse <> 0.2", "metrics.a/b-c.d > 0", "params.quote = 'it''s'", "metrics. = 3",
    "metrics.rmse < 0.3 AND", "AND metrics.rmse < 0.3",
}


def fill(store):
    experiment = store.create_experiment("grammar", None, [])
    for i in range(6):
        run = store.create_run(experiment, "ada" if i % 2 else "bob", 1000 + i, [], f"r{i}").info.run_id
        metrics = [Metric("rmse", i / 10, 1, 0)]
        if i % 2 == 0:
            metrics += [Metric("only even", float(i), 1, 0), Metric("a/b-c.d", 1.0, 1, 0), Metric("1st", 1.0, 1, 0)]
        params = [Param("model", ["tree", "Linear"][i % 2]), Param("n", str(i))]
        params += [Param("quote", "it's"), Param("empty", "")] * (i == 3)
        store.log_batch(run, metrics, params, [RunTag("stage", "prod" if i < 2 else "dev")])
        if i == 4:
            store.update_run_info(run, RunStatus.FAILED, 5000, None)
        if i == 0:
            store.log_inputs(run, [DatasetInput(Dataset("sales", "d1", "s", "src"), [InputTag("mlflow.data.context", "training")])])
    return experiment


def ask(store, experiment, text, order):
    try:
        found = store.search_runs([experiment], text, ViewType.ACTIVE_ONLY, 1000, order)
        names = [run.info.run_name for run in found]
        return " ".join(sorted(names) if order and "run_id" in order[0] else names)
    except MlflowException as error:
        return error.error_code
    except Exception as error:  # MLflow's store lets some fall through: its server answers 500
        return f"INTERNAL_ERROR ({type(error).__name__})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=pathlib.Path, default=HERE.parent / ".build-release/release/slipway")
    options = parser.parse_args()
    command = [options.binary.resolve(), "serve", "--host", "127.0.0.1", "--port", "{port}", "--data", "{folder}/data"]
    differences = 0
    with tempfile.TemporaryDirectory() as folder, server("slipway", command, "/health", timeout=60) as target:
        theirs, ours = SqlAlchemyStore(f"sqlite:///{folder}/m.db", folder), RestStore(lambda: MlflowHostCreds(target.url))
        experiments = [fill(theirs), fill(ours)]
        cases = [(text, []) for text in FILTERS] + [("", order) for order in ORDERS]
        for text, order in cases:
            a, b = [ask(store, experiment, text, order) for store, experiment in zip((theirs, ours), experiments)]
            if a != b and not (a.startswith("INTERNAL") and b == "INVALID_PARAMETER_VALUE") and text not in KNOWN:
                differences += 1
                print(f"{text or order}\n    MLflow:  {a}\n    Slipway: {b}")
    print(f"{len(cases)} searches, {differences} differ")
    return min(differences, 1)


if __name__ == "__main__":
    sys.exit(main())
