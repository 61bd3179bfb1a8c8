"""Label tasks of every kind, made through the HTTP interface: what the labelling pages are looked at and tested with."""

import gzip
import json
import math
import pathlib
import random
import re
import struct
import zlib

SAMPLES = pathlib.Path(__file__).resolve().parents[2] / ".slipway/samples"

def png(width, height, rows):
    """A greyscale PNG of rows of bytes."""
    def part(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    raw = b"".join(b"\0" + bytes(row) for row in rows)
    return (b"\x89PNG\r\n\x1a\n" + part(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
            + part(b"IDAT", zlib.compress(raw)) + part(b"IEND", b""))


def digits(count):
    """[(path, PNG, digit)]: MNIST digits, evenly of each."""
    with gzip.open(SAMPLES / "mnist_5k.csv.gz", "rt") as lines:
        rows = [[int(float(cell)) for cell in line.split(",")] for line in lines if line[0].isdigit()]
    random.Random(7).shuffle(rows)
    found = []
    for number, row in enumerate(rows[:count]):
        pixels, digit = row[:784], row[784]
        found.append((f"{number:04d}.png", png(28, 28, [pixels[at:at + 28] for at in range(0, 784, 28)]), str(digit)))
    return found


def sheets(count):
    """[(path, PNG)]: pages on which several digits lie, to draw boxes around."""
    pictures, chosen = [], random.Random(3)
    source = iter(digits_pixels(count * 6))
    for number in range(count):
        canvas = [[18] * 320 for _ in range(200)]
        for _ in range(6):
            pixels = next(source)
            left, top = chosen.randrange(0, 320 - 58), chosen.randrange(0, 200 - 58)
            for y in range(56):
                for x in range(56):
                    canvas[top + y][left + x] = max(canvas[top + y][left + x], pixels[(y // 2) * 28 + x // 2])
        pictures.append((f"sheet-{number:02d}.png", png(320, 200, canvas)))
    return pictures


def digits_pixels(count):
    with gzip.open(SAMPLES / "mnist_5k.csv.gz", "rt") as lines:
        rows = [line.split(",") for line in lines if line[0].isdigit()]
    random.Random(11).shuffle(rows)
    return [[int(float(cell)) for cell in row[:784]] for row in rows[:count]]


REVIEWS = [
    "The oranges from Valencia arrived on Tuesday and were sweet.",
    "I asked Martha at the Boston store for oat milk and she found the last carton.",
    "Delivery to Lyon took nine days; the bread was stale and nobody answered.",
    "Best coffee since we moved to Oslo. Thank you, Jonas!",
    "The app charged me twice. Support in Dublin refunded it within an hour.",
    "Cheese from Gouda, ham from Parma, and a friendly note from Elif.",
    "The pears were green. They still are, a week later.",
    "My order went to Springfield. The other Springfield.",
]


def make(binary, url, folder, digit_count=200):
    """Everything; `folder` is for the files that the command line takes. Answers the annotators' tokens by name."""
    import os
    import subprocess

    def run(*words, stdin=None):
        done = subprocess.run([str(binary), *map(str, words)], env={**os.environ, "SLIPWAY_URL": url}, text=True,
                              input=stdin, capture_output=True, timeout=120)
        if done.returncode:
            raise RuntimeError(f"slipway {' '.join(map(str, words))}: {done.stdout}{done.stderr}")
        return done.stdout

    folder = pathlib.Path(folder)

    def write(name, files):
        for path, content in files:
            place = folder / name / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        return folder / name

    def table(name, header, rows, key):
        place = folder / f"{name}.csv"
        place.write_text("\n".join(",".join(map(str, row)) for row in [header, *rows]) + "\n")
        run("data", "append", name, place)
        run("data", "set", name, "--key", key)

    tokens = {}
    for who, role in (("ann", "annotator"), ("bob", "annotator"), ("rita", "owner")):
        run("user", "create", who, "--role", role)
        tokens[who] = re.search(r"slw_\w+", run("token", "create", "--for", who)).group()

    def classes(*names):
        return [word for name in names for word in ("--class", name)]

    # Digits: one class each, with pre-labels of a "model" that is wrong now and then, so that there is something to correct.
    pictures = digits(digit_count)
    run("data", "add", write("digits", [(path, content) for path, content, _ in pictures]), "digits")
    run("label", "schema", "create", "digit", "--kind", "class", *classes(*"0123456789"))
    run("label", "task", "create", "digits", "--over", "dataset:digits@1", "--schema", "digit", "--reviewer", "rita")
    run("label", "task", "create", "digits-twice", "--over", "dataset:digits@1", "--schema", "digit", "--sample", 40, "--seed", 1,
        "--overlap", 2, "--reviewer", "rita")
    # Boxes and polygons on pages of digits.
    run("data", "add", write("sheets", sheets(12)), "sheets")
    run("label", "schema", "create", "sheet-digits", "--kind", "boxes", *classes("digit", "unreadable", "blot"))
    run("label", "task", "create", "sheet-boxes", "--over", "dataset:sheets@1", "--schema", "sheet-digits")
    run("label", "schema", "create", "outlines", "--kind", "polygons", *classes("digit", "blot"))
    run("label", "task", "create", "sheet-outlines", "--over", "dataset:sheets@1", "--schema", "outlines")
    # Spans in reviews; a class, a number and a text on tables; ranges on a series.
    table("reviews", ["id", "text"], [[n, '"' + text + '"'] for n, text in enumerate(REVIEWS, 1)], "id")
    run("label", "schema", "create", "entities", "--kind", "spans", *classes("person", "place", "product"))
    run("label", "task", "create", "review-entities", "--over", "dataset:reviews@1", "--schema", "entities")
    run("label", "schema", "create", "topics", "--kind", "multi-class", *classes("delivery", "quality", "service", "price"))
    run("label", "task", "create", "review-topics", "--over", "dataset:reviews@1", "--schema", "topics")
    run("label", "schema", "create", "stars", "--kind", "number", "--minimum", 1, "--maximum", 5)
    run("label", "task", "create", "review-stars", "--over", "dataset:reviews@1", "--schema", "stars")
    run("label", "schema", "create", "answer", "--kind", "text")
    run("label", "task", "create", "review-answers", "--over", "dataset:reviews@1", "--schema", "answer")
    chosen = random.Random(5)
    rows = []
    for machine in range(1, 7):
        bad = chosen.randrange(40, 150)
        series = [round(60 + 4 * math.sin(at / 9) + chosen.gauss(0, 0.7) + (14 if bad <= at < bad + 25 else 0), 2) for at in range(200)]
        rows.append([machine, '"' + json.dumps(series) + '"'])
    table("fans", ["machine", "speed"], rows, "machine")
    run("label", "schema", "create", "faults", "--kind", "ranges", *classes("fault", "wear"))
    run("label", "task", "create", "fan-faults", "--over", "dataset:fans@1", "--schema", "faults")
    return tokens


if __name__ == "__main__":
    import sys
    import tempfile
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(make(sys.argv[1], sys.argv[2], folder)))
