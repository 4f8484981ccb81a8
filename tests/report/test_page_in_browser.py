"""The report works in a browser with no network."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from fake_run import METHODS, replace_spaces, shaped_spaces, write_fake_run
from PIL import Image
from playwright.sync_api import expect

from ferlab.palette import CLASS_COLORS
from ferlab.report import write_report


@pytest.fixture
def open_report(browser, run_dir, faces):
    """Opens the report from disk, with every request but the file itself refused; fails on any console error."""
    write_report(run_dir, faces)
    contexts, errors = [], []

    def open_(width=1400, scheme="light"):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)
        contexts.append(context)
        page = context.new_page()
        page.on(
            "console", lambda message: errors.append(message.text) if message.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "request",
            lambda r: errors.append(f"asked for {r.url[:80]}") if not r.url.startswith(("file:", "data:")) else None,
        )
        page.goto((run_dir / "report.html").as_uri())
        page.wait_for_selector("html[data-ready=yes]", state="attached", timeout=30_000)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not errors


def pixels(locator) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(locator.screenshot())).convert("RGB"), dtype=int)


def colored(image: np.ndarray, color: str, tolerance: int = 55) -> int:
    wanted = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    return int((np.abs(image - wanted).max(axis=2) < tolerance).sum())


def place(page, panel: int, i: int) -> tuple[float, float]:
    """Where point `i` of a panel is on the page."""
    box = page.locator("canvas.over").nth(panel).bounding_box()
    x, y = page.evaluate("([p, i]) => [ferlabReport.panels[p].px[i], ferlabReport.panels[p].py[i]]", [panel, i])
    return box["x"] + x, box["y"] + y


def to_maps(page) -> None:
    page.locator("#panels").scroll_into_view_if_needed()
    page.evaluate("document.getElementById('spaces').scrollIntoView()")


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1100, 1600])
def test_maps_are_drawn_and_nothing_is_wider_than_the_window(open_report, build_folder, width, scheme):
    page = open_report(width, scheme)
    page.screenshot(path=build_folder / f"report_{scheme}_{width}.png", full_page=True)
    page.locator("[data-view=umap]").click()
    page.locator("#names").uncheck()
    to_maps(page)
    canvases = page.locator("canvas.over")
    assert canvases.count() == 3
    for n in range(3):
        image = pixels(canvases.nth(n))
        for name in ("surprise", "happiness", "sadness"):
            assert colored(image, CLASS_COLORS[name]) > 20
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(
        "[...document.querySelectorAll('.scroll, .confusions figure')].every((e) => e.scrollWidth <= e.clientWidth)"
    )
    clipped = page.evaluate(
        "[...document.querySelectorAll('h1,h2,li,td,th,button,figcaption,.score')]"
        ".filter((e) => e.offsetParent && e.scrollWidth > e.clientWidth + 1)"
        ".filter((e) => getComputedStyle(e).display !== 'inline').map((e) => e.textContent)"
    )
    assert not clipped
    background = pixels(page.locator("body"))[5, 5]
    assert (background.mean() > 200) == (scheme == "light")


@pytest.mark.browser
def test_hover_shows_the_face_and_marks_it_everywhere(open_report, faces):
    page = open_report()
    to_maps(page)
    before = [pixels(page.locator("canvas.over").nth(n)) for n in range(3)]
    page.mouse.move(*place(page, 0, 10))
    tip = page.locator("#tip")
    tip.wait_for(state="visible")
    hovered = page.evaluate("ferlabReport.state.hover")
    assert faces.classes[faces.labels[hovered]] in tip.inner_text()
    for name in ("Cross-entropy", "CE + TCL (nearest)", "CE + Ad-Corre", "%"):
        assert name in tip.inner_text()
    shown = np.array(
        page.evaluate("[...document.querySelector('#tip canvas').getContext('2d').getImageData(0, 0, 192, 192).data]")
    )
    shown = shown.reshape(192, 192, 4)[..., :3]
    face = np.asarray(Image.fromarray(faces.images[hovered]).resize((192, 192), Image.Resampling.BICUBIC), dtype=int)
    assert np.abs(shown - face).mean() < 15
    for n in (1, 2):
        assert (np.abs(pixels(page.locator("canvas.over").nth(n)) - before[n]).max(axis=2) > 30).sum() > 500
    page.mouse.move(5, 5)
    tip.wait_for(state="hidden")


@pytest.mark.browser
def test_lasso_box_and_click_select_in_all_maps(open_report):
    page = open_report()
    to_maps(page)
    box = page.locator("canvas.over").first.bounding_box()

    def corner(fx, fy):
        return box["x"] + fx * box["width"], box["y"] + fy * box["height"]

    page.mouse.move(*corner(0.02, 0.02))
    page.mouse.down()
    for end in ((0.5, 0.02), (0.5, 0.98), (0.02, 0.98)):
        page.mouse.move(*corner(*end), steps=5)
    page.mouse.up()
    chosen = set(page.evaluate("[...ferlabReport.state.selected]"))
    left = set(
        page.evaluate(
            "(() => { const p = ferlabReport.panels[0];"
            " return [...p.px.keys()].filter((i) => p.px[i] < p.size * 0.49 && p.px[i] > p.size * 0.03); })()"
        )
    )
    assert 10 < len(chosen) < 280 and left <= chosen
    assert f"{len(chosen)} faces selected" in page.locator("#selection").inner_text()
    assert page.locator("#selection figure").count() == min(len(chosen), 72)

    page.get_by_role("button", name="Box").click()
    page.mouse.move(*corner(0.6, 0.05))
    page.mouse.down()
    page.mouse.move(*corner(0.98, 0.95), steps=4)
    page.mouse.up()
    boxed = set(page.evaluate("[...ferlabReport.state.selected]"))
    assert boxed and not boxed & chosen

    page.mouse.click(*place(page, 1, 3))
    assert page.evaluate("ferlabReport.state.selected.size") == 1
    page.locator("#clear").click()
    assert "Nothing selected" in page.locator("#selection").inner_text()


@pytest.mark.browser
def test_legend_coloring_and_method_choice(open_report):
    page = open_report()
    page.locator("[data-view=umap]").click()
    page.locator("#names").uncheck()
    to_maps(page)
    first = page.locator("canvas.over").first
    anger = CLASS_COLORS["anger"]
    assert colored(pixels(first), anger) > 20
    page.get_by_role("button", name="anger").first.click()
    assert colored(pixels(first), anger) < 5
    page.get_by_role("button", name="anger").first.click()
    page.select_option("#colorby", "correct")
    assert colored(pixels(first), CLASS_COLORS["disgust"]) < 5
    page.select_option("#colorby", "predicted")
    before = pixels(page.locator("canvas.over").nth(2))
    page.locator(".panel select").nth(2).select_option("ce-heads")
    assert page.evaluate("ferlabReport.state.panels") == ["ce", "tcl-nearest", "ce-heads"]
    assert (pixels(page.locator("canvas.over").nth(2)) != before).any()


@pytest.mark.browser
def test_confusion_cell_selects_its_faces(open_report, run_dir):
    page = open_report()
    counts = json.loads((run_dir / "summary.json").read_text())["methods"]["ce-heads"]["confusion"]
    page.locator('.confusion button[data-method="ce-heads"][data-true="2"][data-predicted="2"]').click()
    assert page.evaluate("ferlabReport.state.selected.size") == counts[2][2]
    assert page.evaluate("ferlabReport.state.panels[2]") == "ce-heads"


@pytest.mark.browser
def test_keyboard_walks_selects_and_clears(open_report):
    page = open_report()
    page.locator("canvas.over").nth(1).focus()
    page.keyboard.press("ArrowRight")
    first = page.evaluate("ferlabReport.state.hover")
    page.keyboard.press("ArrowUp")
    second = page.evaluate("ferlabReport.state.hover")
    assert first >= 0 and second >= 0 and first != second
    page.keyboard.press("Enter")
    assert page.evaluate("[...ferlabReport.state.selected]") == [second]
    page.keyboard.press("Escape")
    assert page.evaluate("ferlabReport.state.selected.size") == 0


@pytest.mark.browser
def test_curves_are_drawn_for_every_method_that_has_them(open_report):
    page = open_report()
    lines = page.evaluate(
        "[...document.querySelectorAll('.chart')]"
        ".map((c) => [c.querySelector('figcaption').textContent, c.querySelectorAll('polyline').length])"
    )
    assert [n for _, n in lines] == [4, 4, 4, 3, 1]  # FD, MD and ED of Ad-Corre; TCL
    chart = page.locator(".chart svg").first
    chart.scroll_into_view_if_needed()
    chart.hover()
    assert page.locator(".chart .values").first.inner_text().startswith("epoch")


@pytest.mark.browser
def test_slider_and_play_move_the_points_over_the_epochs(open_report):
    page = open_report()
    maps, slider, said = page.locator("#travelmaps canvas"), page.locator("#epoch"), page.locator("#epochname")
    assert maps.count() == len(METHODS)
    maps.first.scroll_into_view_if_needed()
    last = slider.get_attribute("max")
    assert said.inner_text() == last, "it opens on what was trained"
    at_the_end = pixels(maps.first)
    slider.focus()
    page.keyboard.press("ArrowLeft")
    assert said.inner_text() == str(int(last) - 1)
    one_before = pixels(maps.first)
    assert (one_before != at_the_end).any()
    page.locator("#play").click()
    expect(page.locator("#play")).to_have_text("Play", timeout=15_000)
    assert said.inner_text() == last and (pixels(maps.first) == at_the_end).all()
    slider.evaluate("(slider) => { slider.value = 1; slider.dispatchEvent(new Event('input')); }")
    assert said.inner_text() == "1"
    page.locator("#play").click()
    expect(said).to_have_text("2", timeout=15_000)
    page.locator("#play").click()
    stopped = slider.input_value()
    page.wait_for_timeout(300)
    assert slider.input_value() == stopped != last


@pytest.mark.browser
def test_confusions_can_be_shown_as_changes(open_report, run_dir):
    page = open_report()
    counts = {
        name: np.array(scores["confusion"])
        for name, scores in json.loads((run_dir / "summary.json").read_text())["methods"].items()
    }
    cell = page.locator('button[data-method="tcl-nearest"][data-true="0"][data-predicted="0"]')
    shares = {name: matrix[0, 0] / matrix[0].sum() for name, matrix in counts.items()}
    assert cell.inner_text().startswith(f"{shares['tcl-nearest']:.0%}")
    page.locator("#differences").check()
    moved = 100 * (shares["tcl-nearest"] - shares["ce"])
    assert cell.inner_text().strip() == (f"{moved:+.0f}" if abs(moved) >= 0.5 else "")
    reference = page.locator('button[data-method="ce"][data-true="0"][data-predicted="0"]')
    assert reference.inner_text().startswith(f"{shares['ce']:.0%}"), "the reference stays as it is"


@pytest.mark.browser
def test_doses_are_charts_with_marks_and_a_legend(browser, tmp_path, faces):
    run = write_fake_run(tmp_path / "doses", faces)
    points = [
        {"strength": strength, "mean": mean, "low": mean - 0.1, "high": mean + 0.1}
        for strength, mean in ((0, 0.8), (1, 0.7), (4, 0.3))
    ]
    measures = {"balanced_accuracy": points, "silhouette": points}
    dose = {"control": "ce", "strengths": [0, 1, 4], "methods": ["ce", "tcl-nearest@1", "tcl-nearest"]}
    dose |= {"default": 1, "breaks_at": 4}
    summary = json.loads((run / "summary.json").read_text())
    dose |= {"measures": {"train": measures, "test": measures}}
    summary["doses"] = {"tcl-nearest": dose, "center": dose | {"breaks_at": 16}}  # at 16 there is no network at all
    (run / "summary.json").write_text(json.dumps(summary))
    page = browser.new_page()
    page.goto(write_report(run, faces).as_uri())
    charts = page.locator("#dosecharts figure")
    expect(charts).to_have_count(2)
    expect(page.locator("#dosekeys")).to_have_text("CE + TCL (nearest)CE + center loss")
    first = charts.first.locator("svg")
    assert first.locator("polyline").count() == first.locator("polygon").count() == 4, "test and training faces"
    assert first.locator("circle").count() == first.locator("path").count() == 2, "the defaults and the breaks"
    assert first.locator('line[stroke-dasharray="2 4"]').count() == 1, "to where there is no number"
    assert "16" in first.locator("text").all_text_contents()
    page.evaluate("document.getElementById('doses').scrollIntoView()")
    box = first.bounding_box()
    page.mouse.move(box["x"] + 0.99 * box["width"] - 12, box["y"] + box["height"] / 2)
    expect(charts.first.locator(".values b")).to_have_text("strength 16")
    page.close()


@pytest.mark.browser
def test_a_network_lost_with_one_seed_does_not_press_the_others_together(browser, tmp_path, faces):
    run = write_fake_run(tmp_path / "doses", faces)
    strengths, means = (0, 1, 4), (0.40, 0.38, 7.0)
    lows = (0.39, 0.37, -90.0)
    points = [
        {"strength": strength, "mean": mean, "low": low, "high": mean + 0.01}
        for strength, mean, low in zip(strengths, means, lows, strict=True)
    ]
    summary = json.loads((run / "summary.json").read_text())
    control = summary["methods"]["ce"]
    control["balanced_accuracy"]["values"] = [0.9, 0.8, 0.7]
    summary["methods"]["tcl-nearest@1"] = control
    lost = {**control["balanced_accuracy"], "values": [0.9, 0.8, 0.1]}
    summary["methods"]["tcl-nearest"] = control | {"balanced_accuracy": lost}
    dose = {"control": "ce", "strengths": strengths, "methods": ["ce", "tcl-nearest@1", "tcl-nearest"], "default": 1}
    dose |= {"breaks_at": None, "measures": {"train": {}, "test": {"silhouette": points}}}
    summary["doses"] = {"tcl-nearest": dose}
    (run / "summary.json").write_text(json.dumps(summary))
    page = browser.new_page()
    page.goto(write_report(run, faces).as_uri())
    chart = page.locator("#dosecharts figure")
    numbers = [float(text) for text in chart.locator("text[text-anchor=end]").all_text_contents() if text[:1].isdigit()]
    assert min(numbers) >= 0.3 and max(numbers) <= 0.5, "the scale is that of the networks that are whole"
    words = chart.locator("figcaption").inner_text()
    assert "CE + TCL (nearest) at 4: 7.000, network lost with 1 of 3 seeds" in words
    mark = chart.locator("path.beyond")
    assert mark.count() == 1 and mark.bounding_box()["y"] >= chart.locator("svg").bounding_box()["y"]
    ends = [pair.split(",") for pair in chart.locator("polygon").get_attribute("points").split()]
    assert len(ends) == 4, "a band over the two strengths of whole networks"
    page.close()


@pytest.mark.browser
def test_a_run_without_strengths_has_no_such_section(open_report):
    page = open_report()
    expect(page.locator("#doses")).to_be_hidden()
    assert page.get_by_role("link", name="Doses").count() == 0


def drawn(page, panel: int) -> str:
    """What a map shows, its marks too; a screenshot would scroll the page."""
    return page.evaluate("n => ['base', 'over'].map((c) => ferlabReport.panels[n][c].toDataURL()).join()", panel)


def open_page(browser, run_dir, faces, scheme="light"):
    """A report from disk without network; a console error raises at the end, through `page.errors`."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme=scheme, offline=True).new_page()
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.goto(write_report(run_dir, faces).as_uri())
    page.wait_for_selector("html[data-ready=yes]", state="attached", timeout=30_000)
    return page


