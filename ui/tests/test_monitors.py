"""Monitors: see which feature moved and how, how good answers were, take the alert on, evaluate."""

import pytest
from ops import watched


@pytest.fixture
def monitor(page, world):
    watched(world)
    page.goto(f"/ui/p/{world.project}/monitors")
    page.get_by_role("link", name="watch", exact=True).click()
    page.get_by_role("heading", name="watch", level=1).wait_for()
    return page


def test_what_moved(monitor, accessible, shots):
    page = monitor
    worst = page.get_by_role("option").first
    worst.wait_for()
    assert worst.inner_text().startswith("x0")
    assert worst.get_attribute("aria-selected") == "true"
    page.get_by_text("over its limit").first.wait_for()
    page.get_by_role("option", name="x1").click()
    page.get_by_text("within its limits").wait_for()
    assert "feature=x1" in page.url
    accessible(page)
    page.get_by_role("option", name="x0").click()
    shots(page, "drift")


def test_how_good_answers_were(monitor, accessible):
    page = monitor
    page.get_by_role("tab", name="Quality").click()
    page.get_by_text("mean absolute error", exact=True).wait_for()
    accessible(page)


def test_taking_an_alert_on(monitor, world, accessible):
    page = monitor
    page.get_by_role("button", name="See the alert").click()
    page.get_by_role("button", name="Acknowledge…").click()
    page.get_by_label("Comment").fill("a sale")
    accessible(page)
    page.get_by_role("button", name="Acknowledge", exact=True).click()
    page.get_by_text("taken on by local: a sale").wait_for()
    (alert,) = world.call("GET", "/alerts?monitor=watch")["items"]
    assert (alert["state"], alert["comment"]) == ("acknowledged", "a sale")


def test_evaluating_now(monitor, world):
    page = monitor
    before = len(world.call("GET", "/monitors/watch/reports")["items"])
    page.get_by_role("button", name="Evaluate now…").click()
    page.get_by_role("button", name="Evaluate", exact=True).click()
    page.get_by_text("It sees drift.").wait_for()
    assert len(world.call("GET", "/monitors/watch/reports")["items"]) == before + 1
    page.get_by_role("tab", name="Reports").click()
    page.get_by_role("grid", name="Reports").get_by_text("psi of x0").first.wait_for()
