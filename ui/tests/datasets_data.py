"""Data for the pages about data: branches that conflict, a contract that is broken, slices that leak, images with boxes and
texts with spans. Everything is made through the API, as a person would."""

import json
import struct
import urllib.error
import urllib.parse
import urllib.request
import zlib

PROJECT = "larder"


class Api:
    def __init__(self, server: str):
        self.server = server.rstrip("/") + "/api/v1"

    def __call__(self, method: str, path: str, body=None, type="application/json", **query):
        url = self.server + path + ("?" + urllib.parse.urlencode(query) if query else "")
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(url, data, {"Content-Type": type} if data is not None else {}, method=method)
        with urllib.request.urlopen(request, timeout=120) as answer:
            text = answer.read()
            return json.loads(text) if text[:1] in (b"{", b"[") else text.decode()

    def append(self, name: str, csv: str, **query):
        return self("POST", f"/datasets/{name}/append", csv.encode(), "text/csv", project=PROJECT, **query)


def png(width: int, height: int, boxes: list[tuple[int, int, int, int, tuple[int, int, int]]]) -> bytes:
    """A picture of plain rectangles on a light ground."""
    pixels = [[(236, 233, 226)] * width for _ in range(height)]
    for left, top, wide, high, colour in boxes:
        for y in range(top, min(top + high, height)):
            for x in range(left, min(left + wide, width)):
                pixels[y][x] = colour
    raw = b"".join(b"\0" + bytes(value for pixel in row for value in pixel) for row in pixels)

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")


def tar(files: dict[str, bytes]) -> bytes:
    import io
    import tarfile

    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for path, content in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def rows(*lines: str) -> str:
    return "\n".join(lines) + "\n"


CONTRACT = """owner: mia
severity: block
columns:
  store: {type: BIGINT, required: true}
  product: {type: VARCHAR, required: true, allowed: [apples, bread, cheese, milk]}
  price:
    type: number
    range: {min: 0, max: 1000}
    nulls: {max: 0.02, severity: warn}
otherColumns: warn
keys:
  - [store, product]
rows: {min: 4}
sql:
  - name: cheese is dear
    severity: warn
    query: SELECT * FROM data WHERE product = 'cheese' AND price < 3
"""


def prices(api: Api) -> None:
    """A table with a branch whose prices conflict with main's, a tag, a contract and its reports."""
    products = ["apples", "bread", "cheese", "milk"]
    table = [f"{store},{product},{(store * 7 + at * 3) % 50 / 4 + 1:.2f},note {store}" for store in range(1, 41) for at, product in enumerate(products)]
    api.append("prices", rows("store,product,price,note", *table), message="first prices")
    api("PATCH", "/datasets/prices", {"key": ["store", "product"], "description": "What things cost, by store."})
    api("PUT", "/datasets/prices/tags/launch", {"from": "1"})
    api("PUT", "/datasets/prices/branches/audit", {"from": "main"})

    def derived(branch: str, sql: str, message: str) -> None:
        head = api("GET", f"/datasets/prices/versions/{branch}")
        api("POST", "/datasets/prices/derive", {
            "sql": sql, "inputs": {"p": head["ref"]}, "branch": branch, "message": message, "project": PROJECT,
        })

    derived("audit", "SELECT store, product, CASE WHEN product = 'cheese' AND store <= 9 THEN price + 0.5 ELSE price END AS price, CASE WHEN store = 3 THEN 'seen by ann' ELSE note END AS note FROM p WHERE NOT (store = 7 AND product = 'milk')", "prices as the audit found them")
    derived("main", "SELECT store, product, CASE WHEN product = 'cheese' AND store <= 6 THEN price + 1 WHEN store = 7 AND product = 'milk' THEN 9 ELSE price END AS price, note FROM p", "cheese is dearer")
    api("PUT", "/datasets/prices/contract", CONTRACT.encode(), "application/yaml")
    api.append("prices", rows("store,product,price,note", "41,apples,1.5,new", "41,cheese,2.5,cheap"), message="a new store")


