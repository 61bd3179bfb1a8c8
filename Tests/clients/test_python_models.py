"""Models that are no ONNX: mlflow's own scoring server answers for them, in sandboxed processes that Slipway looks after."""

import concurrent.futures
import os
import signal
import time

import mlflow
import numpy
import pandas
import psutil
import pytest
import requests
from mlflow.models import infer_signature
from servers import REPOSITORY, serving
from sklearn.linear_model import LinearRegression

X = pandas.DataFrame({"price": numpy.linspace(1.0, 5.0, 20), "weekday": (numpy.arange(20) % 7).astype(float)})
DEADLINE_SECONDS = 180


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server whose Python models run in the tests' environment."""
    with serving(tmp_path_factory.mktemp("python"), "--python", REPOSITORY / ".slipway/venv") as server:
        yield server


def point_at(server):
    mlflow.set_tracking_uri(server.url)
    mlflow.set_registry_uri(server.url)
    mlflow.set_experiment("python models")


@pytest.fixture
def world(server):
    point_at(server)
    return server


def registered(name, model, log=mlflow.sklearn.log_model, **options):
    """A new version of the model, by its number."""
    with mlflow.start_run():
        info = log(model, name="model", registered_model_name=name, **{"pip_requirements": [], **options})
    return info.registered_model_version


def regression(name, factor):
    model = LinearRegression().fit(X, factor * X["price"] - X["weekday"])
    return registered(name, model, signature=infer_signature(X, model.predict(X)),
                      pip_requirements=["scikit-learn", "absent-package==1.0"]), model


