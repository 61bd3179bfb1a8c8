"""How a step finds its inputs, outputs and parameters: environment variables that Slipway sets."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


def _variable(kind: str, name: str) -> str | None:
    return os.environ.get(f"SLIPWAY_{kind}_{name.upper()}")


def input_folder(name: str) -> Path:
    """The folder of a dataset version or of an earlier step's output."""
    folder = optional_input_folder(name)
    if folder is None:
        raise SystemExit(f"SLIPWAY_INPUT_{name.upper()} is not set: run this step in the pipeline, or set it by hand")
    return folder


def optional_input_folder(name: str) -> Path | None:
    """As `input_folder`, or None where the pipeline passes nothing."""
    text = _variable("INPUT", name)
    return Path(text) if text else None


def output_folder(name: str) -> Path:
    """The folder that this step fills; created if need be."""
    text = _variable("OUTPUT", name)
    if text is None:
        raise SystemExit(f"SLIPWAY_OUTPUT_{name.upper()} is not set: run this step in the pipeline, or set it by hand")
    folder = Path(text)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def optional_parameter(name: str) -> str | None:
    """A parameter's text, or None."""
    return _variable("PARAM", name) or None


def tags(step: str) -> dict[str, str]:
    """What a tracked run says about the pipeline run that it is part of; empty outside a pipeline."""
    run = os.environ.get("SLIPWAY_RUN")
    return {"slipway.pipelineRun": run, "slipway.step": step} if run else {}


def parameter(name: str, default: str | None = None) -> str:
    """A parameter's text; without a default it must be given."""
    text = optional_parameter(name) or default
    if text is None:
        raise SystemExit(f"SLIPWAY_PARAM_{name.upper()} is not set: the step needs the parameter {name!r}")
    return text
