"""MLflow's workspaces as projects, by mlflow.set_workspace and by MLFLOW_WORKSPACE."""

import os
import subprocess
import sys

import mlflow
import pytest
from mlflow.exceptions import MlflowException

pytestmark = [
    pytest.mark.stricter,
    pytest.mark.skipif(not hasattr(mlflow, "set_workspace"), reason="mlflow has workspaces since 3.10")]


@pytest.fixture
def workspaces(url, unique):
    mlflow.set_tracking_uri(url)
    mlflow.set_registry_uri(url)
    names = [unique("team-a"), unique("team-b")]
    for name in names:
        mlflow.create_workspace(name, description=f"of {name}")
    yield names
    mlflow.set_workspace(None)


def test_what_is_logged_in_a_workspace_stays_in_it(workspaces, unique):
    first, second = workspaces
    assert set(workspaces) <= {workspace.name for workspace in mlflow.list_workspaces()}
    assert mlflow.get_workspace(first).description == f"of {first}"
    runs = {}
    for workspace in workspaces:
        mlflow.set_workspace(workspace)
        experiment = mlflow.set_experiment(unique(f"in-{workspace}"))
        with mlflow.start_run() as run:
            mlflow.log_metric("loss", 0.5)
            mlflow.log_text("hello", "a.txt")
        runs[workspace] = run.info.run_id
        mlflow.MlflowClient().create_registered_model(unique(f"model-{workspace}"))
        assert [found.name for found in mlflow.search_experiments()] == [experiment.name]
        assert len(mlflow.search_registered_models()) == 1
        assert mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/a.txt") == "hello"
    with pytest.raises(MlflowException, match="not in the workspace") as caught:
        mlflow.get_run(runs[first])
    assert caught.value.error_code == "RESOURCE_DOES_NOT_EXIST"
    mlflow.set_workspace(first)
    assert mlflow.get_run(runs[first]).data.metrics == {"loss": 0.5}


def test_an_unknown_workspace_is_refused(workspaces, unique):
    missing = unique("no-such")
    with pytest.raises(MlflowException, match=f"Workspace '{missing}' not found"):
        mlflow.get_workspace(missing)
    mlflow.set_workspace(missing)
    with pytest.raises(MlflowException, match=f"Workspace '{missing}' not found"):
        mlflow.search_experiments()


def test_the_environment_variable(url, workspaces):
    script = "import mlflow; mlflow.set_experiment('by-variable-' + __import__('os').environ['MLFLOW_WORKSPACE'])"
    subprocess.run(
        [sys.executable, "-c", script], check=True, timeout=60,
        env={**os.environ, "MLFLOW_TRACKING_URI": url, "MLFLOW_WORKSPACE": workspaces[0]})
    mlflow.set_workspace(workspaces[0])
    assert [found.name for found in mlflow.search_experiments()] == [f"by-variable-{workspaces[0]}"]
