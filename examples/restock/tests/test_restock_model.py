"""The exported model, the measures, and the steps as the pipeline runs them."""

import datetime
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from restock import drift, evaluate, model
from restock.columns import FEATURES

EXAMPLE = Path(__file__).resolve().parent.parent


def rows(count: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Inputs with ties and midpoints, and units that depend on them."""
    random = np.random.default_rng(seed)
    inputs = np.round(random.normal(1, 0.5, size=(count, len(FEATURES))), 2).astype(np.float32)
    inputs[:, model.SCALE] = random.integers(1, 20, count)
    return inputs, random.poisson(inputs[:, model.SCALE] * (1 + (inputs[:, 7] > 1))).astype(float)


def test_onnx_equals_scikit_learn() -> None:
    inputs, units = rows(3000)
    models = model.train(inputs, units, iterations=40)
    session = model.open_session(model.export(models).SerializeToString())
    other, _ = rows(3000, seed=2)
    for batch in (inputs, other, other[:1]):
        expected = model.predict(models, batch)
        np.testing.assert_allclose(model.run_session(session, batch), expected, rtol=1e-5, atol=1e-4)
    assert [(i.name, i.type, i.shape) for i in session.get_inputs()] == [
        ("features", "tensor(float)", ["rows", len(FEATURES)])
    ]
    assert [(o.name, o.shape) for o in session.get_outputs()] == [("quantiles", ["rows", 2])]


def test_training_twice_gives_the_same_model() -> None:
    inputs, units = rows(500)
    first, second = (model.export(model.train(inputs, units, 10)).SerializeToString() for _ in range(2))
    assert first == second


def test_pinball_loss_by_hand() -> None:
    # Units 10: median 8 misses by 2 (0.5 * 2), q90 = 15 overshoots by 5 (0.1 * 5).
    assert model.pinball_loss(np.array([[8.0, 15.0]]), np.array([10.0])) == pytest.approx((1.0 + 0.5) / 2)


def test_psi() -> None:
    reference = np.random.default_rng(1).normal(size=5000)
    same = drift.population_stability_index(reference, reference[::-1])
    shifted = drift.population_stability_index(reference, reference + 1)
    assert same == pytest.approx(0, abs=1e-9)
    assert shifted > drift.PSI_LIMIT
    # Two bins, 50 % / 50 % against 90 % / 10 %: 0.4 ln 1.8 - 0.4 ln 0.2, but for the smoothing.
    halves, tenths = np.repeat([0.0, 1.0], 5000), np.repeat([0.0, 1.0], [9000, 1000])
    assert drift.population_stability_index(halves, tenths) == pytest.approx(0.4 * np.log(9), rel=1e-3)


def test_change_against_the_baseline() -> None:
    baseline = np.arange(1.0, 71.0)
    change = evaluate.relative_change(baseline, 0.8 * baseline)
    assert (change.value, change.low, change.high) == pytest.approx((-0.2, -0.2, -0.2))
    noisy = evaluate.relative_change(baseline, baseline + np.tile([5.0, -5.0], 35))
    assert noisy.low <= noisy.value <= noisy.high


@pytest.fixture
def feature_folder(tmp_path: Path) -> Path:
    """A feature table of three series and 150 days, the last one still to come."""
    series, days = [("MEAT", "LEAN"), ("PASTRY", "DONUTS"), ("PRODUCE", "BANANAS")], 150
    inputs, units = rows(len(series) * days)
    columns: dict[str, object] = {name: inputs[:, i].astype(float) for i, name in enumerate(FEATURES)}
    columns["units"] = [None if i % days == days - 1 else float(u) for i, u in enumerate(units)]
    columns["department"] = [name for name, _ in series for _ in range(days)]
    columns["series"] = [name for _, name in series for _ in range(days)]
    columns["day"] = [datetime.date(2017, 2, 6) + datetime.timedelta(days=i) for i in range(days)] * len(series)
    folder = tmp_path / "features"
    folder.mkdir()
    pq.write_table(pa.table(columns), folder / "part.parquet")
    return folder


def run_step(name: str, **variables: object) -> dict[str, object]:
    """Runs a step as the pipeline does, and returns what it prints last."""
    environment = {"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1"}
    environment |= {f"SLIPWAY_{key}": str(value) for key, value in variables.items()}
    script = EXAMPLE / "steps" / f"{name}.py"
    done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_steps_train_and_judge(feature_folder: Path, tmp_path: Path) -> None:
    challenger, champion = tmp_path / "challenger", tmp_path / "champion"
    trained = run_step("train", INPUT_FEATURES=feature_folder, PARAM_ITERATIONS=30, OUTPUT_MODEL=challenger)
    run_step("train", INPUT_FEATURES=feature_folder, PARAM_ITERATIONS=1, OUTPUT_MODEL=champion)
    # The newest day, 5 July, is to plan; the 28 days before it are kept from the model.
    assert trained["last_day"] == "2017-06-06" and trained["rows"] == 3 * 121
    assert sorted(path.name for path in challenger.iterdir()) == ["card.md", "metrics.json", "model.onnx"]
    judged = run_step(
        "evaluate",
        INPUT_FEATURES=feature_folder,
        INPUT_MODEL=challenger,
        INPUT_CHAMPION=champion,
        OUTPUT_EVALUATION=tmp_path / "evaluation",
    )
    assert judged["wins"] is True and judged["pinball_loss"] < judged["champion_pinball_loss"]
    assert json.loads((tmp_path / "evaluation" / "metrics.json").read_text()) == judged
