"""Logs what a step did to the tracking server, with the ordinary MLflow client. Does nothing without a server."""

import os
from pathlib import Path

import numpy as np
import onnx

def enabled() -> bool:
    """Whether the step runs beside a tracking server."""
    return bool(os.environ.get("MLFLOW_TRACKING_URI"))


def log_model(
    exported: onnx.ModelProto,
    register_as: str,
    parameters: dict[str, object],
    metrics: dict[str, float],
    tags: dict[str, str],
    files: list[Path],
    dataset: str | None,
) -> str:
    """One run with parameters, metrics, files and the model with its signature; returns the registered version.

    `dataset` is the ref of the training data, such as `dataset:restock-features@3`.
    """
    import mlflow  # takes a second, and the offline replay does without
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    def tensor(value: onnx.ValueInfoProto) -> TensorSpec:
        width = value.type.tensor_type.shape.dim[1].dim_value
        return TensorSpec(np.dtype(np.float32), (-1, width), value.name)

    signature = ModelSignature(
        inputs=Schema([tensor(value) for value in exported.graph.input]),
        outputs=Schema([tensor(value) for value in exported.graph.output]),
    )
    mlflow.set_experiment(os.environ.get("MLFLOW_EXPERIMENT_NAME", "restock"))
    with mlflow.start_run(tags=tags):
        if dataset is not None:
            mlflow.log_input(_dataset(dataset), context="training")
        mlflow.log_params(parameters)
        mlflow.log_metrics(metrics)
        for path in files:
            mlflow.log_artifact(str(path))
        logged = mlflow.onnx.log_model(
            exported,
            name="model",
            signature=signature,
            registered_model_name=register_as,
            pip_requirements=[f"onnxruntime=={_version('onnxruntime')}", f"numpy=={np.__version__}"],
        )
    return str(logged.registered_model_version)


def download_champion(name: str, folder: Path) -> str | None:
    """Fetches the files of the registered model's version with the alias `champion`; None if there is none yet."""
    import mlflow
    from mlflow.exceptions import MlflowException

    try:
        version = mlflow.MlflowClient().get_model_version_by_alias(name, "champion").version
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise
    mlflow.artifacts.download_artifacts(artifact_uri=f"models:/{name}/{version}", dst_path=str(folder))
    return str(version)


def _dataset(ref: str):
    """What MLflow calls a dataset: here only a name and where it is."""
    from mlflow.data.http_dataset_source import HTTPDatasetSource
    from mlflow.data.meta_dataset import MetaDataset

    name, _, version = ref.removeprefix("dataset:").partition("@")
    server = os.environ.get("SLIPWAY_URL", os.environ["MLFLOW_TRACKING_URI"])
    return MetaDataset(HTTPDatasetSource(f"{server}/api/v1/datasets/{name}/versions/{version or 'latest'}"), name=ref)


def _version(package: str) -> str:
    from importlib.metadata import version

    return version(package)