@pytest.fixture
def shaped_page(browser, shaped_dir, faces):
    page = open_page(browser, shaped_dir, faces)
    yield page
    assert not page.errors
    page.context.close()


@pytest.mark.browser
def test_the_views_are_a_choice_above_the_maps_each_with_its_sentence(shaped_page):
    page, captions, pictures = shaped_page, [], []
    to_maps(page)
    views = page.locator("#views button")
    assert views.all_inner_texts() == ["TCL's plane", "Class means", "UMAP"]
    assert views.first.get_attribute("aria-pressed") == "true", "TCL's plane comes first"
    page.evaluate("ferlabReport.select(new Set([1, 2, 3]))")
    views.first.focus()
    for n in range(3):
        if n:
            page.keyboard.press("Tab")
            page.keyboard.press("Enter")
        expect(views.nth(n)).to_have_attribute("aria-pressed", "true")
        captions.append(page.locator("#caption").inner_text().strip())
        pictures.append(drawn(page, 1))
        assert page.locator("details[data-note]:visible").count() == 1
        assert page.evaluate("ferlabReport.state.selected.size") == 3, "what is selected stays so"
    assert "hinge" in captions[0] and "linear map" in captions[1] and captions[2].startswith("UMAP keeps neighbors")
    assert len(set(pictures)) == 3


