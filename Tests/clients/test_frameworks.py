"""What training code of several frameworks logs by itself, mlflow's evaluation, system metrics, and mlflow's command
line. A framework that is not installed is skipped; scripts/requirements-test.txt has all but PyTorch Lightning, whose
PyTorch takes gigabytes."""

import json
import time

import mlflow
import numpy
import pandas
import pytest
from click.testing import CliRunner
from sklearn.linear_model import LogisticRegression

X = pandas.DataFrame({"price": numpy.linspace(1.0, 5.0, 60), "weekday": numpy.arange(60.0) % 7})
Y = 3 * X["price"] - X["weekday"]
DEADLINE_SECONDS = 20


def boosted(client, active, log_model, model, rounds, metric):
    """What an autologged boosting run must have, whatever the framework; and its model comes back as pyfunc.

    Autologging would log the model by itself, but takes ten seconds to find out what it requires."""
    run = client.get_run(active.info.run_id)
    assert run.info.status == "FINISHED"
    history = client.get_metric_history(run.info.run_id, metric)
    assert [point.step for point in history] == list(range(rounds))
    assert history[-1].value < history[0].value and run.data.metrics[metric] == history[-1].value
    assert run.data.params["num_boost_round"] == str(rounds)
    assert len(run.inputs.dataset_inputs) >= 1
    assert [a.path for a in client.list_artifacts(run.info.run_id) if "feature_importance" in a.path]
    with mlflow.start_run(run_id=run.info.run_id):
        info = log_model(model, name="model", pip_requirements=[])
    return mlflow.pyfunc.load_model(info.model_uri)


def test_xgboost_autolog(client, experiment):
    xgboost = pytest.importorskip("xgboost", reason="xgboost is not installed")
    mlflow.xgboost.autolog(log_models=False)
    data = xgboost.DMatrix(X, label=Y)
    with mlflow.start_run() as active:
        model = xgboost.train(
            {"max_depth": 2, "nthread": 1}, data, num_boost_round=5, evals=[(data, "train")], verbose_eval=False)
    loaded = boosted(client, active, mlflow.xgboost.log_model, model, 5, "train-rmse")
    numpy.testing.assert_allclose(loaded.predict(X), model.predict(data), rtol=1e-5)


def test_lightgbm_autolog(client, experiment):
    lightgbm = pytest.importorskip("lightgbm", reason="lightgbm is not installed")
    mlflow.lightgbm.autolog(log_models=False)
    data = lightgbm.Dataset(X, label=Y)
    with mlflow.start_run() as active:
        model = lightgbm.train(
            {"objective": "regression", "num_leaves": 4, "num_threads": 1, "verbosity": -1, "metric": "l2",
             "min_data_in_leaf": 2}, data, num_boost_round=5, valid_sets=[data], valid_names=["train"])
    loaded = boosted(client, active, mlflow.lightgbm.log_model, model, 5, "train-l2")
    numpy.testing.assert_allclose(loaded.predict(X), model.predict(X))


def test_lightning_autolog(client, experiment):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: gigabytes, so not among the tests' packages")
    lightning = pytest.importorskip("pytorch_lightning", reason="PyTorch Lightning is not installed")

    class Line(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(2, 1)

        def training_step(self, batch, _):
            loss = torch.nn.functional.mse_loss(self.layer(batch[0])[:, 0], batch[1])
            self.log("loss", loss)
            return loss

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.01)

    mlflow.pytorch.autolog(log_models=False)
    rows = torch.utils.data.TensorDataset(
        torch.tensor(X.to_numpy(), dtype=torch.float32), torch.tensor(Y.to_numpy(), dtype=torch.float32))
    with mlflow.start_run() as active:
        lightning.Trainer(max_epochs=3, logger=False, enable_checkpointing=False, enable_progress_bar=False,
                          accelerator="cpu").fit(Line(), torch.utils.data.DataLoader(rows, batch_size=20))
    run = client.get_run(active.info.run_id)
    assert run.data.params["optimizer_name"] == "SGD"
    assert len(client.get_metric_history(active.info.run_id, "loss")) == 3


def test_evaluate(client, experiment):
    """`mlflow.models.evaluate`: metrics, tables, plots and the dataset land in the run."""
    labels = (Y > Y.median()).astype(int)
    model = LogisticRegression().fit(X, labels)
    with mlflow.start_run() as active:
        result = mlflow.models.evaluate(
            model.predict, X.assign(label=labels), targets="label", model_type="classifier",
            evaluator_config={"log_model_explainability": False})
    run = client.get_run(active.info.run_id)
    assert run.data.metrics["accuracy_score"] == result.metrics["accuracy_score"] == model.score(X, labels)
    assert "confusion_matrix.png" in [a.path for a in client.list_artifacts(run.info.run_id)]
    assert len(run.inputs.dataset_inputs) == 1


def test_system_metrics(client, experiment):
    mlflow.set_system_metrics_sampling_interval(0.1)
    mlflow.set_system_metrics_samples_before_logging(1)
    with mlflow.start_run(log_system_metrics=True) as active:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while "system/system_memory_usage_megabytes" not in client.get_run(active.info.run_id).data.metrics:
            assert time.monotonic() < deadline, "no system metric arrived"
            time.sleep(0.1)
    assert client.get_run(active.info.run_id).data.metrics["system/cpu_utilization_percentage"] >= 0


def test_command_line(client, unique, tmp_path):
    """`mlflow experiments`, `runs` and `artifacts`, in this process: starting Python anew for each takes seconds."""
    from mlflow.cli import cli

    def run(*words):
        result = CliRunner().invoke(cli, [str(word) for word in words])
        assert result.exit_code == 0, f"mlflow {words}: {result.output} {result.exception!r}"
        return result.output

    name = unique("cli")
    run("experiments", "create", "--experiment-name", name)
    experiment = client.get_experiment_by_name(name).experiment_id
    assert name in run("experiments", "search", "--view", "active_only")
    assert name in run("experiments", "get", "--experiment-id", experiment)
    run("experiments", "rename", "--experiment-id", experiment, "--new-name", name + "-new")
    made = client.create_run(experiment, run_name="by hand")
    client.log_metric(made.info.run_id, "rmse", 0.5)
    assert "by hand" in run("runs", "list", "--experiment-id", experiment)
    described = json.loads(run("runs", "describe", "--run-id", made.info.run_id))
    assert described["data"]["metrics"] == {"rmse": 0.5}
    run("experiments", "csv", "--experiment-id", experiment, "--filename", tmp_path / "runs.csv")
    assert list(pandas.read_csv(tmp_path / "runs.csv")["metrics.rmse"]) == [0.5]
    (tmp_path / "note.txt").write_text("seen")
    run("artifacts", "log-artifact", "--run-id", made.info.run_id, "--local-file", tmp_path / "note.txt",
        "--artifact-path", "notes")
    assert "notes/note.txt" in run("artifacts", "list", "--run-id", made.info.run_id, "--artifact-path", "notes")
    run("artifacts", "download", "--run-id", made.info.run_id, "--artifact-path", "notes/note.txt",
        "--dst-path", tmp_path / "got")
    assert [file.read_text() for file in (tmp_path / "got").rglob("note.txt")] == ["seen"]
    run("runs", "delete", "--run-id", made.info.run_id)
    assert "by hand" not in run("runs", "list", "--experiment-id", experiment)
    run("runs", "restore", "--run-id", made.info.run_id)
    run("experiments", "delete", "--experiment-id", experiment)
    run("experiments", "restore", "--experiment-id", experiment)
