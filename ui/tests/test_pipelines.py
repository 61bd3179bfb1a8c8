"""Pipelines: write one with completion and a dry run, start it, follow its steps, stop it."""

import re
import time

BROKEN = """name: two-steps
steps:
  - name: make
    run: /bin/true
    outputs:
      table: dir
  - name: take
    run: /bin/true
    inputs:
      table: steps.make.tables
"""


def write(page, text):
    page.locator(".CodeMirror").evaluate("(element, text) => element.CodeMirror.setValue(text)", text)


def test_looking_at_one(page, world, accessible, shots):
    page.goto(f"/ui/p/{world.project}/pipelines")
    page.get_by_role("link", name="nightly", exact=True).click()
    page.get_by_role("option", name=re.compile("^train")).click()
    page.get_by_text("Step train").wait_for()
    accessible(page)
    shots(page, "pipeline")
    page.get_by_role("tab", name="YAML").click()
    page.locator(".CodeMirror").get_by_text("needs").wait_for()
    page.get_by_role("tab", name="Triggers").click()
    page.get_by_text("Nothing starts it by itself").wait_for()


def test_writing_one(page, world, accessible, shots):
    page.allowed.append("400")
    page.goto(f"/ui/p/{world.project}/pipeline-new")
    page.locator(".CodeMirror").wait_for()
    write(page, BROKEN)
    page.get_by_text("Step 'make' has no output 'tables'.").wait_for()
    page.get_by_role("button", name="Dry run").click()
    page.get_by_text(re.compile("expected one of table")).wait_for()
    accessible(page)
    shots(page, "pipeline-editor")
    names = [each["name"] for each in world.call("GET", f"/pipelines?project={world.project}")["items"]]
    write(page, BROKEN.replace("tables", "table"))
    page.get_by_role("button", name="Dry run").click()
    page.get_by_text("The server accepts it: 2 steps, nothing was stored.").wait_for()
    assert names == [each["name"] for each in world.call("GET", f"/pipelines?project={world.project}")["items"]]
    page.get_by_role("option", name=re.compile("^take")).wait_for()
    page.get_by_role("button", name="Create").click()
    page.get_by_role("heading", name="two-steps", level=1).wait_for()
    assert world.call("GET", "/pipelines/two-steps")["version"] == 1


def test_completion(page, world):
    page.goto(f"/ui/p/{world.project}/pipeline-new")
    page.locator(".CodeMirror-line").last.click()
    page.keyboard.press("Control+End")
    page.keyboard.type("    retr")
    page.locator(".CodeMirror-hint", has_text="retries").wait_for()
    page.keyboard.press("Enter")
    page.locator(".CodeMirror-line", has_text="retries: ").wait_for()


def test_running_with_parameters(page, world, accessible, shots):
    """The run ends in some way, also where there is no sandbox; its page follows it there."""
    world.call("PUT", f"/pipelines/asked?project={world.project}", headers={"content-type": "application/yaml"}, data=(
        "name: asked\nparams:\n  count: {type: integer}\nsteps:\n  - name: say\n    run: /bin/echo ${params.count}\n"
        "    params: [count]\n"))
    page.goto(f"/ui/p/{world.project}/pipelines")
    page.get_by_role("button", name="Run asked").click()
    run = page.get_by_role("dialog").get_by_role("button", name="Run", exact=True)
    assert run.is_disabled()
    page.get_by_label("count").fill("many")
    page.get_by_text("“many” is not a whole number.").wait_for()
    page.get_by_label("count").fill("12")
    accessible(page)
    run.click()
    page.get_by_role("heading", name=re.compile("^Run")).wait_for()
    identity = page.url.split("?")[0].rsplit("/", 1)[1]
    deadline = time.monotonic() + 60
    while (found := world.call("GET", f"/pipeline-runs/{identity}?wait=20"))["state"] in ("queued", "running"):
        assert time.monotonic() < deadline
    page.locator(".page-title").get_by_text(found["state"]).wait_for()
    page.get_by_role("option", name=re.compile("^say")).click()
    page.get_by_role("tab", name="Log").wait_for()
    if found["state"] == "succeeded":
        page.get_by_label("Log of say").get_by_text("12").wait_for()
    shots(page, "pipeline-run")
    page.get_by_role("radio", name="Time").click()
    page.get_by_role("button", name=re.compile("^say: ")).wait_for()
    accessible(page)