@pytest.mark.browser
def test_tcls_plane_stands_on_one_scale_with_the_hinge_where_it_belongs(shaped_page):
    page = shaped_page
    to_maps(page)
    found = page.evaluate(
        "ferlabReport.panels.map((p) =>"
        " ({ x: p.pixelX(0), unit: p.unit, own: [...p.px], label: p.over.getAttribute('aria-label') }))"
    )
    assert len({round(panel["unit"], 6) for panel in found}) == 1, "one scale"
    ce, tcl, _ = (np.median(np.array(panel["own"]) - panel["x"]) for panel in found)
    assert 0 < tcl < 0.7 * ce
    assert "hinge open: " in found[0]["label"]
    # The curve parts the shaded side, where the loss is 0: of places beside it, those a little above are shaded.
    colors = page.evaluate(
        """() => { const p = ferlabReport.panels[0], m = ferlabReport.data.views[0].hinge;
        const pen = p.base.getContext('2d');
        const at = (x, y) => [...pen.getImageData(p.ratio * p.pixelX(x), p.ratio * p.pixelY(y), 1, 1).data.slice(0, 3)];
        const reach = p.size / p.unit, y = (x) => Math.sqrt(x * x + m), gap = 9 / p.unit;
        return [0.35, 0.45, 0.6].map((part) => part * reach).map((x) => [at(x, y(x) + gap), at(x, y(x) - gap)]); }"""
    )
    shaded = page.evaluate("ferlabReport.ink('--soft')")
    wanted = [int(shaded[i : i + 2], 16) for i in (1, 3, 5)]
    assert [above == wanted for above, _ in colors].count(True) >= 2, (colors, wanted)
    assert all(below != wanted for _, below in colors)
    # The same faces are found by pointing: hover, and the marks in the other maps.
    page.mouse.move(*place(page, 1, 10))
    expect(page.locator("#tip")).to_be_visible()
    assert page.evaluate("ferlabReport.state.hover") >= 0


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_correlations_hover_tells_two_faces_and_a_block_selects_on_the_maps(
    browser, shaped_dir, faces, build_folder, scheme
):
    page = open_page(browser, shaped_dir, faces, scheme)
    picture = page.locator("#pairs canvas").nth(1)
    picture.scroll_into_view_if_needed()
    page.screenshot(path=build_folder / f"report_correlations_{scheme}.png")
    assert page.evaluate("ferlabReport.pairs.map((p) => p.method)") == ["ce-heads", "ad-corre"]
    order = page.evaluate("ferlabReport.data.correlations.faces")
    row, column = 5, 70
    box = picture.bounding_box()
    left, length = page.evaluate("[ferlabReport.pairs[1].left, ferlabReport.pairs[1].length]")
    scale = length / len(order)
    marks = drawn(page, 0)
    page.mouse.move(box["x"] + left + (column + 0.5) * scale, box["y"] + (row + 0.5) * scale)
    tip = page.locator("#tip")
    expect(tip).to_be_visible()
    expect(tip.locator("canvas").nth(1)).to_be_visible()
    pair = [order[row], order[column]]
    assert page.evaluate("ferlabReport.state.pair") == pair
    for face in pair:
        assert f"{faces.classes[faces.labels[face]]} · face {face}" in tip.inner_text()
    assert "correlation" in tip.inner_text() and "two classes: −1 is wanted" in tip.inner_text()
    assert drawn(page, 0) != marks, "both are ringed on the maps"
    page.mouse.down()
    page.mouse.up()
    wanted = {face for face in order if faces.labels[face] in faces.labels[pair]}
    assert set(page.evaluate("[...ferlabReport.state.selected]")) == wanted
    expect(page.locator("#chosen")).to_contain_text(f"{len(wanted)} faces selected")
    page.mouse.move(5, 5)
    expect(tip).to_be_hidden()
    assert page.evaluate("ferlabReport.state.pair") == [] and not page.errors
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    page.context.close()


