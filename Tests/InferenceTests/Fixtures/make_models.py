"""Makes the models that InferenceTests load, and expected.json with what scikit-learn and Python's onnxruntime answer.

    .slipway/bench-venv/bin/python Tests/InferenceTests/Fixtures/make_models.py           the committed fixtures
    .slipway/bench-venv/bin/python Tests/InferenceTests/Fixtures/make_models.py --bench DIR   larger ones for bench/

The committed files are a few kilobytes each. Seeds are fixed; run it again only to change a model.
"""

import argparse
import json
import pathlib

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto as T
from onnx import helper as h
from skl2onnx import to_onnx
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

# Old enough for every ONNX Runtime that Slipway takes.
OPSET = {"": 17, "ai.onnx.ml": 3}
HERE = pathlib.Path(__file__).parent


def save(model, path):
    model.ir_version = 8
    model.doc_string = ""
    path.write_bytes(model.SerializeToString())
    return path


def graph(name, nodes, inputs, outputs, initializers=()):
    imports = [h.make_opsetid(domain, version) for domain, version in OPSET.items()]
    return h.make_model(h.make_graph(nodes, name, inputs, outputs, list(initializers)), opset_imports=imports)


def run(path, feeds):
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return dict(zip([o.name for o in session.get_outputs()], session.run(None, feeds)))


def trees(count, depth):
    x, y = load_breast_cancer(return_X_y=True)
    model = GradientBoostingClassifier(n_estimators=count, max_depth=depth, random_state=0).fit(x, y)
    return model, x.astype(np.float32)


def network(layers):
    x, y = load_digits(return_X_y=True)
    model = make_pipeline(StandardScaler(), MLPClassifier(layers, max_iter=60, random_state=0)).fit(x, y)
    return model, x.astype(np.float32)


def classifier(model, x, path, zipmap=False):
    onx = to_onnx(
        model, initial_types=[("x", FloatTensorType([None, x.shape[1]]))], target_opset=OPSET, options={id(model): {"zipmap": zipmap}}
    )
    return save(onx, path)


def sklearn_models(expected):
    # Gradient boosting: labels (INT64) and probabilities (FP32 tensor).
    model, x = trees(8, 2)
    classifier(model, x, HERE / "trees.onnx")
    rows = x[:5]
    expected["trees"] = {
        "x": rows.ravel().tolist(), "shape": list(rows.shape),
        "label": model.predict(rows).tolist(), "probabilities": model.predict_proba(rows).ravel().tolist(),
    }

    # Logistic regression with text classes; probabilities as ZipMap.
    iris = load_iris()
    rows = iris.data[::30].astype(np.float32)
    for name, labels in [("zipmap_text", iris.target_names[iris.target]), ("zipmap_int", iris.target * 10)]:
        model = LogisticRegression(max_iter=500).fit(iris.data, labels)
        classifier(model, iris.data.astype(np.float32), HERE / f"{name}.onnx", zipmap=True)
        expected[name] = {
            "x": rows.ravel().tolist(), "shape": list(rows.shape), "classes": [str(c) for c in model.classes_],
            "label": model.predict(rows).tolist(), "probabilities": model.predict_proba(rows).ravel().tolist(),
        }

    # One input a column, text among them, FP64 throughout.
    import pandas as pd

    frame = pd.DataFrame({
        "size": [1.0, 2.0, 3.5, 4.0, 5.5, 7.0], "store": ["north", "south", "north", "west", "south", "west"],
        "price": [2.0, 1.5, 3.0, 2.5, 4.0, 1.0],
    })
    target = [3.0, 1.0, 6.5, 5.0, 8.0, 2.5]
    encode = ColumnTransformer([("store", OneHotEncoder(handle_unknown="ignore"), ["store"])], remainder="passthrough")
    model = make_pipeline(encode, LinearRegression()).fit(frame, target)
    types = [(n, StringTensorType([None, 1]) if n == "store" else DoubleTensorType([None, 1])) for n in frame.columns]
    save(to_onnx(model, initial_types=types, target_opset=OPSET), HERE / "columns.onnx")
    asked = pd.DataFrame({"size": [2.5, 6.0], "store": ["west", "nowhere"], "price": [2.0, 3.0]})
    expected["columns"] = {c: asked[c].tolist() for c in asked} | {"variable": model.predict(asked).tolist()}

    # A model that knows missing values.
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3))
    x[rng.random(x.shape) < 0.2] = np.nan
    model = make_pipeline(SimpleImputer(), LinearRegression()).fit(x, np.nansum(x, axis=1))
    save(to_onnx(model, initial_types=[("x", FloatTensorType([None, 3]))], target_opset=OPSET), HERE / "missing.onnx")
    rows = np.array([[0.5, np.nan, -1.0], [np.nan, np.nan, np.nan], [1.0, 2.0, 3.0]], dtype=np.float32)
    expected["missing"] = {
        "x": [None if np.isnan(v) else float(v) for v in rows.ravel()], "variable": model.predict(rows).tolist(),
    }


