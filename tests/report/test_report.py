"""The report: what it says, that it is safe and complete, and that it works in a browser with no network."""

from __future__ import annotations

import base64
import io
import json
import re

import numpy as np
import pandas as pd
import pytest
from fake_run import METHODS, fake_faces, write_fake_run
from PIL import Image
from playwright.sync_api import expect

from ferlab.errors import FerlabError
from ferlab.methods import reference_of
from ferlab.palette import CLASS_COLORS
from ferlab.report import score_table, verdict, write_report
from ferlab.runs import read_run


@pytest.fixture(scope="module")
def faces():
    return fake_faces()


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory, faces):
    return write_fake_run(tmp_path_factory.mktemp("runs") / "fake", faces)


def payload(text: str) -> dict:
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)[1])


def change(run_dir, edit) -> None:
    path = run_dir / "summary.json"
    summary = json.loads(path.read_text())
    edit(summary)
    path.write_text(json.dumps(summary))


# ---- reading -------------------------------------------------------------------------------------------------


def test_maps_hold_the_same_images_in_the_same_order(tmp_path, faces):
    run = read_run(write_fake_run(tmp_path / "run", faces, mapped=100, seeds=(3, 4)))
    points = run.map_points()
    assert list(points) == list(METHODS)
    for rows in points.values():
        assert len(rows) == 100 and rows["index"].is_unique
        np.testing.assert_array_equal(rows["index"], points["ce"]["index"])
        np.testing.assert_array_equal(rows["label"], faces.labels[rows["index"]])


@pytest.mark.parametrize("name", ["summary.json", "history.parquet", "embeddings.parquet"])
@pytest.mark.parametrize("damage", ["missing", "truncated"])
def test_incomplete_run_folder_is_one_sentence(tmp_path, faces, name, damage):
    run_dir = write_fake_run(tmp_path / "run", faces)
    if damage == "missing":
        (run_dir / name).unlink()
    else:
        (run_dir / name).write_bytes((run_dir / name).read_bytes()[:40])
    with pytest.raises(FerlabError, match=name.replace(".", r"\.")):
        read_run(run_dir)


def test_no_run_folder():
    with pytest.raises(FerlabError, match="no run folder"):
        read_run("nowhere")


def test_other_faces_are_refused(run_dir, faces):
    with pytest.raises(FerlabError, match="not those of"):
        write_report(run_dir, faces.subset(np.arange(50)))
    with pytest.raises(FerlabError, match="not those of"):
        write_report(run_dir, faces.subset(np.random.default_rng(1).permutation(len(faces))))


# ---- verdict -------------------------------------------------------------------------------------------------


def with_values(run_dir, metric: dict[str, list[float]], ratios: dict[str, list[float]] | None = None):
    def edit(summary):
        summary["seeds"] = list(range(len(next(iter(metric.values())))))
        for name, values in metric.items():
            summary["methods"][name]["accuracy"] = {"mean": float(np.mean(values)), "std": 0.0, "values": values}
        for name, values in (ratios or {}).items():
            ratio = {"mean": float(np.mean(values)), "std": 0.0, "values": values}
            summary["methods"][name]["geometry"] = {"within_between_ratio": ratio}

    change(run_dir, edit)
    return verdict(read_run(run_dir))


SAME = {name: [0.4] for name in METHODS}


def test_one_seed_claims_no_accuracy_difference_however_large(tmp_path, faces):
    accuracy = {"ce": [0.5], "tcl-nearest": [0.9], "ad-corre": [0.5], "ce-heads": [0.5]}
    said = with_values(write_fake_run(tmp_path / "r", faces), accuracy, SAME)
    assert "90.0 %" in said.sentences[0] and "ranks nothing" in said.sentences[1]
    assert "as far as one seed can tell" in said.headline


def test_three_agreeing_seeds_make_a_difference(tmp_path, faces):
    accuracy = {
        "ce": [0.700, 0.710, 0.705], "tcl-nearest": [0.750, 0.761, 0.754],
        "ce-heads": [0.70, 0.71, 0.72], "ad-corre": [0.73, 0.70, 0.715],
    }  # fmt: skip
    said = with_values(write_fake_run(tmp_path / "r", faces), accuracy, {k: v * 3 for k, v in SAME.items()})
    tcl, ad_corre = (next(s for s in said.sentences if s.startswith(name)) for name in ("CE + TCL", "CE + Ad-Corre"))
    assert "+5.0 points" in tcl and tcl.endswith("a difference.")
    assert "against CE, k heads" in ad_corre and "no difference" in ad_corre
    assert said.headline == ("CE + TCL (nearest) changed accuracy; how compact the classes are did not change clearly.")


