"""What the pages of operation need beyond world.py: a monitor that saw drift, and feedback."""

import random

import requests


def watched(world):
    """`watch` watches the endpoint restock against a table of its inputs; what it is asked then is far away."""
    if "watched" in world.ids:
        return world
    chance = random.Random(1)
    lines = ["x0,x1,x2"] + [",".join(f"{chance.gauss(0, 1):.5f}" for _ in range(3)) for _ in range(400)]
    world.call("POST", "/datasets", {"name": "inputs", "project": world.project}, status=None)
    world.call(
        "POST", f"/datasets/inputs/append?project={world.project}", data="\n".join(lines),
        headers={"content-type": "text/csv"})
    world.call("PUT", f"/monitors/watch?project={world.project}", {
        "endpoint": "restock", "reference": "dataset:inputs@1", "window": {"days": 1}, "minimumRows": 50,
        "columns": {"X": ["x0", "x1", "x2"]}, "thresholds": {"psi": 0.25}, "quality": {}})
    rows = [[chance.gauss(2, 1), chance.gauss(0, 1), chance.gauss(0, 1)] for _ in range(80)]
    answer = requests.post(f"{world.url}/v2/models/restock/infer", timeout=30, json={
        "inputs": [{"name": "X", "shape": [80, 3], "datatype": "FP32", "data": sum(rows, [])}]})
    answer.raise_for_status()
    prediction = answer.headers["X-Slipway-Prediction"]
    world.call("POST", "/feedback", {"items": [
        {"predictionId": prediction, "row": row, "value": rows[row][0] - 2 * rows[row][1]} for row in range(60)]})
    world.call("POST", "/monitors/watch/evaluate", {})
    world.ids["watched"] = prediction
    return world