def made_models(expected):
    # Every element type, in and out.
    kinds = [
        T.BOOL, T.UINT8, T.UINT16, T.UINT32, T.UINT64, T.INT8, T.INT16, T.INT32, T.INT64, T.FLOAT16, T.FLOAT, T.DOUBLE, T.STRING,
    ]
    names = ["BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32", "FP64", "BYTES"]
    save(
        graph(
            "types", [h.make_node("Identity", [n], ["out_" + n]) for n in names],
            [h.make_tensor_value_info(n, k, [None, 2]) for n, k in zip(names, kinds)],
            [h.make_tensor_value_info("out_" + n, k, [None, 2]) for n, k in zip(names, kinds)],
        ), HERE / "types.onnx")

    # y = 2x + 1 over any shape: scalars, empty batches, many rows.
    save(
        graph(
            "affine", [h.make_node("Mul", ["x", "two"], ["t"]), h.make_node("Add", ["t", "one"], ["y"])],
            [h.make_tensor_value_info("x", T.FLOAT, None)], [h.make_tensor_value_info("y", T.FLOAT, None)],
            [h.make_tensor("two", T.FLOAT, [], [2.0]), h.make_tensor("one", T.FLOAT, [], [1.0])],
        ), HERE / "affine.onnx")

    # A sequence of tensors beside a tensor: the first cannot be returned.
    save(
        graph(
            "sequence", [h.make_node("SplitToSequence", ["x"], ["parts"], axis=0), h.make_node("Neg", ["x"], ["negative"])],
            [h.make_tensor_value_info("x", T.FLOAT, [None, 2])],
            [h.make_tensor_sequence_value_info("parts", T.FLOAT, None), h.make_tensor_value_info("negative", T.FLOAT, [None, 2])],
        ), HERE / "sequence.onnx")

    # Gather by an index from outside: a wrong one is refused when it runs.
    save(
        graph(
            "gather", [h.make_node("Gather", ["table", "i"], ["y"])],
            [h.make_tensor_value_info("i", T.INT64, [None])], [h.make_tensor_value_info("y", T.FLOAT, [None])],
            [h.make_tensor("table", T.FLOAT, [3], [10.0, 20.0, 30.0])],
        ), HERE / "gather.onnx")


