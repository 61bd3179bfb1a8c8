"""Experiments as a person uses them: find runs, compare five, look at curves and files, change many, write a report."""

import re

import pytest
import requests
import tracking_data


@pytest.fixture(scope="module")
def made(world):
    return tracking_data.fill(world.url, world.project, ("dataset:sales@1", "dataset:sales@2"))


@pytest.fixture
def table(page, world, made):
    """The run table of the experiment, open."""
    page.goto(f"/ui/p/{world.project}/experiments/{made.experiment}")
    page.get_by_role("grid", name="Runs").get_by_role("link", name="digits-11").wait_for()
    return page


def names(page):
    grid = page.get_by_role("grid", name="Runs")
    return [each.strip() for each in grid.locator("a[href*='/runs/']").all_inner_texts()]


def test_experiments_in_folders(page, world, made, accessible, shots):
    page.goto(f"/ui/p/{world.project}/experiments")
    page.get_by_role("button", name=re.compile("vision")).click()
    page.get_by_role("link", name="digits", exact=True).wait_for()
    assert "in=vision" in page.url
    accessible(page)
    page.get_by_label("Find experiments").fill("digi")
    page.get_by_role("link", name="vision/digits").click()
    page.get_by_role("heading", name="vision/digits").wait_for()


def test_runs_are_filtered_sorted_and_grouped(table, accessible, shots):
    shots(table, "runs")
    accessible(table)
    box = table.get_by_label("Filter runs")
    box.fill("params.opt")
    table.get_by_role("option", name=re.compile("params.optimizer")).first.wait_for()
    box.fill("params.optimizer = 'adam' AND metrics.loss < 0.3")
    box.press("Enter")
    table.get_by_role("link", name="digits-10").wait_for(state="detached")
    found = names(table)
    assert "digits-05" in found and "digits-04" not in found and "digits-03" not in found
    table.locator(".grid-sort", has_text=re.compile("^loss$")).click()
    table.wait_for_function("location.search.includes('sort=metrics.loss')")
    table.get_by_label("Group by").select_option("params.width")
    table.get_by_role("button", name="128").wait_for()
    # The view is in the address: another window shows the same.
    url = table.url
    table.goto("about:blank")
    table.goto(url)
    table.get_by_role("button", name="128").wait_for()
    assert set(names(table)) == set(found)
    box = table.get_by_label("Filter runs")
    box.fill("metrics.loss <")
    box.press("Enter")
    table.allowed.append("400")
    table.get_by_role("alert").first.wait_for()


def test_five_runs_are_compared_differences_first(table, made, accessible, shots):
    for name in ("digits-01", "digits-05", "digits-08", "digits-09", "digits-03"):
        table.get_by_label(f"Choose {made.runs[name]}").check()
    table.get_by_role("link", name="Compare").click()
    page = table
    page.get_by_role("heading", name="Compare 5 runs").wait_for()
    region = page.get_by_role("region", name="Differences of the runs")
    rows = [each.strip() for each in region.locator("tbody th[scope=row]").all_inner_texts()]
    assert {"learning_rate", "dropout"} <= set(rows) and "seed" not in rows
    region.get_by_text("best").first.wait_for()
    accessible(page)
    shots(page, "compare-runs")
    page.get_by_label(re.compile("that are the same")).check()
    region.get_by_text("seed").wait_for()
    page.get_by_role("tab", name="Charts").click()
    chart = page.get_by_role("region", name="val/loss", exact=True)
    chart.scroll_into_view_if_needed()  # what nobody sees is not drawn
    chart.locator("canvas").first.wait_for()
    page.get_by_role("tab", name="Files").click()
    page.get_by_role("combobox", name="File").select_option("config/model.json")
    page.get_by_text("Not in this run").first.wait_for()


def test_charts_of_many_kinds(table, shots):
    page = table
    page.get_by_role("tab", name="Charts").click()
    page.get_by_role("region", name="loss", exact=True).locator("canvas").first.wait_for()
    page.get_by_label("Log scale").check()
    page.get_by_label("Smoothing").fill("0.6")
    assert "log=1" in page.url and "smooth=0.6" in page.url
    shots(page, "charts")
    for kind in ("Scatter", "Parallel coordinates", "Contour", "Bars", "Confusion matrix"):
        page.get_by_role("button", name="Add chart").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("radio", name=kind).click()
        dialog.get_by_role("button", name="Add", exact=True).click()
        dialog.wait_for(state="hidden")
    section = page.locator("section", has=page.get_by_role("heading", name="My charts"))
    assert section.locator(".chart-panel").count() == 5
    section.locator(".chart-panel-confusion").scroll_into_view_if_needed()
    section.get_by_text("right (").first.wait_for()  # the confusion matrix says how many were right
    page.reload()
    section.locator(".chart-panel").nth(4).wait_for()
    assert section.locator(".chart-panel").count() == 5


