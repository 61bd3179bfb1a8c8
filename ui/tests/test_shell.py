"""What frames every page: it loads, signs in and out, and shows what the server says."""

import requests


def test_first_page(page, world, accessible, shots):
    page.goto("/")
    page.wait_for_url("**/ui/**")
    page.get_by_role("heading", level=1).first.wait_for()
    page.goto(f"/ui/p/{world.project}")
    page.get_by_role("link", name="Datasets").first.wait_for()
    accessible(page)
    shots(page, "home")


def test_every_part_has_its_page(page, world):
    page.goto(f"/ui/p/{world.project}")
    page.get_by_role("link", name="Datasets").first.wait_for()
    links = page.locator("nav a[href*='/ui/p/']").evaluate_all("(all) => all.map((a) => a.getAttribute('href'))")
    assert len(links) > 5
    for link in links:
        page.goto(link)
        page.get_by_role("heading", level=1).first.wait_for()


def test_what_is_not_there(page, world):
    page.goto("/ui/no/such/page")
    page.get_by_role("heading").first.wait_for()
    assert requests.get(f"{world.url}/ui/assets/none.js", timeout=10).status_code == 404


def test_dark_and_on_a_phone(open_page, world, accessible):
    page = open_page(world.url, dark=True, width=390, height=844)
    page.goto(f"/ui/p/{world.project}")
    page.get_by_role("heading", level=1).first.wait_for()
    accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_signing_in_and_out(open_page, closed, accessible):
    url, token = closed
    page = open_page(url)
    page.allowed.append("401")
    page.goto("/ui/")
    field = page.get_by_label("Token")
    field.fill("slw_00_00")
    page.keyboard.press("Enter")
    page.get_by_role("alert").first.wait_for()
    accessible(page)
    field.fill(token)
    page.keyboard.press("Enter")
    field.wait_for(state="hidden")
    page.reload()
    page.get_by_role("heading", level=1).first.wait_for()
    (cookie,) = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/")
    assert token not in cookie["value"] and page.evaluate("document.cookie + JSON.stringify(localStorage)").count("slw_") == 0
    answer = page.evaluate("fetch('/api/v1/session', {method: 'DELETE'}).then((answer) => answer.status)")
    assert answer == 204 and page.context.cookies() == []
    page.reload()
    field.wait_for()
