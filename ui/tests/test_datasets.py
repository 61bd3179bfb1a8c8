"""What a person does with data in the browser: look at rows, ask, upload, compare, merge, hold to a contract, slice."""

import re

import datasets_data
import pytest
from datasets_data import PROJECT


@pytest.fixture(scope="module")
def larder(world):
    datasets_data.fill(world.url)
    return world


@pytest.fixture
def go(larder, open_page):
    """A function that opens a path of the project in a window: `go("datasets/prices?tab=diff")`."""
    def open_(path, **options):
        page = open_page(larder.url, **options)
        page.goto(f"/ui/p/{PROJECT}/{path}")
        page.get_by_role("heading", level=1).first.wait_for()
        return page

    return open_


def test_the_list_tells_freshness_and_quality(go, accessible, shots):
    page = go("datasets")
    grid = page.get_by_role("grid", name="Datasets")
    grid.get_by_text("2 of 15 broken").wait_for()
    accessible(page)
    shots(page, "datasets")
    page.get_by_label("Find a dataset").fill("price")
    grid.get_by_text("notes").wait_for(state="hidden")
    grid.get_by_text("prices").dblclick()
    page.wait_for_url("**/datasets/prices**")


def test_rows_are_filtered_sorted_and_opened(go, accessible, shots):
    page = go("datasets/prices")
    grid = page.get_by_role("grid")
    grid.get_by_text("note 1", exact=True).first.wait_for()
    page.get_by_role("region", name="price").or_(page.locator("section[aria-label=price]")).get_by_role("img").wait_for()
    accessible(page)
    shots(page, "dataset-rows")
    # The filter is completed: a column, an operator, a frequent value.
    field = page.get_by_role("textbox", name="Filter")
    field.click()
    field.press_sequentially("prod")
    page.get_by_role("option", name="product").wait_for()
    field.press("Tab")
    field.press_sequentially("= 'che")
    page.get_by_role("option", name="'cheese'").wait_for()
    field.press("Tab")
    field.press("Enter")
    page.get_by_text("41 rows that fit").wait_for()
    assert "filter=product" in page.url
    page.get_by_role("columnheader", name=re.compile("^price")).get_by_role("button").first.click()
    page.get_by_role("columnheader", name=re.compile("^price")).get_by_role("button").first.click()
    page.wait_for_url("**sort=-price**")
    # The keyboard moves, opens and goes back.
    grid.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "Enter"):
        grid.press(key)
    page.get_by_role("complementary", name=re.compile("^Row")).get_by_text("product").wait_for()
    assert "row=1" in page.url
    # All of it is in the address.
    page.reload()
    page.get_by_text("41 rows that fit").wait_for()
    page.get_by_role("complementary", name=re.compile("^Row")).wait_for()


def test_a_bar_of_the_profile_is_a_filter(go):
    page = go("datasets/readings")
    page.locator("section[aria-label=celsius] .histogram-live").last.click()
    page.wait_for_url("**filter=celsius**")
    page.get_by_text("rows that fit").wait_for()
    # And the filter becomes a slice.
    page.get_by_role("button", name="Save as slice").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("hottest")
    dialog.get_by_role("button", name="Make slice").click()
    page.wait_for_url("**/slices/hottest")
    page.get_by_text(re.compile(r"of 2,016 rows")).wait_for()


def test_wrong_filters_are_told(go):
    page = go("datasets/prices")
    page.allowed.append("400")
    field = page.get_by_role("textbox", name="Filter")
    field.fill("prize > 2")
    field.press("Enter")
    page.get_by_role("alert").get_by_text("prize").wait_for()
    assert field.get_attribute("aria-invalid") == "true"


def test_sql_over_two_datasets(go, shots):
    page = go("datasets/prices")
    page.get_by_role("button", name="SQL").click()
    editor = page.get_by_role("textbox", name="SQL")
    editor.fill("SELECT product, count(*) AS n, (SELECT count(*) FROM readings) AS readings FROM data GROUP BY product ORDER BY product")
    editor.press("Control+Enter")
    page.get_by_role("status").get_by_text("4 rows").first.wait_for()
    assert page.get_by_role("grid").get_by_text("2016").count() == 4
    shots(page, "dataset-sql")
    page.get_by_role("button", name="Save as dataset").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Dataset").fill("price-counts")
    dialog.get_by_role("button", name="Save").click()
    page.wait_for_url("**/datasets/price-counts")