def hostile_models():
    # Counts to n, one node at a time.
    body = h.make_graph(
        [h.make_node("Add", ["c", "one"], ["c2"]), h.make_node("Identity", ["go"], ["go2"])], "body",
        [h.make_tensor_value_info("i", T.INT64, []), h.make_tensor_value_info("go", T.BOOL, []), h.make_tensor_value_info("c", T.INT64, [])],
        [h.make_tensor_value_info("go2", T.BOOL, []), h.make_tensor_value_info("c2", T.INT64, [])],
        [h.make_tensor("one", T.INT64, [], [1])])
    save(
        graph(
            "loop", [h.make_node("Loop", ["n", "yes", "zero"], ["count"], body=body)],
            [h.make_tensor_value_info("n", T.INT64, [])], [h.make_tensor_value_info("count", T.INT64, [])],
            [h.make_tensor("yes", T.BOOL, [], [True]), h.make_tensor("zero", T.INT64, [], [0])],
        ), HERE / "loop.onnx")

    # Fills as much memory as its input says, then adds it up.
    fill = [h.make_node("ConstantOfShape", ["n"], ["big"]), h.make_node("ReduceSum", ["big"], ["y"], keepdims=0)]
    value = [h.make_tensor_value_info("y", T.FLOAT, [])]
    save(graph("giant", fill, [h.make_tensor_value_info("n", T.INT64, [1])], value), HERE / "giant.onnx")
    # The same with the size in the file: an optimizer that folds constants meets it while loading.
    size = h.make_tensor("n", T.INT64, [1], [3 << 30])
    extra = [h.make_node("Add", ["y0", "x"], ["y"])]
    fill = [h.make_node("ConstantOfShape", ["n"], ["big"]), h.make_node("ReduceSum", ["big"], ["y0"], keepdims=0)]
    save(graph("giant_fold", fill + extra, [h.make_tensor_value_info("x", T.FLOAT, [])], value, [size]), HERE / "giant_fold.onnx")

    # Weights that are said to lie outside the model's folder.
    weight = h.make_tensor("w", T.FLOAT, [2], [1.0, 2.0])
    weight.ClearField("float_data")
    weight.data_location = onnx.TensorProto.EXTERNAL
    for key, text in [("location", "../../../../../../../../etc/passwd"), ("offset", "0"), ("length", "8")]:
        entry = weight.external_data.add()
        entry.key, entry.value = key, text
    save(
        graph(
            "outside", [h.make_node("Add", ["x", "w"], ["y"])], [h.make_tensor_value_info("x", T.FLOAT, [2])],
            [h.make_tensor_value_info("y", T.FLOAT, [2])], [weight],
        ), HERE / "outside.onnx")

    # An operator that nobody knows.
    model = graph(
        "unknown", [h.make_node("Frobnicate", ["x"], ["y"], domain="example.nowhere")],
        [h.make_tensor_value_info("x", T.FLOAT, [2])], [h.make_tensor_value_info("y", T.FLOAT, [2])])
    model.opset_import.append(h.make_opsetid("example.nowhere", 1))
    save(model, HERE / "unknown_operator.onnx")


def check(expected):
    """What onnxruntime in Python answers must be what scikit-learn answers; the tests compare with the latter."""
    for name in ["trees", "zipmap_text", "zipmap_int"]:
        case = expected[name]
        out = list(run(HERE / f"{name}.onnx", {"x": np.array(case["x"], np.float32).reshape(case["shape"])}).values())
        assert out[0].tolist() == case["label"], name
        table = out[1] if isinstance(out[1], np.ndarray) else np.array([list(row.values()) for row in out[1]])
        np.testing.assert_allclose(table.ravel(), case["probabilities"], atol=1e-5)
    case = expected["columns"]
    feeds = {c: np.array(case[c], dtype=object if c == "store" else np.float64).reshape(-1, 1) for c in ["size", "store", "price"]}
    np.testing.assert_allclose(run(HERE / "columns.onnx", feeds)["variable"].ravel(), case["variable"], atol=1e-4)
    case = expected["missing"]
    x = np.array([np.nan if v is None else v for v in case["x"]], np.float32).reshape(-1, 3)
    np.testing.assert_allclose(run(HERE / "missing.onnx", {"x": x})["variable"].ravel(), case["variable"], atol=1e-4)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bench", type=pathlib.Path, help="write trees_100.onnx and network_128_64.onnx there instead")
    folder = parser.parse_args().bench
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        for name, (model, x) in {"trees_100": trees(100, 3), "network_128_64": network((128, 64))}.items():
            classifier(model, x, folder / f"{name}.onnx")
            x.astype("<f4").tofile(folder / f"{name}.f32")
        return
    expected = {}
    sklearn_models(expected)
    made_models(expected)
    hostile_models()
    check(expected)
    (HERE / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
