"""Home, the command palette, lists and charts, as a person uses them."""

import re

import pytest

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: scripts/setup --browser").expect


def test_home_tells_how_a_project_is(page, world):
    page.goto(f"/ui/p/{world.project}")
    stages = page.get_by_role("region", name="Lifecycle").get_by_role("link")
    expect(stages).to_have_count(7)
    expect(stages.filter(has_text="Datasets")).to_contain_text("version")
    expect(page.get_by_role("region", name="Goals")).to_contain_text("not met")
    expect(page.get_by_role("link", name=re.compile(r"read-digits: \d+ items? to (label|review)"))).to_be_visible()


def test_a_measured_goal_is_seen_at_once_in_every_window(page, world):
    page.goto(f"/ui/p/{world.project}")
    other = page.context.new_page()
    other.goto(f"/ui/p/{world.project}")
    expect(other.get_by_role("region", name="Goals")).to_contain_text("forecast-error")
    page.get_by_role("button", name="Measured").click()
    value = page.get_by_label("Value")
    expect(value).to_be_focused()
    value.fill("less")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Not a number.")).to_be_visible()
    value.fill("-0.11")
    page.keyboard.press("Enter")
    for window in (page, other):
        expect(window.get_by_role("region", name="Goals")).to_contain_text("−11 %")
        expect(window.get_by_role("slider", name="forecast-error over time: read out")).to_be_visible()
    expect(page.get_by_role("list").filter(has_text="measured a goal of").first).to_be_visible()


def test_a_chart_is_read_with_the_keyboard(page, world):
    world.call("POST", f"/projects/{world.project}/goals/forecast-error/measurements", {"value": -0.1})
    page.goto(f"/ui/p/{world.project}")
    chart = page.get_by_role("slider", name="forecast-error over time: read out")
    chart.focus()
    page.keyboard.press("ArrowRight")
    expect(chart).to_have_attribute("aria-valuetext", re.compile("forecast-error −4 %"))


def test_the_palette_goes_to_refs_pages_and_actions(page, world, accessible):
    page.goto(f"/ui/p/{world.project}")
    page.get_by_role("link", name="Datasets").first.wait_for()
    field = page.get_by_role("combobox", name="Search, a ref or a command")
    for typed, address in (
        ("dataset:sales@2", "**/datasets/sales*"), ("pipelines", "**/pipelines"), ("weekly", "**/datasets/weekly*"),
        ("new project", "**/ui/?new=1"),
    ):
        page.keyboard.press("Control+k")
        field.fill(typed)
        expect(page.get_by_role("option").first).to_be_visible()
        if typed == "weekly":
            page.get_by_role("option", name="weekly").wait_for()
        page.keyboard.press("Enter")
        page.wait_for_url(address)
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    field.fill("dark")
    accessible(page)
    page.keyboard.press("Enter")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_a_list_is_walked_with_the_keyboard(page, world):
    page.goto(f"/ui/p/{world.project}/datasets")
    grid = page.get_by_role("grid", name="Datasets")
    expect(grid.get_by_role("row").filter(has_text="weekly")).to_be_visible()
    grid.focus()
    page.keyboard.press("End")
    page.keyboard.press("Control+End")
    last = grid.get_by_role("row").last
    expect(last.locator(".grid-active")).to_have_count(1)
    name = last.get_by_role("gridcell").first.inner_text()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/datasets/{name.strip()}*")


def test_the_menu_of_a_phone(open_page, world):
    page = open_page(world.url, width=390, height=844)
    page.goto(f"/ui/p/{world.project}")
    expect(page.get_by_role("link", name="Models", exact=True)).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("link", name="Models", exact=True).click()
    page.wait_for_url("**/models")
    expect(page.get_by_role("link", name="Models", exact=True)).to_be_hidden()
