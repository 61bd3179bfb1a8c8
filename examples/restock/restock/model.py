"""The forecast model: two quantile regressions by gradient boosting, exported as one ONNX graph."""

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper
from sklearn.ensemble import HistGradientBoostingRegressor

from restock.columns import FEATURES, QUANTILES

INPUT_NAME = "features"
OUTPUT_NAME = "quantiles"
SCALE = FEATURES.index("scale")


def train(
    inputs: np.ndarray, units: np.ndarray, iterations: int = 150, seed: int = 7
) -> list[HistGradientBoostingRegressor]:
    """Fits one regressor per quantile of `units / scale`; inputs are [rows, feature] in the order of FEATURES."""
    ratio = units / inputs[:, SCALE]
    models = []
    for quantile in QUANTILES:
        model = HistGradientBoostingRegressor(
            loss="quantile",
            quantile=quantile,
            max_iter=iterations,
            learning_rate=0.06,
            max_leaf_nodes=15,
            min_samples_leaf=40,
            l2_regularization=1.0,
            early_stopping=False,
            random_state=seed,
        )
        models.append(model.fit(inputs, ratio))
    return models


def predict(models: list[HistGradientBoostingRegressor], inputs: np.ndarray) -> np.ndarray:
    """Quantiles of the day's demand in units, [rows, quantile]; what the ONNX graph computes, in scikit-learn."""
    ratios = np.stack([model.predict(inputs) for model in models], axis=1)
    return np.maximum(0.0, ratios * inputs[:, [SCALE]])


def export(models: list[HistGradientBoostingRegressor]) -> onnx.ModelProto:
    """One graph: float32 `features` [rows, feature] to float32 `quantiles` [rows, 2] in units.

    The same models give the same bytes.
    """
    graph = helper.make_graph(
        [
            _tree_ensemble(models),
            helper.make_node("Gather", [INPUT_NAME, "scale_column"], ["scale"], axis=1),
            helper.make_node("Mul", ["ratios", "scale"], ["scaled"]),
            helper.make_node("Relu", ["scaled"], [OUTPUT_NAME]),
        ],
        "restock",
        [helper.make_tensor_value_info(INPUT_NAME, TensorProto.FLOAT, ["rows", len(FEATURES)])],
        [helper.make_tensor_value_info(OUTPUT_NAME, TensorProto.FLOAT, ["rows", len(models)])],
        [helper.make_tensor("scale_column", TensorProto.INT64, [1], [SCALE])],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    exported = helper.make_model(graph, producer_name="slipway-restock", opset_imports=opsets, ir_version=8)
    helper.set_model_props(exported, {"features": ",".join(FEATURES), "quantiles": ",".join(map(str, QUANTILES))})
    onnx.checker.check_model(exported)
    return exported


def _tree_ensemble(models: list[HistGradientBoostingRegressor]) -> onnx.NodeProto:
    """All trees of all models as one ONNX TreeEnsembleRegressor (ai.onnx.ml 3) with one target for each model.

    Written here because skl2onnx 1.20 does not work with the protobuf that onnx 1.23 installs, and because it rounds
    thresholds to the nearest float32. Rounding down is exact: for a float32 input x and the largest float32 t not
    above a threshold T, x <= t exactly when x <= T.
    """
    nodes: dict[str, list] = {name: [] for name in (
        "treeids", "nodeids", "featureids", "modes", "values", "truenodeids", "falsenodeids",
        "missing_value_tracks_true",
    )}  # fmt: skip
    target: dict[str, list] = {name: [] for name in ("treeids", "nodeids", "ids", "weights")}
    trees = [(index, trees[0].nodes) for index, model in enumerate(models) for trees in model._predictors]
    for number, (index, tree) in enumerate(trees):
        leaf = tree["is_leaf"].astype(bool)
        exact = np.where(leaf, 0.0, tree["num_threshold"])
        rounded = exact.astype(np.float32)
        below = np.where(rounded > exact, np.nextafter(rounded, np.float32(-np.inf), dtype=np.float32), rounded)
        nodes["treeids"] += [number] * len(tree)
        nodes["nodeids"] += range(len(tree))
        nodes["featureids"] += np.where(leaf, 0, tree["feature_idx"]).tolist()
        nodes["modes"] += np.where(leaf, "LEAF", "BRANCH_LEQ").tolist()
        nodes["values"] += below.tolist()
        nodes["truenodeids"] += np.where(leaf, 0, tree["left"]).tolist()
        nodes["falsenodeids"] += np.where(leaf, 0, tree["right"]).tolist()
        nodes["missing_value_tracks_true"] += np.where(leaf, 0, tree["missing_go_to_left"]).tolist()
        leaves = np.flatnonzero(leaf)
        target["treeids"] += [number] * len(leaves)
        target["nodeids"] += leaves.tolist()
        target["ids"] += [index] * len(leaves)
        target["weights"] += tree["value"][leaves].tolist()
    return helper.make_node(
        "TreeEnsembleRegressor",
        [INPUT_NAME],
        ["ratios"],
        domain="ai.onnx.ml",
        n_targets=len(models),
        base_values=[float(model._baseline_prediction.item()) for model in models],
        **{f"nodes_{name}": values for name, values in nodes.items()},
        **{f"target_{name}": values for name, values in target.items()},
    )


def open_session(model: bytes) -> onnxruntime.InferenceSession:
    """A session on one thread: the batches are small."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def run_session(session: onnxruntime.InferenceSession, inputs: np.ndarray) -> np.ndarray:
    """Quantiles in units [rows, quantile] from the ONNX model."""
    return session.run([OUTPUT_NAME], {INPUT_NAME: np.ascontiguousarray(inputs, dtype=np.float32)})[0]


def pinball_loss(quantiles: np.ndarray, units: np.ndarray) -> float:
    """Mean pinball loss over rows and QUANTILES, in units (Koenker and Bassett 1978); smaller is better."""
    error = units[..., None] - quantiles
    levels = np.array(QUANTILES)
    return float(np.maximum(levels * error, (levels - 1) * error).mean())
