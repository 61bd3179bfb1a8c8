"""Pictures of the pages of a project that `make run` has filled, light and dark, into docs/images/.

    .slipway/venv/bin/python ui/tests/shots.py [URL]      the server of `make run` by default
"""

import io
import pathlib
import shutil
import sys

from PIL import Image
from playwright.sync_api import sync_playwright

IMAGES = pathlib.Path(__file__).resolve().parents[2] / "docs/images"
PAGES = {
    "home": "/p/restock",
    "datasets": "/p/restock/datasets",
    "dataset": "/p/restock/datasets/transactions",
    "dataset-history": "/p/restock/datasets/daily-sales?tab=history",
    "experiment": "/p/restock/experiments/1",
    "charts": "/p/restock/experiments/1?tab=charts",
    "models": "/p/restock/models",
    "model": "/p/restock/models/restock",
    "model-in-use": "/p/restock/models/restock?tab=history",
    "model-version": "/p/restock/models/restock/versions/5",
    "pipelines": "/p/restock/pipelines",
    "pipeline": "/p/restock/pipelines/restock-train",
    "endpoint": "/p/restock/endpoints/restock",
    "monitor": "/p/restock/monitors/restock",
    "lineage": "/p/restock/lineage?ref=model:restock@5",
    "ledger": "/p/restock/ledger",
    "admin": "/p/restock/admin",
}


def main(url):
    with sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            page = browser.new_page(viewport={"width": 1440, "height": 900}, color_scheme=scheme, reduced_motion="reduce")
            for name, path in PAGES.items():
                page.goto(f"{url}/ui{path}")
                page.wait_for_timeout(2_500)  # charts are drawn when they are seen
                picture = Image.open(io.BytesIO(page.screenshot(animations="disabled", caret="hide"))).convert("RGB")
                # A palette and half the pixels keep a picture of text near 40 kB.
                picture = picture.resize((1080, 675), Image.Resampling.LANCZOS)
                picture.quantize(96, dither=Image.Dither.NONE).save(IMAGES / f"ui-{name}-{scheme}.png", optimize=True)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:5000")
