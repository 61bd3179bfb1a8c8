"""The wheel that `make python` builds, as a user has it: without the repository, and without any other package."""

import pathlib
import subprocess
import sys
import venv
import zipfile

import pytest

DIST = pathlib.Path(__file__).resolve().parents[1] / "dist"


@pytest.fixture(scope="module")
def wheel():
    wheels = list(DIST.glob("slipway-*.whl"))
    assert len(wheels) == 1, "make python builds the wheel"
    return wheels[0]


def run(python, code, path):
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": str(path)}, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_needs_nothing_else(wheel, tmp_path, server):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
        names = archive.namelist()
    assert "slipway/py.typed" in names and not [name for name in names if "test" in name]
    venv.create(tmp_path / "bare", with_pip=False)
    python = tmp_path / "bare/bin/python"
    code = f"""
import slipway
client = slipway.Client({server!r})
version = client.append("bare", [{{"id": 1}}, {{"id": 2}}], key="k")
print([row["id"] for row in version.rows(filter="id > 1")], len(client.query("SELECT * FROM t", {{"t": version.ref}})))
for call in (version.to_arrow, version.to_pandas, version.to_duckdb, version.to_torch, version.to_tf, version.log_input):
    try:
        call()
    except slipway.Unsupported as error:
        print(error.message.split(" ")[0])
"""
    assert run(python, code, tmp_path / "site").split("\n") == [
        "[2] 2", "Reading", "to_pandas", "to_duckdb", "to_torch", "to_tf", "log_input", ""]


def test_mlflow_finds_the_source_of_a_logged_dataset(wheel, tmp_path, server):
    pytest.importorskip("mlflow")
    pytest.importorskip("pyarrow")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    code = f"""
import mlflow, os, slipway
os.environ["SLIPWAY_URL"] = {server!r}
mlflow.set_tracking_uri({server!r})
version = slipway.append("logged", [{{"id": 1}}], key="k")
with mlflow.start_run() as run:
    version.log_input()
logged = mlflow.get_run(run.info.run_id).inputs.dataset_inputs[0]
print(mlflow.data.get_source(logged).load() == version)
print(mlflow.data.dataset_source_registry.resolve_dataset_source("slipway://dataset:logged@1").load() == version)
"""
    assert run(sys.executable, code, tmp_path).split()[-2:] == ["True", "True"]