def test_many_rows_scroll_to_their_end(go, larder):
    import pyarrow
    import pyarrow.parquet
    import requests

    sink = pyarrow.BufferOutputStream()
    count = 10_000_000
    pyarrow.parquet.write_table(pyarrow.table({"n": pyarrow.array(range(count))}), sink, row_group_size=100_000)
    answer = requests.post(
        f"{larder.url}/api/v1/datasets/numbers/append?project={PROJECT}", data=sink.getvalue().to_pybytes(), timeout=120,
        headers={"Content-Type": "application/vnd.apache.parquet"})
    assert answer.ok, answer.text
    page = go("datasets/numbers?profile=0")
    grid = page.get_by_role("grid")
    page.get_by_text("10,000,000 rows").last.wait_for()
    grid.focus()
    grid.press("Control+End")
    grid.get_by_text("9999999", exact=True).wait_for()
    # To the middle by the bar, as by dragging it; then back by the wheel, row by row.
    grid.evaluate("(grid) => { grid.scrollTop = grid.scrollHeight / 2 }")
    middle = grid.get_by_role("row").nth(15)
    page.wait_for_timeout(300)
    number = int(middle.get_by_role("gridcell").inner_text())
    assert abs(number - count / 2) < count / 100
    assert grid.get_by_role("row").count() < 80


def test_images_have_their_boxes_and_texts_their_spans(go, accessible, shots):
    page = go("datasets/shelves")
    page.get_by_role("img", name="jar, tin").first.wait_for()
    accessible(page)
    shots(page, "dataset-images")
    page.locator("[data-tile='3']").click()
    page.get_by_role("complementary", name="Row 3").get_by_role("img", name="File of row 3").wait_for()
    page = go("datasets/notes?view=text")
    page.locator("mark", has_text="Porto").first.wait_for()
    page = go("datasets/readings?view=plot&y=celsius")
    page.get_by_role("img", name=re.compile("^celsius from")).wait_for()


