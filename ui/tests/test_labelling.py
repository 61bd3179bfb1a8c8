"""What annotators and reviewers do: label by keys and with the mouse, take back, review, publish."""

import re

import label_data
import pytest
import requests
from conftest import DIST
from servers import BINARY, serving


class Labels:
    def __init__(self, url, tokens):
        self.url, self.tokens = url, tokens

    def call(self, method, path, body=None, who=None):
        headers = {"Authorization": f"Bearer {self.tokens[who]}"} if who else {}
        answer = requests.request(method, f"{self.url}/api/v1{path}", json=body, headers=headers, timeout=30)
        assert answer.ok, f"{method} {path}: {answer.text}"
        return answer.json() if answer.content else None

    def said(self, task, item):
        return self.call("GET", f"/label-tasks/{task}/items/{item}")["annotations"][0]["value"]


@pytest.fixture(scope="module")
def labels(tmp_path_factory):
    folder = tmp_path_factory.mktemp("labels")
    with serving(folder, "--ui", DIST) as server:
        yield Labels(server.url, label_data.make(BINARY, server.url, folder, digit_count=120))


@pytest.fixture
def page(open_page, labels):
    return open_page(labels.url)


def open_work(page, task):
    page.goto(f"/ui/p/default/labelling/{task}/work")
    page.wait_for_selector(".row-editor, .shape-editor")


def settled(page):
    """Waits until everything that was said has arrived."""
    page.wait_for_function("() => !document.body.innerText.includes('on the way')")


def test_a_hundred_digits_by_keys(page, labels, accessible, shots):
    truth = [digit for _, _, digit in label_data.digits(120)]
    open_work(page, "digits")
    accessible(page)
    shots(page, "label-digits")
    keys = {one["name"]: one["hotkey"] for one in labels.call("GET", "/label-schemas/digit")["classes"]}
    for count, digit in enumerate(truth[:100], 1):
        page.wait_for_selector(".choices")
        page.keyboard.press(keys[digit])
        page.get_by_text(f"you: {count}", exact=True).wait_for()
    # The last one was a slip: taken back and said again.
    page.keyboard.press("u")
    page.get_by_text("you: 99", exact=True).wait_for()
    page.locator(".choice-chosen .choice-name").get_by_text(truth[99], exact=True).wait_for()
    page.keyboard.press(keys[truth[99]])
    page.get_by_text("you: 100", exact=True).wait_for()
    settled(page)
    page.goto("/ui/p/default/labelling/digits")
    page.get_by_text("100 of 120").first.wait_for()
    accessible(page)
    shots(page, "label-task")
    assert [labels.said("digits", item) for item in (1, 2, 50, 100)] == [truth[at] for at in (0, 1, 49, 99)]

    page.get_by_role("button", name="Publish").click()
    page.get_by_role("dialog").get_by_role("button", name="Publish").click()
    page.get_by_text("100 labels are in").wait_for()
    rows = labels.call("GET", "/datasets/digits/versions/2/rows?limit=3&order=path")
    columns = [column["name"] for column in rows["columns"]]
    assert [row[columns.index("digit")] for row in rows["rows"]] == truth[:3]


def test_skipping_says_why(page, labels):
    open_work(page, "review-topics")
    first = page.locator(".row-text").inner_text()
    page.keyboard.press("s")
    page.get_by_role("dialog").get_by_role("button", name="Cannot be told").click()
    page.wait_for_function("text => document.querySelector('.row-text')?.innerText !== text", arg=first)
    settled(page)
    history = labels.call("GET", "/label-tasks/review-topics/items/1/history")["items"]
    assert [(change["action"], change["comment"]) for change in history][-1] == ("skipped", "Cannot be told")


def test_boxes_are_drawn_moved_and_removed(page, labels, accessible, shots):
    open_work(page, "sheet-boxes")
    area = page.locator(".image-canvas > svg").bounding_box()

    def drag(x1, y1, x2, y2):
        at = lambda x, y: (area["x"] + area["width"] * x, area["y"] + area["height"] * y)
        page.mouse.move(*at(x1, y1))
        page.mouse.down()
        page.mouse.move(*at((x1 + x2) / 2, (y1 + y2) / 2))
        page.mouse.move(*at(x2, y2))
        page.mouse.up()

    drag(0.2, 0.2, 0.4, 0.5)
    page.keyboard.press("2")
    drag(0.6, 0.6, 0.8, 0.9)
    drag(0.05, 0.05, 0.1, 0.1)
    page.keyboard.press("Delete")
    assert page.locator(".shape-row").count() == 2
    page.locator(".shape-row").nth(0).get_by_role("button").first.click()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    accessible(page)
    shots(page, "label-boxes")
    page.keyboard.press("Enter")
    page.get_by_text("you: 1", exact=True).wait_for()
    settled(page)
    first, second = labels.said("sheet-boxes", 1)
    assert (first["class"], second["class"]) == ("unreadable", "unreadable") or (first["class"], second["class"]) == ("digit", "unreadable")
    assert all(0 <= box["x"] and box["x"] + box["width"] <= 320 and box["width"] > 10 and box["height"] > 10 for box in (first, second))


