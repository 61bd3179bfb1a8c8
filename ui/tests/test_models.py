"""Models as a person uses them: who was in use when, compare two versions on the same rows, approve and switch."""

import pytest
import tracking_data


@pytest.fixture(scope="module")
def made(world):
    return tracking_data.fill(world.url, world.project, ("dataset:sales@1", "dataset:sales@2"))


def test_who_was_champion_when(page, world, made, accessible, shots):
    page.goto(f"/ui/p/{world.project}/models")
    page.get_by_role("link", name="digits").click()
    page.get_by_role("heading", name="digits").wait_for()
    accessible(page)
    shots(page, "model")
    page.get_by_role("tab", name="Who was in use when").click()
    rows = page.get_by_role("region", name="History of the aliases").get_by_role("row")
    assert [rows.nth(at).locator("td").nth(1).inner_text() for at in (1, 2, 3)] == ["version 4", "version 2", "version 1"]
    accessible(page)
    shots(page, "model-history")


def test_two_versions_on_the_same_rows(page, world, made, accessible, shots):
    page.goto(f"/ui/p/{world.project}/models/digits")
    page.get_by_label("Choose 2").check()
    page.get_by_label("Choose 4").check()
    page.get_by_role("link", name="Compare", exact=True).click()
    table = page.get_by_role("region", name="Metrics on the same rows")
    table.wait_for()
    first = table.locator("tbody").first.get_by_role("row").first
    assert "accuracy" in first.inner_text() and "version 4" in first.inner_text()
    page.get_by_role("region", name="Differences of the recipes").get_by_text("dropout").wait_for()
    accessible(page)
    shots(page, "compare-versions")


def test_approve_and_switch(page, world, made, accessible, shots):
    page.goto(f"/ui/p/{world.project}/models/digits/versions/4")
    page.get_by_role("heading", name="digits, version 4").wait_for()
    page.get_by_role("region", name="Evaluations").wait_for()
    accessible(page)
    shots(page, "version")
    page.get_by_role("button", name="Put into use").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Version 2 stops being champion").wait_for()
    page.allowed.append("409")
    dialog.get_by_role("button", name="Make it champion if it is better").click()
    dialog.get_by_text("approval").last.wait_for()  # refused: nobody has approved it
    assert world.call("GET", "/models/digits")["aliases"]["champion"] == 2
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Approve", exact=True).click()
    page.get_by_role("dialog").get_by_label("Why").fill("Better on both.")
    page.get_by_role("dialog").get_by_role("button", name="Approve").click()
    page.get_by_text("Better on both.").wait_for()
    page.get_by_role("button", name="Put into use").click()
    page.get_by_role("button", name="Make it champion if it is better").click()
    page.get_by_role("dialog").wait_for(state="hidden")
    assert world.call("GET", "/models/digits")["aliases"]["champion"] == 4
    page.locator(".page-title").get_by_text("champion").wait_for()


def test_a_rejection_and_the_policy(page, world, made):
    page.goto(f"/ui/p/{world.project}/models/digits/versions/3")
    page.get_by_text("Worse on the second dataset.").wait_for()
    page.goto(f"/ui/p/{world.project}/models/digits?tab=card")
    page.get_by_label("Approvals that a version needs").select_option("2")
    page.get_by_role("button", name="Change the policy").click()
    page.get_by_text("The policy is changed.").wait_for()
    assert world.call("GET", "/models/digits")["policy"]["approvalsRequired"] == 2