def test_many_runs_are_changed_at_once(table, world, made):
    for name in ("digits-00", "digits-02"):
        table.get_by_label(f"Choose {made.runs[name]}").check()
    bar = table.get_by_role("region", name="Chosen runs")
    bar.get_by_role("button", name="Set tag").click()
    dialog = table.get_by_role("dialog")
    dialog.get_by_label("Key").fill("reviewed")
    dialog.get_by_label("Value").fill("yes")
    dialog.get_by_role("button", name="Set tag").click()
    dialog.wait_for(state="hidden")
    tags = [world.call("GET", f"/runs/{made.runs[name]}")["tags"].get("reviewed") for name in ("digits-00", "digits-01", "digits-02")]
    assert tags == ["yes", None, "yes"]
    table.get_by_label(f"Choose {made.runs['digits-00']}").check()
    bar.get_by_role("button", name="More").click()
    table.get_by_role("menuitem", name="Delete…").click()
    table.get_by_role("button", name="Delete 1 run").click()
    table.get_by_role("link", name="digits-00").wait_for(state="detached")
    assert world.call("GET", f"/runs/{made.runs['digits-00']}")["lifecycle"] == "deleted"
    table.get_by_label("Which runs").select_option("deleted")
    table.get_by_label(f"Choose {made.runs['digits-00']}").check()
    bar.get_by_role("button", name="More").click()
    table.get_by_role("menuitem", name="Restore…").click()
    table.get_by_role("button", name="Restore 1 run").click()
    table.get_by_text("No deleted runs").wait_for()
    assert world.call("GET", f"/runs/{made.runs['digits-00']}")["lifecycle"] == "active"


def test_a_run_with_its_files(page, world, made, accessible, shots):
    page.goto(f"/ui/p/{world.project}/runs/{made.runs['digits-08']}")
    page.get_by_role("heading", name="digits-08").wait_for()
    accessible(page)
    shots(page, "run")
    page.get_by_role("tab", name="Artifacts").click()
    tree = page.get_by_role("tree", name="Artifacts")

    def show(name, what):
        tree.get_by_role("treeitem", name=re.compile(re.escape(name))).first.click()
        what.first.wait_for()

    show("explore.ipynb", page.get_by_text("ZeroDivisionError"))
    show("card.md", page.get_by_role("cell", name="60000"))
    show("confusion_matrix.json", page.get_by_text("right ("))
    show("predictions.json", page.get_by_role("grid", name="Rows"))
    tree.get_by_role("treeitem", name="data", exact=True).click()
    show("predictions.csv", page.get_by_text("400 rows, 4 columns"))
    show("predictions.parquet", page.get_by_text("400 rows, 4 columns"))
    tree.get_by_role("treeitem", name="images").click()
    show("filters+step+0", page.locator("img.preview-image"))
    page.allowed.append("Applying inline style")  # of the page that is shown; the frame's styles come by the style API
    show("report.html", page.frame_locator("iframe.html-frame").get_by_text("Digits that are taken"))
    frame = page.frame_locator("iframe.html-frame")
    assert frame.locator("h1").evaluate("(h) => getComputedStyle(h).color") == "rgb(11, 101, 128)"
    assert frame.get_by_text("a script ran").count() == 0 and page.title() != "taken"
    page.get_by_role("tab", name="Logs").click()
    page.get_by_text("step=119").wait_for()


def test_a_run_grows_while_one_looks(page, world, made):
    run = made.runs["digits-11"]
    page.goto(f"/ui/p/{world.project}/runs/{run}")
    page.get_by_text("running").first.wait_for()
    post = lambda path, body: requests.post(f"{world.url}/api/2.0/mlflow/{path}", json=body, timeout=10).raise_for_status()  # noqa: E731
    post("runs/log-metric", {"run_id": run, "key": "gain", "value": 0.125, "timestamp": 1_800_000_000_000, "step": 1})
    page.get_by_role("rowheader", name="gain").wait_for()
    post("runs/update", {"run_id": run, "status": "FINISHED", "end_time": 1_800_000_000_000})
    page.get_by_text("finished").first.wait_for()


def test_notes_and_reports(page, world, made, accessible, shots):
    page.goto(f"/ui/p/{world.project}/runs/{made.runs['digits-05']}")
    page.get_by_role("button", name="Write a note").click()
    page.get_by_label("Notes in Markdown").fill("Looks **good**.")
    page.get_by_role("button", name="Save").click()
    page.locator("strong", has_text="good").wait_for()
    page.goto(f"/ui/p/{world.project}/experiments/{made.experiment}?tab=reports")
    page.get_by_role("button", name="New report").first.click()
    page.get_by_label("Title").fill("Which rate is best?")
    page.get_by_role("button", name="Create").click()
    editor = page.get_by_label("Text in Markdown")
    editor.fill(
        'Rates of **0.3** win.\n\n```chart\n{"type": "line", "metrics": ["val/loss"], "filter": "tags.stage = \'final\'", "limit": 5}\n```\n')
    page.locator("figcaption", has_text="tags.stage = 'final'").wait_for()
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Edit").wait_for()
    page.reload()
    page.locator(".report-chart canvas").first.wait_for()
    page.locator("strong", has_text="0.3").wait_for()
    accessible(page)
    shots(page, "report")


def test_dark_and_on_a_phone(open_page, world, made, accessible):
    page = open_page(world.url, dark=True, width=390, height=844)
    for path in (
        f"experiments/{made.experiment}", f"experiments/{made.experiment}?tab=charts", f"runs/{made.runs['digits-08']}",
        f"compare/runs?runs={made.runs['digits-08']},{made.runs['digits-09']}", "models", "models/digits",
        "models/digits/versions/4", "models/digits/compare?left=2&right=4",
    ):
        page.goto(f"/ui/p/{world.project}/{path}")
        page.get_by_role("heading", level=1).first.wait_for()
        page.wait_for_timeout(300)
        accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