@pytest.mark.browser
def test_correlations_by_keyboard_and_another_method(shaped_page, faces):
    page = shaped_page
    picture = page.locator("#pairs canvas").first
    picture.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight", "Enter"):  # the first shows where one is
        page.keyboard.press(key)
    chosen = page.evaluate("[...ferlabReport.state.selected]")
    assert set(faces.labels[chosen]) == {1, 2} and len(chosen) == 40
    page.keyboard.press("Escape")
    assert page.evaluate("ferlabReport.state.selected.size") == 0
    expect(page.locator("#tip")).to_be_hidden()
    before = pixels(picture)
    page.get_by_label("Method of correlation picture 1").select_option("ad-corre")
    assert (pixels(picture) != before).any()
    assert "CE + Ad-Corre" in picture.get_attribute("aria-label")


@pytest.mark.browser
def test_a_space_that_cannot_be_drawn_says_why_in_its_place(browser, tmp_path, faces):
    run_dir = write_fake_run(tmp_path / "run", faces)
    spaces = shaped_spaces(faces.labels)
    spaces["tcl-nearest"][0] = np.nan
    replace_spaces(run_dir, spaces)
    page = open_page(browser, run_dir, faces)
    said = page.locator(".plot .missing")
    expect(said.nth(1)).to_contain_text("did the training diverge")
    assert [said.nth(n).is_visible() for n in range(3)] == [False, True, False]
    page.locator("[data-view=umap]").click()
    expect(said.nth(1)).to_be_hidden()
    assert not page.errors
    page.context.close()
