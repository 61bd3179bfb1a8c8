"""The ledger: it fills while one looks, is filtered, opened, verified."""

import re


def test_it_fills_while_one_looks(page, world, accessible, shots):
    page.goto(f"/ui/p/{world.project}/ledger?type=project.")
    grid = page.get_by_role("grid", name="Events")
    grid.get_by_text("project.created").wait_for()
    world.call("POST", f"/projects/{world.project}/goals/forecast-error/measurements", {"value": -0.0512})
    grid.get_by_text(re.compile("-0.0512")).wait_for()
    accessible(page)
    page.goto(f"/ui/p/{world.project}/ledger")
    grid.get_by_text("project.goal.measured").first.wait_for()
    shots(page, "ledger")
    page.get_by_label("Words in events").fill("forecast-error -0.0512")
    grid.get_by_text("project.goal.measured").first.click()
    page.get_by_role("dialog", name="project.goal.measured").get_by_text("Hash").wait_for()
    accessible(page)


def test_the_chain_is_whole(page, world):
    page.goto(f"/ui/p/{world.project}/ledger")
    page.get_by_role("button", name="Verify the chain").click()
    page.get_by_text("whole", exact=True).wait_for()
