"""The web application in Debian's Chromium, against a real server that is filled once.

The pages come from ui/dist (make ui), so a change shows without building the server again. Tests that need no browser run
everywhere; the others are skipped without chromium and playwright (scripts/setup --browser).

    SLIPWAY_SHOTS=1    write docs/images/ui-PAGE-light.png and -dark.png as the tests pass by
"""

import io
import os
import pathlib
import shutil
import sys

os.environ.update(
    MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true", MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR="false", GIT_PYTHON_REFRESH="quiet")
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "Tests/clients")]

import pytest  # noqa: E402
import world as worlds  # noqa: E402
from servers import REPOSITORY, serving  # noqa: E402

DIST = REPOSITORY / "ui/dist"
IMAGES = REPOSITORY / "docs/images"


def pytest_configure(config):
    for warning in ("FutureWarning", "UserWarning", "DeprecationWarning"):  # mlflow's and scikit-learn's
        config.addinivalue_line("filterwarnings", f"ignore::{warning}")


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """A server with something of every kind in it (world.py); `world.url`, `world.ids`, `world.call(…)`."""
    assert (DIST / "app.pack").is_file(), "ui/dist/app.pack is not there: run make ui"
    with serving(tmp_path_factory.mktemp("ui"), "--ui", DIST) as server:
        yield worlds.make(server.url)


@pytest.fixture(scope="session")
def closed(tmp_path_factory):
    """(URL, token of its admin) of an empty server that asks for a token."""
    folder = tmp_path_factory.mktemp("closed")
    with serving(folder, "--ui", DIST, "--require-token") as server:
        yield server.url, (folder / "data/admin.token").read_text().strip()


@pytest.fixture(scope="session")
def browser():
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: scripts/setup --browser")
    if not (chromium := shutil.which("chromium")):
        pytest.skip("chromium is not installed: scripts/setup --browser")
    with api.sync_playwright() as engine:
        started = engine.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def open_page(browser):
    """A function that opens a fresh browser window: `open_page(url, dark=False, width=1440, height=900)`.

    The test fails for errors in the console, for what the content security policy refused, for answers of 500 and
    above, and for requests to anybody but the server. `window.allowed` is a list of texts of errors that a test provokes.
    """
    windows = []

    def open_(url, dark=False, width=1440, height=900):
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light", base_url=url,
            reduced_motion="reduce")
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.problems, page.allowed = [], []
        page.on("console", lambda message: message.type == "error" and page.problems.append(message.text))
        page.on("pageerror", lambda error: page.problems.append(f"not caught: {error}"))
        page.on("response", lambda answer: answer.status >= 500 and page.problems.append(f"{answer.status} {answer.url}"))

        def asked(request):
            if not request.url.startswith((url, "data:", "blob:")):
                page.problems.append(f"asks another server: {request.url}")
        page.on("request", asked)
        windows.append((context, page))
        return page

    yield open_
    problems = []
    for context, page in windows:
        problems += [text for text in page.problems if not any(allowed in text for allowed in page.allowed)]
        context.close()
    assert not problems, "\n".join(problems)


@pytest.fixture
def page(open_page, world):
    """A window on the filled server, light."""
    return open_page(world.url)


@pytest.fixture
def accessible():
    """A function that fails if axe finds something serious on a page: `accessible(page)`."""
    axe = pytest.importorskip("axe_playwright_python", reason="axe is not installed: scripts/setup --browser")
    source = (pathlib.Path(axe.__file__).parent / "axe.min.js").read_text()

    def check(page, *, within=None):
        page.evaluate(source)
        found = page.evaluate("(root) => axe.run(root ?? document, {resultTypes: ['violations']})", within)
        serious = [
            f"{rule['id']}: {rule['help']}: {node['target']} {node['html'][:160]}"
            for rule in found["violations"] if rule["impact"] in ("serious", "critical") for node in rule["nodes"]]
        assert not serious, "\n".join(serious)

    return check


@pytest.fixture
def shots():
    """A function that writes docs/images/ui-NAME-{light,dark}.png of a page, if SLIPWAY_SHOTS asks for it."""
    def take(page, name):
        if not os.environ.get("SLIPWAY_SHOTS"):
            return
        from PIL import Image

        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            # A palette keeps a picture of text under 100 kB.
            picture = Image.open(io.BytesIO(page.screenshot(animations="disabled", caret="hide"))).convert("RGB")
            picture.quantize(128, dither=Image.Dither.NONE).save(IMAGES / f"ui-{name}-{scheme}.png", optimize=True)
        page.emulate_media(color_scheme="light")

    return take