def test_a_silhouette_that_changed_is_named_though_the_ratio_did_not(tmp_path, faces):
    run_dir = write_fake_run(tmp_path / "r", faces, seeds=(0, 1, 2))

    def edit(summary):
        ratio = {"mean": 0.43, "std": 0.0, "values": [0.42, 0.43, 0.44]}
        accuracy = {"mean": 0.81, "std": 0.0, "values": [0.80, 0.81, 0.82]}
        for name, scores in summary["methods"].items():
            values = [0.321, 0.331, 0.342] if name == "tcl-nearest" else [0.290, 0.301, 0.310]
            silhouette = {"mean": float(np.mean(values)), "std": 0.0, "values": values}
            scores["geometry"] = {"within_between_ratio": ratio, "silhouette": silhouette}
            scores["accuracy"] = accuracy

    change(run_dir, edit)
    said = verdict(read_run(run_dir))
    assert said.headline.startswith("CE + TCL (nearest) set the classes apart a little more (silhouette); on accuracy")
    named = [sentence for sentence in said.sentences if "no chance" in sentence]
    assert len(named) == 1 and "Its silhouette rose" in named[0] and "+0.031 (95 % interval" in named[0]


@pytest.mark.parametrize(
    ("ratio", "word"),
    [(0.30, "pulled the classes together"), (0.38, "No clear change"), (0.60, "loosened the classes")],
)
def test_geometry_is_named_by_its_direction(tmp_path, faces, ratio, word):
    ratios = {**SAME, "tcl-nearest": [ratio]}
    said = with_values(write_fake_run(tmp_path / "r", faces), {name: [0.8] for name in METHODS}, ratios)
    assert word in said.headline


def test_a_slight_change_is_named_but_claims_nothing(tmp_path, faces):
    ratios = {**SAME, "tcl-nearest": [0.37]}
    said = with_values(write_fake_run(tmp_path / "r", faces), {name: [0.8] for name in METHODS}, ratios)
    assert said.headline.startswith("No clear change")
    assert any("a little tighter classes (-8%)" in sentence for sentence in said.sentences)


def test_seeds_that_disagree_on_geometry_show_no_change(tmp_path, faces):
    ratios = {**{k: v * 2 for k, v in SAME.items()}, "tcl-nearest": [0.2, 0.45]}
    said = with_values(write_fake_run(tmp_path / "r", faces), {name: [0.8, 0.8] for name in METHODS}, ratios)
    assert said.headline.startswith("No clear change")
    assert any("Two seeds" in sentence for sentence in said.sentences)


def test_networks_at_chance_are_not_compared(tmp_path, faces):
    run_dir = write_fake_run(tmp_path / "r", faces)
    chance = {"mean": 1 / 7, "std": 0.0, "values": [1 / 7]}
    change(run_dir, lambda summary: summary["methods"]["ce-heads"].update(balanced_accuracy=chance))
    said = verdict(read_run(run_dir))
    assert any(s.startswith("CE, k heads (control) has learned little") for s in said.sentences)
    assert not any(s.startswith("CE + Ad-Corre") for s in said.sentences) and any(
        s.startswith("CE + TCL") for s in said.sentences
    )
    change(run_dir, lambda summary: [scores.update(balanced_accuracy=chance) for scores in summary["methods"].values()])
    assert "not learned the classes yet" in verdict(read_run(run_dir)).headline


def test_references():
    assert reference_of("tcl-nearest", METHODS) == "ce"
    assert reference_of("ce-heads", METHODS) is None
    assert reference_of("ad-corre", ["ad-corre"]) is None


def test_score_table_holds_the_means(tmp_path, faces):
    run_dir = write_fake_run(tmp_path / "r", faces, seeds=(0, 1))
    change(run_dir, lambda summary: summary["methods"]["ce"].pop("geometry"))
    table = score_table(read_run(run_dir))
    assert list(table.index) == ["Cross-entropy", "CE + TCL (nearest)", "CE + Ad-Corre", "CE, k heads (control)"]
    accuracy = json.loads((run_dir / "summary.json").read_text())["methods"]["ce"]["accuracy"]["values"]
    assert table.loc["Cross-entropy", "accuracy ↑"] == pytest.approx(np.mean(accuracy))
    assert np.isnan(table.loc["Cross-entropy", "within / between ↓"])


# ---- page ----------------------------------------------------------------------------------------------------


def test_page_is_complete_and_asks_for_nothing(run_dir, faces):
    path = write_report(run_dir, faces)
    text = path.read_text(encoding="utf-8")
    assert path == run_dir / "report.html" and "%%" not in text
    assert not re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', text), "everything is inside the file"
    assert not [p for p in run_dir.iterdir() if p.name.endswith(".partial")]
    data = payload(text)
    assert data["panels"] == ["ce", "tcl-nearest", "ad-corre"]
    assert data["labels"] == faces.labels.tolist()
    assert list(data["maps"]) == list(METHODS)
    accuracy = json.loads((run_dir / "summary.json").read_text())["methods"]["ce"]["accuracy"]["mean"]
    assert f"<td>{accuracy:.3f}</td>" in text


