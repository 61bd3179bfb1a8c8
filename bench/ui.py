"""The web application in Debian's Chromium: how soon its first page answers, how much it loads, how the run table scrolls
and how soon a chart is drawn. There is nothing beside it: MLflow's page shows other things.

The browser is driven by playwright, which is in the Python of the tests: this file is run again there, with a server's
address, and prints what it measured as JSON.
"""

import json
import pathlib
import random
import shutil
import statistics
import subprocess
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
PYTHON = REPOSITORY / ".slipway/venv/bin/python"
PACK = REPOSITORY / "ui/dist/app.pack"
THROTTLE = 4  # a laptop of some years ago beside this machine
ROUNDS = 5
SCROLL_SECONDS = 4

# In the page, from its first script on. It is interactive when its heading is there, nothing of it is still awaited, and
# the main thread had a moment to spare; `until` gives the milliseconds since the load began, or since `from`.
INIT = """
window.until = (condition, from = 0) => new Promise((resolve) => {
  const look = () => condition()
    ? requestIdleCallback(() => resolve(performance.now() - from)) : requestAnimationFrame(look);
  look();
});
window.hasRows = () => document.querySelectorAll('.grid-body [role=row] .grid-pinned').length > 5
  && document.querySelectorAll('.grid-body [role=row] .grid-wait').length === 0;
window.isDrawn = () => [...document.querySelectorAll('figure.chart canvas')].some((canvas) => {
  const pixels = canvas.width && canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  return pixels && pixels.some((value, index) => index % 4 === 3 && value > 0);
});
window.scrollFor = (milliseconds) => new Promise((resolve) => {
  const view = document.querySelector('.grid-view'), gaps = [];
  let last = performance.now();
  const end = last + milliseconds;
  const frame = (now) => {
    gaps.push(now - last);
    last = now;
    view.scrollTop += 60;
    now < end ? requestAnimationFrame(frame) : resolve(gaps.slice(1));
  };
  requestAnimationFrame(frame);
});
"""


def compressed_sizes():
    """{asset: bytes as they are sent} of the pack that make ui wrote."""
    data = PACK.read_bytes()
    index = json.loads(data[22:22 + int(data[13:21], 16)])
    return {entry["path"]: min(entry[key][1] for key in ("br", "gzip", "identity") if key in entry) for entry in index}


def drive(url, table, curves):
    """What a browser measures of the experiments with many runs and with long curves."""
    from playwright.sync_api import sync_playwright

    found = {"load": [], "bytes": [], "rows": [], "gaps": [], "chart": []}
    with sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])

        def window():
            page = browser.new_context(viewport={"width": 1440, "height": 900}, base_url=url).new_page()
            page.add_init_script(INIT)
            page.set_default_timeout(60_000)
            return page

        for _ in range(ROUNDS):
            page = window()  # nothing is cached
            page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": THROTTLE})
            page.goto("/ui/p/default", wait_until="commit")
            found["load"].append(page.evaluate(
                "until(() => document.querySelector('main h1') && !document.querySelector('.skeleton'))"))
            found["bytes"].append(page.evaluate(
                "performance.getEntriesByType('resource').filter((e) => e.name.includes('/ui/'))"
                ".reduce((sum, e) => sum + e.encodedBodySize, 0)"))
            page.context.close()
        for _ in range(ROUNDS):
            page = window()
            page.goto("/ui/p/default/experiments")
            link = page.locator(f"a[href*='/experiments/{table}']").first
            link.wait_for()
            # The page's code is there, as when a person comes to it for the second time today.
            found["rows"].append(link.evaluate(
                "(link) => { const from = performance.now(); link.click(); return until(hasRows, from); }"))
            found["gaps"].append(page.evaluate(f"scrollFor({SCROLL_SECONDS * 1000})"))
            page.context.close()
        for _ in range(ROUNDS):
            page = window()
            page.goto(f"/ui/p/default/experiments/{curves}")
            page.evaluate("until(hasRows)")
            tab = page.get_by_role("tab", name="Charts")
            found["chart"].append(tab.evaluate(
                "(tab) => { const from = performance.now(); tab.click(); return until(isDrawn, from); }"))
            page.context.close()
        browser.close()
    return found


def fill(target, runs_count, curves_count, steps):
    """(experiment with many runs, experiment with long curves)."""
    import runs
    from measure import call

    table = runs.fill_ours(target, "many runs", runs.rows_of(runs_count, 1))
    curves = call(f"{runs.api(target)}/experiments/create", {"name": "long curves"})["experiment_id"]
    chance = random.Random(2)
    for number in range(curves_count):
        run = call(f"{runs.api(target)}/runs/create", {
            "experiment_id": curves, "start_time": runs.STAMP + number, "run_name": f"curve-{number}"})["run"]["info"]["run_id"]
        value = 1 + chance.random()
        batches = []
        for first in range(0, steps, 1000):
            points = []
            for step in range(first, min(first + 1000, steps)):
                value *= 1 - 0.0005 * chance.random()
                points.append({"key": "loss", "value": value + 0.02 * chance.random(), "timestamp": runs.STAMP + step, "step": step})
            batches.append(json.dumps({"run_id": run, "metrics": points}).encode())
        runs.send(f"{runs.api(target)}/runs/log-batch", batches, clients=4)
    return table, curves


def bench(options, slipway):
    from report import heading, line, say

    if options.anchors:
        return []
    if not shutil.which("chromium") or subprocess.run([PYTHON, "-c", "import playwright"], capture_output=True).returncode:
        say("ui: left out: scripts/setup --test --browser installs chromium and playwright")
        return []
    many, curves, steps = (2_000, 10, 1_000) if options.quick else (100_000, 100, 10_000)
    with slipway(options) as target:
        say(f"ui: {many:,} runs, and {curves} curves of {steps:,} steps")
        experiments = fill(target, many, curves, steps)
        say("ui: the browser")
        child = subprocess.run([PYTHON, __file__, target.url, *experiments], stdout=subprocess.PIPE, text=True)
    if child.returncode:
        raise RuntimeError("ui: the browser did not get to the end")
    found = json.loads(child.stdout)
    gaps = [gap for round_ in found["gaps"] for gap in round_]
    sizes = compressed_sizes()
    middle = statistics.median
    heading(f"Web application (medians of {ROUNDS})", "")
    return [
        line(f"first page interactive, CPU {THROTTLE}x slower", middle(found["load"]), None, " ms", "< 1000 ms", smaller_is_better=True),
        line("loaded for the first page", middle(found["bytes"]) / 1000, None, " kB", "", smaller_is_better=True),
        line("all of it, compressed", sum(sizes.values()) / 1000, None, " kB", "< 500 kB", smaller_is_better=True),
        line(f"run table, {many:,} runs: first rows", middle(found["rows"]), None, " ms", "< 300 ms", smaller_is_better=True),
        line("  scrolling", 1000 * len(gaps) / sum(gaps), None, " fps", ">= 50 fps"),
        line("  slowest of 100 frames", sorted(gaps)[int(len(gaps) * 0.99)], None, " ms", "", smaller_is_better=True),
        line(f"chart, {curves} runs x {steps:,} steps", middle(found["chart"]), None, " ms", "< 500 ms", smaller_is_better=True),
    ]


if __name__ == "__main__":
    print(json.dumps(drive(*sys.argv[1:])))
