"""scikit-learn models: autologging, logging, registering and loading them back; and the model registry."""

import mlflow
import numpy
import pandas
import pytest
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV

X = pandas.DataFrame({"price": numpy.linspace(1.0, 5.0, 40), "weekday": numpy.arange(40.0) % 7})
Y = 3 * X["price"] - X["weekday"]


# Named, because mlflow takes seconds to find out by itself.
NEEDS = {"pip_requirements": ["scikit-learn"]}
# The 2.x line, which runs these tests too (test_other_clients.py), has no logged models.
HAS_LOGGED_MODELS = hasattr(mlflow, "get_logged_model")


@pytest.fixture
def registered(experiment, unique):
    """(name, fitted model) of a registered model with one version, logged with its signature."""
    model, name = LinearRegression().fit(X, Y), unique("restock")
    with mlflow.start_run():
        mlflow.sklearn.log_model(
            model, "model", registered_model_name=name, signature=infer_signature(X, model.predict(X)),
            input_example=X.head(2), **NEEDS)
    return name, model


def test_autolog(client, experiment):
    mlflow.sklearn.autolog(log_models=HAS_LOGGED_MODELS)
    with mlflow.start_run() as active:
        model = RandomForestRegressor(n_estimators=3, random_state=0).fit(X, Y)
        model.score(X, Y)
    run = client.get_run(active.info.run_id)
    assert run.info.status == "FINISHED"
    assert (run.data.params["n_estimators"], run.data.params["random_state"]) == ("3", "0")
    assert run.data.metrics["training_r2_score"] == pytest.approx(model.score(X, Y))
    assert run.data.tags["estimator_name"] == "RandomForestRegressor"
    assert [d.dataset.name for d in run.inputs.dataset_inputs] == ["dataset"]
    if not HAS_LOGGED_MODELS:
        return
    (logged,) = run.outputs.model_outputs
    loaded = mlflow.sklearn.load_model(f"models:/{logged.model_id}")
    numpy.testing.assert_allclose(loaded.predict(X), model.predict(X))


def test_autolog_of_a_search(client, experiment):
    mlflow.sklearn.autolog(max_tuning_runs=2, log_models=HAS_LOGGED_MODELS)
    with mlflow.start_run() as active:
        GridSearchCV(RandomForestRegressor(n_estimators=2, random_state=0), {"max_depth": [1, 2]}, cv=2).fit(X, Y)
    children = client.search_runs([experiment], f"tags.mlflow.parentRunId = '{active.info.run_id}'")
    assert sorted(run.data.params["max_depth"] for run in children) == ["1", "2"]
    assert "best_max_depth" in client.get_run(active.info.run_id).data.params


@pytest.mark.skipif(not HAS_LOGGED_MODELS, reason="mlflow 2 has no logged models")
def test_logged_model(client, experiment):
    model = LinearRegression().fit(X, Y)
    with mlflow.start_run() as active:
        info = mlflow.sklearn.log_model(
            model, name="plain", params={"kind": "linear"}, tags={"stage": "dev"}, **NEEDS)
        mlflow.log_metric("rmse", 0.25, model_id=info.model_id)
    logged = mlflow.get_logged_model(info.model_id)
    assert (logged.name, str(logged.status), logged.source_run_id) == ("plain", "READY", active.info.run_id)
    assert (logged.params, logged.tags["stage"]) == ({"kind": "linear"}, "dev")
    assert {m.key: m.value for m in logged.metrics} == {"rmse": 0.25}
    found = mlflow.search_logged_models([experiment], "metrics.rmse < 0.3 AND name = 'plain'", output_format="list")
    assert [m.model_id for m in found] == [info.model_id]
    mlflow.set_logged_model_tags(info.model_id, {"stage": "prod"})
    assert mlflow.get_logged_model(info.model_id).tags["stage"] == "prod"
    for uri in (info.model_uri, f"runs:/{active.info.run_id}/plain"):
        numpy.testing.assert_allclose(mlflow.sklearn.load_model(uri).predict(X), model.predict(X))


def test_load_by_version_and_alias(client, registered):
    name, model = registered
    client.set_registered_model_alias(name, "champion", "1")
    for uri in (f"models:/{name}/1", f"models:/{name}@champion", f"models:/{name}/latest"):
        numpy.testing.assert_allclose(mlflow.sklearn.load_model(uri).predict(X), model.predict(X))


def test_signature_travels_with_the_model(registered):
    name, model = registered
    loaded = mlflow.pyfunc.load_model(f"models:/{name}/1")
    assert loaded.metadata.get_input_schema().input_names() == ["price", "weekday"]
    numpy.testing.assert_allclose(numpy.ravel(loaded.predict(X)), model.predict(X))
    with pytest.raises(MlflowException, match="weekday"):
        loaded.predict(X[["price"]])
    assert loaded.input_example["price"].tolist() == X["price"].head(2).tolist()