def test_outlines_need_three_corners_and_do_not_cross(page, labels):
    open_work(page, "sheet-outlines")
    area = page.locator(".image-canvas > svg").bounding_box()
    for x, y in ((0.3, 0.3), (0.5, 0.3), (0.5, 0.6), (0.3, 0.6)):
        page.mouse.click(area["x"] + area["width"] * x, area["y"] + area["height"] * y)
    page.keyboard.press("Enter")
    page.locator(".shape-row").get_by_text("4 corners").wait_for()
    page.keyboard.press("Enter")
    page.get_by_text("you: 1", exact=True).wait_for()
    settled(page)
    [outline] = labels.said("sheet-outlines", 1)
    assert outline["class"] == "digit" and len(outline["points"]) == 4


def test_words_are_marked(page, labels, accessible):
    open_work(page, "review-entities")
    page.locator(".choices").get_by_role("radio", name=re.compile("place")).click()
    page.evaluate("""() => {
        const text = document.querySelector('.span-text').firstChild, at = text.textContent.indexOf('Valencia');
        getSelection().setBaseAndExtent(text, at, text, at + 'Valencia '.length);
    }""")
    page.locator(".span-text").dispatch_event("mouseup")
    page.locator(".shape-row").get_by_text("“Valencia”").wait_for()
    accessible(page)
    page.keyboard.press("Enter")
    page.get_by_text("you: 1", exact=True).wait_for()
    settled(page)
    start = label_data.REVIEWS[0].index("Valencia")
    assert labels.said("review-entities", 1) == [{"class": "place", "start": start, "end": start + 8}]


def test_parts_of_a_series_numbers_and_texts(page, labels):
    open_work(page, "fan-faults")
    area = page.locator(".range-plot").bounding_box()
    page.mouse.move(area["x"] + area["width"] * 0.25, area["y"] + 80)
    page.mouse.down()
    page.mouse.move(area["x"] + area["width"] * 0.5, area["y"] + 80)
    page.mouse.up()
    page.keyboard.press("Enter")
    page.get_by_text("you: 1", exact=True).wait_for()
    open_work(page, "review-stars")
    page.locator(".typed-number").fill("9")
    page.keyboard.press("Enter")  # over the most: nothing is sent
    page.locator(".typed-number").fill("4")
    page.keyboard.press("Enter")
    page.get_by_text("you: 1", exact=True).wait_for()
    open_work(page, "review-answers")
    page.locator("textarea").fill("Thank you!")
    page.keyboard.press("Control+Enter")
    page.get_by_text("you: 1", exact=True).wait_for()
    settled(page)
    [part] = labels.said("fan-faults", 1)
    assert abs(part["start"] - 50) <= 2 and abs(part["end"] - 100) <= 2
    assert labels.said("review-stars", 1) == 4 and labels.said("review-answers", 1) == "Thank you!"


def test_a_reviewer_compares_decides_and_goes_on(page, labels, accessible, shots):
    for who, slip in (("ann", 0), ("bob", 1)):
        for _ in range(2):
            for item in labels.call("POST", "/label-tasks/digits-twice/next", {"count": 20}, who)["items"]:
                value = (item["item"] * 7 + (slip if item["item"] % 5 == 0 else 0)) % 10
                labels.call("POST", f"/label-tasks/digits-twice/items/{item['item']}/submit", {"value": str(value)}, who)
    page.goto("/ui/p/default/labelling/digits-twice?tab=agreement")
    page.get_by_text("ann and bob").wait_for()
    page.get_by_text("80 %").wait_for()
    accessible(page)
    shots(page, "label-agreement")
    page.get_by_role("button", name="Accept what agrees").click()
    page.get_by_role("dialog").get_by_role("button", name="Accept", exact=True).click()
    page.get_by_text("32 items were accepted").wait_for()
    page.goto("/ui/p/default/labelling/digits-twice?tab=items&state=complete")
    page.get_by_role("link", name="Review what is complete").click()
    page.get_by_text("What ann said").wait_for()
    shots(page, "label-review")
    first = page.url
    page.keyboard.press("2")
    page.get_by_text("What bob said").wait_for()
    page.keyboard.press("a")
    page.wait_for_function("url => location.href !== url", arg=first)
    second = page.url
    page.get_by_role("button", name="Correct").click()
    page.get_by_role("radio", name=re.compile("^3")).click()
    page.get_by_role("button", name="Save the correction").click()
    page.wait_for_function("url => location.href !== url", arg=second)
    items = labels.call("GET", "/label-tasks/digits-twice/items?limit=100")["items"]
    states = [item["state"] for item in items]
    assert (states.count("accepted"), states.count("corrected"), states.count("complete")) == (33, 1, 6)


def test_nothing_to_do_and_what_is_refused(page, labels):
    page.goto("/ui/p/default/labelling/nowhere")
    page.get_by_text("There is no such thing").wait_for()
    page.allowed.append("404")
    page.goto("/ui/p/default/labelling")
    page.get_by_role("button", name="New schema").click()
    page.get_by_role("textbox", name="Name").fill("Not A Name!")
    page.get_by_role("textbox", name="Classes").fill("a\nb")
    page.get_by_role("button", name="Create").click()
    page.get_by_role("alert").wait_for()
    page.allowed.append("400")