def pyfunc(name, predict, **options):
    """A version of a model that runs the function; a class of this function's own, so that it is pickled whole."""
    class Model(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            return predict(model_input, params)

    return registered(name, None, lambda _, **rest: mlflow.pyfunc.log_model(python_model=Model(), **rest), **options)


def call(world, method, path, **options):
    return requests.request(method, world.url + path, timeout=DEADLINE_SECONDS, **options)


def ask(world, name, body):
    answer = call(world, "POST", f"/endpoints/{name}/invocations", json=body)
    assert answer.status_code == 200, answer.text
    return answer


def processes(world):
    """The scoring processes of the server."""
    return [p for p in psutil.Process(world.process.pid).children(recursive=True)
            if p.name().startswith("python") and "/slipway/files/scoring.py" in p.cmdline()]


@pytest.fixture(scope="module")
def sales(server):
    """The endpoint `shop` on a scikit-learn model's champion; its first version."""
    point_at(server)
    _, first = regression("sales", 3)
    mlflow.MlflowClient().set_registered_model_alias("sales", "champion", "1")
    made = call(server, "PUT", "/api/v1/endpoints/shop", json={"model": "model:sales@champion"}).json()
    assert (made["state"], made["runsIn"], made["problem"]) == ("ready", "worker", None), made
    assert "absent-package==1.0 (it has none)" in made["note"]
    return first


def test_every_wire(world, sales):
    first = sales
    # MLflow's forms go to mlflow's own server as they are.
    expected = first.predict(X)
    answer = ask(world, "shop", {"dataframe_split": X.to_dict(orient="split")})
    numpy.testing.assert_allclose(answer.json()["predictions"], expected)
    csv = call(world, "POST", "/endpoints/shop/invocations", data=X.to_csv(index=False), headers={"Content-Type": "text/csv"})
    numpy.testing.assert_allclose(csv.json()["predictions"], expected)
    bad = call(world, "POST", "/endpoints/shop/invocations", json={"dataframe_records": [{"price": 1.0}]})
    assert bad.status_code == 400 and "weekday" in bad.json()["message"]
    # The Open Inference Protocol has a tensor for each column of the signature.
    described = call(world, "GET", "/v2/models/shop").json()
    assert [(i["name"], i["datatype"], i["shape"]) for i in described["inputs"]] == [
        ("price", "FP64", [-1]), ("weekday", "FP64", [-1])]
    inputs = [{"name": c, "datatype": "FP64", "shape": [len(X)], "data": list(X[c])} for c in X]
    v2 = call(world, "POST", "/v2/models/shop/infer", json={"inputs": inputs}).json()
    numpy.testing.assert_allclose(v2["outputs"][0]["data"], expected)
    # Each is in the prediction log, by column.
    logged = call(world, "GET", f"/api/v1/predictions/{v2['id']}").json()
    assert (logged["inputs"]["price"], logged["model"]) == (list(X["price"]), "model:sales@1")
    deadline = time.monotonic() + DEADLINE_SECONDS
    found = answer.headers["X-Slipway-Prediction"]
    while call(world, "GET", f"/api/v1/predictions/{found}").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    row = call(world, "GET", f"/api/v1/predictions/{found}").json()
    assert row["inputs"]["weekday"] == list(X["weekday"]) and row["rowCount"] == 20
    assert row["outputs"]["predictions"] == answer.json()["predictions"]


def test_a_switch_drops_no_request(world, sales):
    _, second = regression("sales", 5)
    body = {"dataframe_split": X.head(1).to_dict(orient="split")}
    values = [round(model.predict(X.head(1))[0], 6) for model in (sales, second)]
    isDone = False

    def load():
        seen = []
        while not isDone:
            seen.append(round(ask(world, "shop", body).json()["predictions"][0], 6))
        return seen

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        workers = [pool.submit(load) for _ in range(2)]
        mlflow.MlflowClient().set_registered_model_alias("sales", "champion", "2")
        deadline = time.monotonic() + DEADLINE_SECONDS
        while call(world, "GET", "/api/v1/endpoints/shop").json()["serving"] != "model:sales@2":
            assert time.monotonic() < deadline, "the endpoint did not follow its alias"
            time.sleep(0.05)
        time.sleep(0.2)  # both workers ask the new version, too
        isDone = True
        for worker in workers:
            seen = worker.result()
            # First the one version, then the other, and nothing else.
            assert seen == sorted(seen, key=values.index) and set(seen) == set(values)


def test_processes_that_die_are_started_again(world, sales):
    body = {"dataframe_split": X.head(1).to_dict(orient="split")}
    expected = ask(world, "shop", body).json()
    before = {p.pid for p in processes(world)}
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    assert ask(world, "shop", body).json() == expected  # nobody sees it but by the wait
    assert before and not before & {p.pid for p in processes(world)}
    log = call(world, "GET", "/api/v1/endpoints/shop/log").text
    assert "slipway: note: the model asks for absent-package" in log


def test_walls_and_parameters(world):
    """What the sandbox keeps from a model; and what MLflow's form has beyond rows reaches it."""
    data = str(world.folder / "data")

    def look(frame, params):
        import os as system
        import socket
        try:
            socket.create_connection(("127.0.0.1", int(frame["port"][0])), timeout=2).close()
            network = True
        except OSError:
            network = False
        return {"network": network, "data": system.path.exists(frame["data"][0]), "factor": params["factor"]}

    example = pandas.DataFrame({"port": [world.port], "data": [data]})
    pyfunc("curious", look, signature=infer_signature(example, {"network": True}, params={"factor": 1}))
    answer = ask(world, "curious", {"dataframe_split": example.to_dict(orient="split"), "params": {"factor": 7}})
    assert answer.json() == {"predictions": {"network": False, "data": False, "factor": 7}}


def test_a_model_that_cannot_be_loaded_says_why(world):
    def log(_, **options):
        class Broken(mlflow.pyfunc.PythonModel):
            def load_context(self, context):
                raise RuntimeError("no weights")

            def predict(self, context, model_input):
                return model_input

        return mlflow.pyfunc.log_model(python_model=Broken(), **options)

    registered("broken", None, log, pip_requirements=["absent-package==1.0"])
    answer = call(world, "POST", "/endpoints/broken/invocations", json={"instances": [1]})
    assert answer.status_code == 501, answer.text
    assert "RuntimeError: no weights" in answer.json()["message"]
    assert "absent-package==1.0 (it has none)" in answer.json()["message"]


def test_python_without_mlflow(tmp_path):
    with serving(tmp_path / "plain") as plain:
        mlflow.set_tracking_uri(plain.url)
        mlflow.set_registry_uri(plain.url)
        mlflow.set_experiment("plain")
        pyfunc("plain", lambda frame, _: [0])
        answer = requests.post(f"{plain.url}/endpoints/plain/invocations", json={"instances": [1]}, timeout=60)
    assert answer.status_code == 501 and "has no mlflow with a scoring server" in answer.json()["message"]
    assert "--python" in answer.json()["message"]