def test_versions(client, registered):
    name, model = registered
    with mlflow.start_run() as active:
        mlflow.sklearn.log_model(model, "model", registered_model_name=name, **NEEDS)
    version = client.get_model_version(name, "2")
    assert (version.version, version.run_id, version.status) == ("2", active.info.run_id, "READY")
    client.update_model_version(name, "2", description="better")
    client.set_model_version_tag(name, "2", "checked", "yes")
    assert client.get_model_version(name, "2").description == "better"
    assert client.get_model_version(name, "2").tags == {"checked": "yes"}
    client.delete_model_version_tag(name, "2", "checked")
    assert client.get_model_version(name, "2").tags == {}
    found = client.search_model_versions(f"name = '{name}'")
    assert [v.version for v in found] == ["2", "1"]
    assert [v.version for v in client.search_model_versions(f"run_id = '{active.info.run_id}'")] == ["2"]
    client.delete_model_version(name, "1")
    assert [v.version for v in client.search_model_versions(f"name = '{name}'")] == ["2"]
    with pytest.raises(MlflowException) as refused:
        client.get_model_version(name, "1")
    assert refused.value.error_code == "RESOURCE_DOES_NOT_EXIST"


def test_aliases(client, registered):
    name, model = registered
    with mlflow.start_run():
        mlflow.sklearn.log_model(model, "model", registered_model_name=name, **NEEDS)
    client.set_registered_model_alias(name, "champion", "1")
    client.set_registered_model_alias(name, "challenger", "2")
    assert client.get_registered_model(name).aliases == {"champion": "1", "challenger": "2"}
    client.set_registered_model_alias(name, "champion", "2")  # moves
    assert client.get_model_version_by_alias(name, "champion").version == "2"
    assert sorted(client.get_model_version(name, "2").aliases) == ["challenger", "champion"]
    client.delete_registered_model_alias(name, "challenger")
    assert client.get_registered_model(name).aliases == {"champion": "2"}
    with pytest.raises(MlflowException):
        client.get_model_version_by_alias(name, "challenger")


def test_stages(client, registered):
    """Deprecated by MLflow but still called by old scripts."""
    name, _ = registered
    client.transition_model_version_stage(name, "1", "Staging")
    assert client.get_model_version(name, "1").current_stage == "Staging"
    assert [v.version for v in client.get_latest_versions(name, ["Staging"])] == ["1"]
    with pytest.raises(MlflowException):
        client.transition_model_version_stage(name, "1", "Nowhere")


def test_registered_models(client, unique):
    name = unique("registry")
    created = client.create_registered_model(name, tags={"team": "fresh"}, description="first")
    assert (created.name, created.tags, created.description) == (name, {"team": "fresh"}, "first")
    with pytest.raises(MlflowException) as refused:
        client.create_registered_model(name)
    assert refused.value.error_code == "RESOURCE_ALREADY_EXISTS"
    client.update_registered_model(name, description="second")
    client.set_registered_model_tag(name, "note", "x")
    client.delete_registered_model_tag(name, "team")
    found = client.get_registered_model(name)
    assert (found.description, found.tags, found.latest_versions) == ("second", {"note": "x"}, [])
    client.rename_registered_model(name, name + "-new")
    names = lambda condition: [m.name for m in client.search_registered_models(condition)]
    assert names(f"name LIKE '{name}%'") == [name + "-new"]
    assert names(f"name = '{name}'") == []
    assert names(f"name ILIKE '{name.upper()}%' AND tags.note = 'x'") == [name + "-new"]
    client.delete_registered_model(name + "-new")
    with pytest.raises(MlflowException) as refused:
        client.get_registered_model(name + "-new")
    assert refused.value.error_code == "RESOURCE_DOES_NOT_EXIST"


def test_search_registered_models_pages(client, unique):
    prefix = unique("page")
    for i in range(5):
        client.create_registered_model(f"{prefix}-{i}")
    pages, token = [], None
    while True:
        page = client.search_registered_models(
            f"name LIKE '{prefix}%'", max_results=2, order_by=["name DESC"], page_token=token)
        pages.append([m.name[-1] for m in page])
        token = page.token
        if not token:
            break
    assert pages == [["4", "3"], ["2", "1"], ["0"]]


@pytest.mark.parametrize("call, code", [
    (lambda c: c.get_registered_model("absent"), "RESOURCE_DOES_NOT_EXIST"),
    (lambda c: c.get_model_version("absent", "1"), "RESOURCE_DOES_NOT_EXIST"),
    (lambda c: c.create_registered_model(""), "INVALID_PARAMETER_VALUE"),
    (lambda c: c.create_registered_model("a/b"), "INVALID_PARAMETER_VALUE"),
    (lambda c: c.search_model_versions("nonsense = 'x'"), "INVALID_PARAMETER_VALUE"),
])
def test_error_codes(client, call, code):
    with pytest.raises(MlflowException) as refused:
        call(client)
    assert refused.value.error_code == code
