"""Endpoints as people use them: look, ask, trace, tell the truth, approve and switch, roll back."""

import re

import pytest
from ops import watched


@pytest.fixture
def endpoint(page, world):
    watched(world)
    page.goto(f"/ui/p/{world.project}/endpoints")
    page.get_by_role("link", name="restock", exact=True).click()
    page.get_by_role("heading", name="restock", level=1).wait_for()
    return page


def test_how_it_fares(endpoint, accessible, shots):
    page = endpoint
    page.get_by_text("Which version answered when").wait_for()
    page.get_by_role("link", name="watch").wait_for()
    assert page.get_by_text("since the server started").count() >= 1
    accessible(page)
    shots(page, "endpoint")


def test_asking_and_tracing_the_answer(endpoint, world, accessible):
    page = endpoint
    page.get_by_role("tab", name="Try it").click()
    fields = page.locator(".try-field input")
    fields.first.wait_for()
    assert fields.count() == 3
    for index, value in enumerate(("1", "x", "0.5")):
        fields.nth(index).fill(value)
    page.get_by_text("is not a number").wait_for()
    assert page.get_by_role("button", name="Ask", exact=True).is_disabled()
    fields.nth(1).fill("-2")
    accessible(page)
    page.get_by_role("button", name="Ask", exact=True).click()
    page.get_by_role("link", name="the prediction, with feedback").click()
    page.get_by_role("heading", name=re.compile("^Prediction")).wait_for()
    page.get_by_role("button", name="tell", exact=True).first.click()
    page.get_by_label("Value").fill("4.5")
    page.get_by_role("button", name="Note it").click()
    page.get_by_text("the truth of 1 is known").wait_for()
    page.get_by_role("link", name="Where it came from").click()
    page.get_by_role("option", name="model:restock@1").wait_for()


def test_what_was_predicted(endpoint, accessible):
    page = endpoint
    page.get_by_role("tab", name="Predictions").click()
    page.get_by_role("grid", name="Predictions of restock").get_by_text("80", exact=True).first.wait_for()
    accessible(page)


def test_approving_switching_and_rolling_back(endpoint, world, accessible, shots):
    page = endpoint
    world.call("PUT", "/models/restock/policy", {
        "approvalsRequired": 1, "protectedAliases": ["champion"], "selfApproval": True})
    world.call("POST", "/models/restock/versions/1/approvals", {"decision": "approve"})
    page.get_by_role("tab", name="Versions").click()
    page.get_by_role("button", name="Switch…").click()
    dialog = page.get_by_role("dialog", name="Switch to version 2?")
    dialog.get_by_text("Nobody has decided about version 2.").wait_for()
    dialog.get_by_label("Comment on the decision").fill("more trees")
    accessible(page)
    shots(page, "switch")
    dialog.get_by_role("button", name="Approve version 2").click()
    page.get_by_role("button", name="Switch…").click()
    page.get_by_text("more trees").wait_for()
    page.get_by_role("dialog").get_by_role("button", name="Switch", exact=True).click()
    page.get_by_text("restock answers with version 2.").wait_for()
    page.get_by_role("button", name="Roll back…").click()
    page.get_by_role("dialog").get_by_role("button", name="Roll back", exact=True).click()
    page.get_by_text("restock answers with version 1.").wait_for()
    assert world.call("GET", "/endpoints/restock")["serving"] == "model:restock@1"
