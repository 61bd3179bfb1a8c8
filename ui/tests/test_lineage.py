"""Lineage: from a prediction back, kinds taken out, a search, the same as a list."""

import re

from ops import watched


def test_from_a_prediction_to_its_run(page, world, accessible, shots):
    prediction = watched(world).ids["watched"]
    page.goto(f"/ui/p/{world.project}/lineage")
    page.get_by_label("A ref").fill(f"prediction:{prediction}")
    page.get_by_role("button", name="Trace").first.click()
    page.get_by_role("option", name="model:restock@1").click()
    page.get_by_role("heading", name="Made from").wait_for()
    accessible(page)
    shots(page, "lineage")
    runs = page.get_by_role("option", name=re.compile("^run:"))
    runs.first.wait_for()
    page.get_by_role("group", name="Kinds of things").get_by_role("button", name=re.compile("^run")).click()
    runs.first.wait_for(state="detached")
    assert "hide=run" in page.url
    page.get_by_label("Find in the graph").fill("restock@1")
    page.get_by_text("1 of 1").wait_for()
    page.get_by_label("Find in the graph").fill("")
    page.get_by_role("radio", name="List").click()
    page.get_by_role("grid", name=re.compile("^Lineage of")).get_by_text("predicted-by").first.wait_for()


def test_a_name_without_a_version_is_its_newest(page, world):
    page.goto(f"/ui/p/{world.project}/lineage?ref=model:restock")
    page.get_by_role("option", name="model:restock@2").wait_for()