def shelves(api: Api) -> None:
    """Images with boxes that two people drew and a reviewer accepted."""
    colours = {"jar": (196, 98, 45), "tin": (70, 110, 150)}
    files, boxes = {}, {}
    for number in range(60):
        jar = (10 + number * 3 % 60, 20 + number % 40, 40, 60)
        tin = (100 + number % 30, 40 + number * 2 % 30, 30, 50)
        path = f"shelf/{number:03}.png"
        files[path] = png(160, 120, [(*jar, colours["jar"]), (*tin, colours["tin"])])
        boxes[path] = [dict(zip(("class", "x", "y", "width", "height"), (name, *box))) for name, box in (("jar", jar), ("tin", tin))]
    files["readme.txt"] = b"Pictures of shelves.\n"
    api("POST", "/datasets/shelves/archive", tar(files), "application/octet-stream", project=PROJECT, format="tar", message="shelves of march")
    api("POST", "/label-schemas", {"name": "things", "project": PROJECT, "kind": "boxes", "classes": [{"name": "jar"}, {"name": "tin"}]})
    api("POST", "/slices", {"name": "shelf-pictures", "over": "dataset:shelves", "where": "media_type = 'image/png'", "description": "Pictures only", "purpose": "labelling"})
    api("POST", "/label-tasks", {"name": "shelf-things", "over": "slice:shelf-pictures", "schema": "things", "key": ["path"]})
    label(api, "shelf-things", lambda path: boxes[path], most=40)
    api("POST", "/label-tasks/shelf-things/publish", {"include": "complete"})


def label(api: Api, task: str, value, most: int) -> None:
    for _ in range(most):
        items = api("POST", f"/label-tasks/{task}/next", {})["items"]
        if not items:
            return
        api("POST", f"/label-tasks/{task}/items/{items[0]['item']}/submit", {"value": value(items[0]["key"][0]), "seconds": 3})


def notes(api: Api) -> None:
    """Texts with spans."""
    texts = [
        f"Mia bought {count} jars of honey in Porto on {day} May and said they were {'good' if count % 2 else 'too dear'}. Tom disagreed, as he often does, and went to the market himself 🍯."
        for count, day in zip(range(2, 32), range(1, 31))
    ]
    api.append("notes", rows("id,text", *(f'{number},"{text}"' for number, text in enumerate(texts, 1))), message="notes of may")
    api("PATCH", "/datasets/notes", {"key": ["id"]})
    api("POST", "/label-schemas", {"name": "names", "project": PROJECT, "kind": "spans", "classes": [{"name": "person"}, {"name": "place"}, {"name": "thing"}]})
    api("POST", "/label-tasks", {"name": "who-and-where", "over": "dataset:notes", "schema": "names"})

    def spans(key):
        text = texts[int(key) - 1]
        found = []
        for word, name in (("Mia", "person"), ("Tom", "person"), ("Porto", "place"), ("honey", "thing")):
            found.append({"class": name, "start": text.index(word), "end": text.index(word) + len(word)})
        return found

    label(api, "who-and-where", spans, most=20)
    api("POST", "/label-tasks/who-and-where/publish", {"include": "complete"})


def readings(api: Api) -> None:
    """A table with a time, for plots and for splits by time; one row leaks from one split into the other."""
    lines = [f"2026-0{1 + day // 28}-{1 + day % 28:02}T{hour:02}:00:00Z,{(day * 24 + hour) % 7},{18 + 4 * ((hour - 12) / 12) ** 2 + day / 40:.3f},{50 + (day * 13 + hour * 5) % 31}" for day in range(84) for hour in range(24)]
    api.append("readings", rows("at,sensor,celsius,humidity", *lines), message="a winter of readings")
    api("PATCH", "/datasets/readings", {"key": ["at"]})
    api("POST", "/slices/split", {"prefix": "readings", "over": "dataset:readings", "split": {"kind": "random", "seed": 7, "parts": [{"name": "train", "fraction": 0.8}, {"name": "test", "fraction": 0.2}]}, "purpose": "evaluation"})
    api("POST", "/slices", {"name": "warm", "over": "dataset:readings", "filter": "celsius > 20", "description": "Where the cooling should run", "purpose": "gate"})


def fill(server: str) -> None:
    api = Api(server)
    try:
        api("POST", "/projects", {"name": PROJECT, "description": "What a small shop keeps on its shelves."})
    except urllib.error.HTTPError as error:
        if error.code != 409:
            raise
        return
    prices(api)
    readings(api)
    notes(api)
    shelves(api)


if __name__ == "__main__":
    import sys

    try:
        fill(sys.argv[1])
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{error.url}: {error.code} {error.read().decode()}")