def test_sprite_holds_the_faces(run_dir, faces):
    text = write_report(run_dir, faces).read_text(encoding="utf-8")
    encoded = re.search(r'src="data:image/\w+;base64,([^"]+)"', text)[1]
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGB"), dtype=float)
    sprite = payload(text)["sprite"]
    for i in (0, 17, len(faces) - 1):
        top, left = i // sprite["columns"] * sprite["tile"], i % sprite["columns"] * sprite["tile"]
        tile = sheet[top : top + sprite["tile"], left : left + sprite["tile"]]
        face = np.asarray(
            Image.fromarray(faces.images[i]).resize((sprite["tile"],) * 2, Image.Resampling.LANCZOS), dtype=float
        )
        assert np.abs(tile - face).mean() < 8


def test_what_comes_from_data_cannot_become_markup(tmp_path):
    classes = ("</script><script>alert(1)</script>", "a & b", "%%JS%%")
    faces = fake_faces(60, classes=classes)
    run_dir = write_fake_run(tmp_path / "run", faces, methods=("ce", "<img src=x>"))
    change(run_dir, lambda summary: summary.update(dataset="<b>x</b>"))
    (run_dir / "config.json").write_text(json.dumps({"settings": {"<i>": '"><svg>'}}))
    text = write_report(run_dir, faces).read_text(encoding="utf-8")
    assert "<script>alert" not in text and "<img src=x>" not in text and "<b>x</b>" not in text and "<svg>" not in text
    assert [c["name"] for c in payload(text)["classes"]] == list(classes)
    assert text.count("window.ferlabReport") == 1


def test_gray_images_unknown_methods_missing_metrics_and_several_seeds(tmp_path):
    faces = fake_faces(60, size=48)
    faces = type(faces)(faces.name, faces.split, faces.images[..., :1], faces.labels, faces.classes, faces.metadata)
    run_dir = write_fake_run(tmp_path / "run", faces, methods=("my-loss",), seeds=(0, 1))
    change(run_dir, lambda summary: summary["methods"]["my-loss"].update(geometry={"silhouette": {"mean": None}}))
    text = write_report(run_dir, faces).read_text(encoding="utf-8")
    assert text.count('<td class="none">n/a</td>') == 4 and "±" in text
    assert payload(text)["panels"] == ["my-loss"]


def test_run_without_maps_still_gives_a_report(tmp_path, faces):
    run_dir = write_fake_run(tmp_path / "run", faces, mapped=0)
    assert payload(write_report(run_dir, faces).read_text(encoding="utf-8"))["maps"] == {}


def test_history_with_gaps_is_valid_json(tmp_path, faces):
    run_dir = write_fake_run(tmp_path / "run", faces)
    history = pd.read_parquet(run_dir / "history.parquet")
    history.loc[2, "train_loss"] = np.inf
    history.to_parquet(run_dir / "history.parquet")
    curves = payload(write_report(run_dir, faces).read_text(encoding="utf-8"))["curves"]
    assert curves[0]["values"]["train_loss"][2] is None
    assert "tcl" not in curves[0]["values"] and "tcl" in curves[1]["values"]


# ---- in the browser ------------------------------------------------------------------------------------------


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


def test_tables_of_evidence_say_what_the_summary_holds(tmp_path, faces):
    run_dir = write_fake_run(tmp_path / "r", faces, seeds=(0, 1, 2))
    found = {
        "reference": "ce", "seeds": 3, "difference": 0.031, "low": 0.011, "high": 0.051,
        "p": 0.004, "p_corrected": 0.012,
    }  # fmt: skip
    recall = {"mean": 0.875, "std": 0.0, "values": [0.875] * 3}

    def edit(summary):
        summary["comparisons"] = {"tcl-nearest": {"accuracy": found, "silhouette": {**found, "p_corrected": 0.3}}}
        summary["methods"]["ce"]["class_recall"] = {"surprise": recall}
        summary["methods"]["ce"]["slices"] = [
            {"kind": "<yaw>", "part": "below 8", "faces": 1234, "accuracy": recall, "balanced_accuracy": recall}
        ]

    change(run_dir, edit)
    text = write_report(run_dir, faces).read_text()
    assert "<b>+3.1</b>" in text and "+1.1 to +5.1<br>p = 0.012" in text
    assert "<td>+0.031<span" in text, "what the test does not bear out is not bold"
    assert "88 %</td>" in text and "1,234" in text and "&lt;yaw&gt;" in text
    one_seed = write_report(write_fake_run(tmp_path / "one", faces), faces).read_text()
    assert "differences have no interval" in one_seed and "there are no slices" in one_seed
