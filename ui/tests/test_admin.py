"""Administration: give a role, make a token and revoke it, keep a secret, look at storage, jobs and the server."""

import pytest


@pytest.fixture
def admin(page, world):
    def open_(tab):
        page.goto(f"/ui/p/{world.project}/admin?tab={tab}")
        page.get_by_role("heading", name="Admin", level=1).wait_for()
        return page
    return open_


def test_giving_and_taking_a_role(admin, world, accessible):
    page = admin("members")
    page.get_by_role("button", name="New account…").click()
    page.get_by_label("Name").fill("grace")
    page.get_by_role("button", name="Make it").click()
    page.get_by_role("grid", name="Accounts").get_by_text("grace").wait_for()
    page.get_by_role("button", name="Give a role…").click()
    page.get_by_label("Account", exact=True).select_option("grace")
    page.get_by_label("Role", exact=True).select_option("annotator")
    page.get_by_role("button", name="Give it").click()
    page.get_by_label("Role of grace").wait_for()
    accessible(page)
    page.get_by_label("Role of grace").select_option("viewer")
    page.get_by_text("The role is given.").wait_for()
    assert {"name": "grace", "role": "viewer"} in world.call("GET", f"/projects/{world.project}/members")["items"]
    page.get_by_role("grid", name="Members").get_by_role("row", name="grace").get_by_role("button").click()
    page.get_by_role("button", name="Take the role away").click()
    page.get_by_label("Role of grace").wait_for(state="detached")


def test_a_token_is_shown_once(admin, world, accessible):
    page = admin("tokens")
    page.get_by_role("button", name="New token…").click()
    page.get_by_label("What for").fill("nightly job")
    page.get_by_label("May", exact=True).select_option("log runs")
    accessible(page)
    page.get_by_role("button", name="Make it").click()
    text = page.locator(".secret-text code").inner_text()
    assert text.startswith("slw_")
    page.get_by_role("button", name="I have it").click()
    grid = page.get_by_role("grid", name="Tokens")
    grid.get_by_text("nightly job").wait_for()
    assert text not in page.content()
    grid.get_by_role("row", name="nightly job").get_by_role("button", name="Revoke").click()
    page.get_by_role("button", name="Revoke it").click()
    grid.get_by_text("nightly job").wait_for(state="detached")


def test_secrets(admin, world):
    page = admin("secrets")
    page.get_by_role("button", name="New secret…").click()
    page.get_by_label("Name").fill("warehouse")
    page.get_by_label("Value").fill("user:not-shown")
    page.get_by_role("button", name="Keep it").click()
    page.get_by_role("grid", name="Secrets").get_by_text("warehouse").wait_for()
    assert "not-shown" not in page.content()


def test_webhooks(admin, accessible):
    page = admin("webhooks")
    page.get_by_role("button", name="New webhook…").click()
    page.get_by_label("Name").fill("deploys")
    page.get_by_label("URL").fill("https://hooks.example.org/slipway")
    accessible(page)
    page.get_by_role("button", name="Make it").click()
    page.get_by_text("https://hooks.example.org/slipway").wait_for()
    page.get_by_role("button", name="Pause").click()
    page.get_by_text("disabled").wait_for()


def test_storage_jobs_and_server(admin, accessible, shots):
    page = admin("storage")
    page.get_by_role("button", name="Preview").click()
    page.get_by_text("Objects in the store").wait_for()
    accessible(page)
    page = admin("jobs")
    page.get_by_text("Pipeline runs under way").first.wait_for()
    accessible(page)
    page = admin("server")
    page.get_by_role("grid", name="Routes").get_by_text("/api/v1/").first.wait_for()
    page.get_by_text("ready", exact=True).wait_for()
    accessible(page)
    shots(page, "server")


def test_on_a_phone_and_dark(open_page, world):
    page = open_page(world.url, dark=True, width=390, height=844)
    for path in ("pipelines", "pipelines/nightly", "endpoints", "endpoints/restock", "monitors", "lineage?ref=model:restock@1",
                 "ledger", "admin", "admin?tab=server"):
        page.goto(f"/ui/p/{world.project}/{path}")
        page.get_by_role("heading", level=1).first.wait_for()
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
