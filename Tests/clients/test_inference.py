"""An ONNX model logged and registered by the mlflow client, predicted over the Open Inference Protocol and MLflow's
/invocations. What the protocol answers is compared with scikit-learn's own predictions."""

import mlflow
import numpy
import pytest
import requests
from skl2onnx import to_onnx
from sklearn.ensemble import GradientBoostingRegressor

pytestmark = pytest.mark.stricter

ROWS = numpy.random.default_rng(7).normal(size=(50, 3)).astype(numpy.float32)
MODEL = GradientBoostingRegressor(n_estimators=20, random_state=0).fit(ROWS, ROWS @ [1.0, -2.0, 0.5])
EXPECTED = MODEL.predict(ROWS)


@pytest.fixture(scope="module")
def name(url):
    """A registered ONNX model with one version that is `champion`."""
    mlflow.set_tracking_uri(url)
    mlflow.set_registry_uri(url)
    name = f"onnx-{mlflow.utils.time.get_current_time_millis()}"
    mlflow.set_experiment(name)
    with mlflow.start_run():
        mlflow.onnx.log_model(
            to_onnx(MODEL, ROWS[:1], target_opset=17), name="model", registered_model_name=name, pip_requirements=["onnx"])
    mlflow.MlflowClient().set_registered_model_alias(name, "champion", "1")
    return name


@pytest.fixture(scope="module")
def model(url, name):
    return f"{url}/v2/models/{name}"


def tensor(rows, **changes):
    return {"name": "X", "shape": list(rows.shape), "datatype": "FP32", "data": rows.ravel().tolist(), **changes}


def infer(model, *inputs, **fields):
    return requests.post(f"{model}/infer", json={"inputs": list(inputs), **fields}, timeout=30)


def test_health_and_metadata(url, model, name):
    for path in (f"{url}/v2/health/live", f"{url}/v2/health/ready", f"{model}/ready", f"{model}/versions/1/ready"):
        assert requests.get(path, timeout=10).status_code == 200, path
    assert requests.get(f"{url}/v2", timeout=10).json()["name"] == "slipway"
    found = requests.get(model, timeout=10).json()
    assert (found["name"], found["versions"]) == (name, ["1"])
    assert found["inputs"] == [{"name": "X", "datatype": "FP32", "shape": [-1, 3]}]
    assert [(o["name"], o["datatype"]) for o in found["outputs"]] == [("variable", "FP32")]


@pytest.mark.parametrize("count", [1, 50])
@pytest.mark.parametrize("suffix", ["", "/versions/1"])
def test_predictions(model, name, count, suffix):
    answer = infer(model + suffix, tensor(ROWS[:count]), id="my-request")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["model_name"], body["model_version"], body["id"]) == (name, "1", "my-request")
    (output,) = body["outputs"]
    assert (output["name"], output["datatype"], output["shape"]) == ("variable", "FP32", [count, 1])
    numpy.testing.assert_allclose(output["data"], EXPECTED[:count], rtol=1e-4, atol=1e-5)


def test_nested_data(model):
    answer = infer(model, tensor(ROWS[:2], data=ROWS[:2].tolist()))
    numpy.testing.assert_allclose(answer.json()["outputs"][0]["data"], EXPECTED[:2], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("changes, word", [
    ({"name": "Y"}, "X"), ({"datatype": "INT64", "data": [1, 2, 3]}, "FP32"), ({"shape": [1, 4], "data": [1, 2, 3, 4]}, "3"),
    ({"shape": [2, 3]}, "6"), ({"data": ["a", "b", "c"]}, "X"), ({"shape": [-1, 3]}, "shape"), ({"datatype": "NONE"}, "datatype"),
])
def test_wrong_inputs_are_explained(model, changes, word):
    answer = infer(model, tensor(ROWS[:1], **changes))
    assert answer.status_code == 400 and word in answer.json()["error"], answer.text


def test_unknown_model_and_version(url, model):
    for path in (f"{url}/v2/models/absent", f"{model}/versions/99"):
        answer = infer(path, tensor(ROWS[:1]))
        assert answer.status_code == 404 and answer.json()["error"]


def test_invocations(url, name):
    """MLflow's scoring protocol, in each of its forms, on an endpoint."""
    project = requests.get(f"{url}/api/v1/models/{name}", timeout=10).json()["project"]
    created = requests.put(f"{url}/api/v1/endpoints/{name}", timeout=30, json={
        "model": f"model:{name}@champion", "project": project, "logRate": 1})
    assert created.status_code in (200, 201), created.text
    for body in ({"inputs": {"X": ROWS[:2].tolist()}}, {"instances": ROWS[:2].tolist()}):
        answer = requests.post(f"{url}/endpoints/{name}/invocations", json=body, timeout=30)
        assert answer.status_code == 200, answer.text
        predictions = answer.json()["predictions"]
        values = predictions["variable"] if isinstance(predictions, dict) else predictions
        numpy.testing.assert_allclose(numpy.ravel(values), EXPECTED[:2], rtol=1e-4, atol=1e-5)
