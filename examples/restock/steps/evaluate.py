"""Step: judge a challenger, beside the champion, on days that it never saw.

Inputs `features` (whose newest day is the one to plan) and `model` (the folder that steps/train.py filled); `champion`
(a folder with a model.onnx) where there is no registry to fetch the champion from. Parameters `holdout_days` (28),
`register_as` (restock), `features` (the ref of the input). Output `evaluation`: metrics.json; `wins` tells whether the
challenger's pinball loss is lower. With Slipway's address in the environment both evaluations are recorded with their
model versions, for the gate.
"""

import json
import os
import tempfile
from pathlib import Path

import environment
import numpy as np
import tracking

from restock import model
from restock.api import API
from restock.columns import QUANTILES
from restock.data import Features, read_parquet, shape_features
from restock.evaluate import totals
from restock.policy import quantile_level
from restock.rules import BASELINE, rule_forecasts, tune_model, tune_rule
from restock.simulate import Outcome, Shop, replay


def judge(folder: Path, features: Features, shop: Shop, days: int, baseline: Outcome) -> dict[str, float]:
    """Loss, coverage and simulated waste of the model in `folder` on the last `days` days that are over."""
    inputs, units = features.inputs[:, -1 - days : -1], features.units[:, -1 - days : -1]
    session = model.open_session(next(folder.rglob("model.onnx")).read_bytes())
    quantiles = model.run_session(session, inputs.reshape(-1, inputs.shape[-1])).reshape(*inputs.shape[:2], -1)
    factor = tune_model(quantiles, features, shop, baseline)
    sums = totals(replay(quantile_level(quantiles, factor[:, None]), units, shop.lives), units)
    return {
        "pinball_loss": model.pinball_loss(quantiles, units),
        **{f"coverage_{q}": float((units <= quantiles[..., i]).mean()) for i, q in enumerate(QUANTILES)},
        "waste": sums.waste,
        "unmet": sums.unmet,
    }


def main() -> None:
    days, name = int(environment.parameter("holdout_days", "28")), environment.parameter("register_as", "restock")
    features = shape_features(read_parquet(environment.input_folder("features")))
    if np.isnan(features.units[:, :-1]).any() or not np.isnan(features.units[:, -1]).all():
        raise SystemExit(f"the newest day, {features.days[-1]}, must be the only one without units")
    shop = Shop.of(features.department)
    _, baseline = tune_rule(*rule_forecasts(features)[BASELINE], features, shop, days)
    challenger_folder = environment.input_folder("model")
    champion_folder = environment.optional_input_folder("champion")
    version = json.loads((challenger_folder / "metrics.json").read_text()).get("version")
    with tempfile.TemporaryDirectory() as scratch:
        champion_version = tracking.download_champion(name, Path(scratch)) if tracking.enabled() else None
        if champion_version is not None:
            champion_folder = Path(scratch)
        challenger = judge(challenger_folder, features, shop, days, baseline)
        champion = judge(champion_folder, features, shop, days, baseline) if champion_folder else None
    report: dict[str, object] = {
        **challenger,
        "baseline_waste": float(baseline.waste.sum()),
        "baseline_unmet": float(baseline.unmet.sum()),
        **{f"champion_{key}": value for key, value in (champion or {}).items()},
        "wins": champion is None or challenger["pinball_loss"] < champion["pinball_loss"],
    }
    if "SLIPWAY_URL" in os.environ and version is not None:
        api = API()
        for judged, metrics in ((version, challenger), (champion_version, champion)):
            if judged is not None and metrics is not None:
                body = {"dataset": environment.parameter("features"), "metrics": metrics}
                api.post(f"/api/v1/models/{name}/versions/{judged}/evaluations", body)
    (environment.output_folder("evaluation") / "metrics.json").write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report))


if __name__ == "__main__":
    main()