def test_a_file_is_added_and_the_contract_speaks_first(go, tmp_path):
    file = tmp_path / "Market Prices.csv"
    file.write_text("store,product,price\n1,tea,2\n2,tea,3\n")
    page = go("datasets")
    page.get_by_role("button", name="Add data").click()
    dialog = page.get_by_role("dialog")
    dialog.locator("input[type=file]").set_input_files(file)
    assert dialog.get_by_label("Dataset").input_value() == "market-prices"
    dialog.get_by_role("button", name="Create dataset").click()
    page.wait_for_url("**/datasets/market-prices")
    page.get_by_role("grid").get_by_text("tea").first.wait_for()
    # Rows that break a contract: told before, and refused.
    bad = tmp_path / "bad.csv"
    bad.write_text("store,product,price,note\n99,cheese,-4,x\n")
    page = go("datasets/prices")
    page.get_by_role("button", name="Add", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.locator("input[type=file]").set_input_files(bad)
    dialog.get_by_role("button", name="Check first").click()
    dialog.get_by_text("price.range").wait_for()
    page.allowed.append("400")
    dialog.get_by_role("button", name="Append").click()
    dialog.get_by_role("alert").get_by_text("Nothing was committed").wait_for()


def test_history_and_what_changed(go, accessible, shots):
    page = go("datasets/prices?tab=history")
    rows = page.get_by_role("list", name="Versions").get_by_role("listitem")
    rows.first.wait_for()
    assert "launch" in rows.last.inner_text()
    accessible(page)
    shots(page, "dataset-history")
    page.get_by_label("Compare version 1").check()
    page.get_by_label("Compare version 2").check()
    page.get_by_role("button", name="Compare 1 and 2").click()
    page.get_by_text("seen by ann").first.wait_for()
    shots(page, "dataset-diff")
    page.get_by_role("radio", name="Distributions").click()
    page.get_by_text(re.compile(r"distance 0\.\d+")).first.wait_for()


def test_a_merge_with_conflicts(go, accessible, shots, larder):
    page = go("datasets/prices?tab=merges")
    page.get_by_role("button", name="Try").click()
    page.get_by_text("7 conflicts").first.wait_for()
    page.get_by_role("button", name="Merge", exact=True).click()
    page.wait_for_url("**/merges/*")
    conflicts = page.get_by_role("list", name="Conflicts")
    conflicts.get_by_role("listitem").first.wait_for()
    accessible(page)
    shots(page, "merge-conflicts")
    # By keyboard: ours, theirs, then both undone but one.
    conflicts.focus()
    page.keyboard.press("o")
    page.get_by_text("6 of 7 open").wait_for()
    page.keyboard.press("t")
    page.get_by_text("5 of 7 open").wait_for()
    page.keyboard.press("Control+z")
    page.get_by_text("6 of 7 open").wait_for()
    # Another value than both sides'.
    third = conflicts.get_by_role("listitem").nth(2)
    third.get_by_role("button", name="other…").click()
    third.get_by_label("Another value").fill("8.5")
    third.get_by_role("button", name="Set").click()
    page.get_by_text("5 of 7 open").wait_for()
    # The rest by a rule, which is taken back and given again.
    page.get_by_label("Rule", exact=True).select_option("theirs")
    page.get_by_role("button", name="Apply").click()
    page.get_by_text("all decided").wait_for()
    page.get_by_role("button", name="Remove rule theirs").click()
    page.get_by_text("5 of 7 open").wait_for()
    page.get_by_label("Rule", exact=True).select_option("ours")
    page.get_by_role("button", name="Apply").click()
    page.get_by_text("all decided").wait_for()
    page.get_by_role("button", name="Make the merged version").click()
    page.wait_for_url("**tab=history**")
    page.get_by_text("merges 2").wait_for()
    rows = larder.call("POST", "/query", {
        "sql": "SELECT store, price FROM p WHERE product = 'cheese' AND store <= 9 ORDER BY store", "inputs": {"p": "dataset:prices"}})["rows"]
    base = [(store * 7 + 6) % 50 / 4 + 1 for store in range(1, 10)]
    assert rows == [[store, 8.5 if store == 3 else base[store - 1] + (1 if store <= 6 else 0.5)] for store in range(1, 10)]


def test_a_contract_is_changed(go, accessible, shots):
    page = go("datasets/prices?tab=quality&v=4")
    page.get_by_text("sql(cheese is dear)").wait_for()
    accessible(page)
    shots(page, "dataset-quality")
    editor = page.get_by_role("textbox", name="Contract")
    text = editor.input_value()
    editor.fill(text.replace("price < 3", "price < 1"))
    page.get_by_role("button", name="Try on version 4").click()
    page.get_by_text("The draft: version 4").wait_for()
    page.get_by_role("button", name="Set as contract").click()
    page.get_by_text("Contract 2").first.wait_for()


def test_a_split_and_what_leaks(go, accessible):
    page = go("slices/readings-train?tab=leakage")
    page.get_by_label("to test on").select_option("readings-test")
    page.get_by_role("button", name="Look for leaks").click()
    page.get_by_text("Near-duplicates").wait_for()
    page.get_by_text("suspect").first.wait_for()
    accessible(page)
    page.get_by_role("link", name="Compare distributions").click()
    page.get_by_text(re.compile(r"distance 0\.\d+")).first.wait_for()


def test_a_source_is_registered_and_read(go, larder, accessible):
    import os

    from servers import REPOSITORY

    place = REPOSITORY / "ui/tests" / f".source-{os.getpid()}.csv"
    place.write_text("day,units\n2026-01-01,3\n2026-01-02,4\n")
    try:
        page = go("datasets?tab=sources")
        page.get_by_role("button", name="New source").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Name").fill("tills")
        dialog.get_by_label("Location").fill(str(place))
        dialog.get_by_label("Into dataset").fill("till-rolls")
        dialog.get_by_label("Something new every").fill("1d")
        dialog.get_by_role("button", name="Register").click()
        page.wait_for_url("**/sources/tills")
        page.get_by_role("button", name="Read now").click()
        page.get_by_text("Read: dataset:till-rolls@1").wait_for()
        accessible(page)
        page.get_by_role("button", name="Read now").click()
        page.get_by_text(re.compile("no version was made|nothing was read")).wait_for()
        page = go("datasets")
        page.get_by_role("grid", name="Datasets").get_by_text(re.compile("^next in")).wait_for()
    finally:
        place.unlink()


def test_versions_are_kept_as_the_rule_says(go, accessible, larder):
    page = go("datasets/notes?tab=settings")
    page.get_by_label("The newest of each branch").fill("1")
    page.get_by_role("button", name="Set the rule").click()
    page.get_by_role("button", name="What would go").click()
    page.get_by_text("1 version would go").wait_for()
    accessible(page)
    page.get_by_role("button", name="Apply now…").click()
    dialog = page.get_by_role("dialog")
    confirm = dialog.get_by_role("button", name="Give up 1 version")
    assert confirm.is_disabled()
    dialog.get_by_role("textbox").fill("notes")
    confirm.click()
    page.get_by_text("gave their files up").or_(page.get_by_text("gave its files up")).wait_for()
    assert larder.call("GET", "/datasets/notes/versions/1")["deleted"]


def test_card_and_lineage(go, shots):
    page = go("datasets/prices?tab=card")
    page.get_by_role("button", name="Edit").click()
    page.get_by_label("Text (Markdown)").fill("## Use\n\nNot for **tax**.")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("heading", name="Use").wait_for()
    page = go("datasets/shelves?tab=lineage")
    page.get_by_text("shelves").nth(1).wait_for()
    shots(page, "dataset-lineage")


@pytest.mark.parametrize("path", ["datasets", "datasets/shelves", "datasets/prices?tab=history"])
def test_on_a_phone_and_dark(go, accessible, path):
    page = go(path, dark=True, width=390, height=844)
    page.get_by_role("main").get_by_text("prices").or_(page.get_by_role("main").get_by_text("shelves")).first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    accessible(page)


def test_what_one_may_not_or_cannot_see(go):
    page = go("datasets")
    page.allowed.append("404")
    page.goto(f"/ui/p/{PROJECT}/datasets/nothing")
    page.get_by_role("alert").get_by_text("There is no such thing").wait_for()
