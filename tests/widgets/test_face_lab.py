"""FaceLab from Python: its state, what follows from it, and what it says when something is missing."""

from __future__ import annotations

import base64
import io
import shutil
import threading
import time

import numpy as np
import pandas as pd
import pytest
import torch
from from_page import change, on_page, send
from meanwhile import meanwhile
from PIL import Image
from tiny_spaces import METHODS, write_tiny_spaces

from ferlab.data.classes import CLASSES
from ferlab.errors import FerlabError
from ferlab.evaluation import predict
from ferlab.projection import place
from ferlab.rendering import ACTION_UNITS, DESCRIPTIONS, EXPRESSIONS, Identity
from ferlab.runs import RunFolder
from ferlab.widgets import FaceLab
from ferlab.widgets.face_lab.controls import GROUPS, LIGHT, POSE
from ferlab.widgets.face_lab.spaces import one_thread


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    return write_tiny_spaces(tmp_path_factory.mktemp("runs") / "tiny")


@pytest.fixture(scope="module")
def shared(run_dir):
    return FaceLab(run_dir)


@pytest.fixture
def lab(shared):
    shared.units, shared.pose, shared.light, shared.identity = {}, {}, {}, 3
    shared.clear_trace()
    return shared


@pytest.fixture
def sent(lab, monkeypatch):
    """What goes to the page apart from the state."""
    messages = []
    monkeypatch.setattr(lab, "send", lambda content, buffers=None: messages.append(content))
    return messages


def photograph(folder, face: np.ndarray, name: str = "portrait.png"):
    """A rendered face on a larger gray canvas, as a file."""
    canvas = Image.new("RGB", (500, 400), (96, 110, 120))
    canvas.paste(Image.fromarray(face), (170, 100))
    canvas.save(folder / name)
    return folder / name


def move(lab: FaceLab, **controls: object) -> None:
    """What the page sends when these controls are moved."""
    change(lab, _controls={**on_page(lab, "_controls"), **controls})


def alike(image: np.ndarray, other: np.ndarray) -> float:
    """Correlation of the middles of two faces, -1 to 1."""
    middles = [of.mean(axis=2)[6:26, 6:26].ravel() for of in (image, other)]
    return float(np.corrcoef(middles)[0, 1])


# ---- state -----------------------------------------------------------------------------------------------------


def test_every_action_unit_has_one_slider():
    assert sorted(unit for units in GROUPS.values() for unit in units) == sorted(ACTION_UNITS)


def test_the_page_is_told_names_presets_and_ranges(lab):
    setup = on_page(lab, "_setup")
    assert [of["name"] for of in setup["methods"]] == list(METHODS)
    assert [of["name"] for of in setup["classes"]] == list(CLASSES)
    assert {unit: text for _, units in setup["groups"] for unit, text in units} == DESCRIPTIONS
    for expression, variants in EXPRESSIONS.items():
        shown = {text: {u: v for u, v in units.items() if v} for text, units in setup["presets"][expression]}
        assert shown == variants
    points = np.frombuffer(on_page(lab, "_points"), "<f4").reshape(3, -1, 2)
    np.testing.assert_array_equal(points[2], lab.spaces.layouts["ad-corre"])
    np.testing.assert_array_equal(np.frombuffer(on_page(lab, "_labels"), "<u2"), lab.spaces.labels)
    assert setup["attentive"] == ["tcl-nearest"] and setup["remark"] == ""


def test_units_move_the_face_and_its_point(lab):
    before, positions = lab.image.astype(int), lab.positions
    lab.units = {"AU26": 1.0, "AU25": 1}
    assert lab.units == {**dict.fromkeys(ACTION_UNITS, 0.0), "AU25": 1.0, "AU26": 1.0}
    mouth, forehead = np.abs(lab.image - before)[20:30].mean(), np.abs(lab.image - before)[:6].mean()
    assert mouth > 3 * forehead + 1
    assert lab.image.shape == (32, 32, 3) and lab.image.dtype == np.uint8
    for name in METHODS:
        assert lab.positions[name].shape == (2,) and not np.array_equal(lab.positions[name], positions[name])
        assert lab.probabilities[name].shape == (7,) and lab.probabilities[name].sum() == pytest.approx(1)
    assert list(lab.attention) == ["tcl-nearest"] and lab.attention["tcl-nearest"].ndim == 2


def test_the_point_lies_where_the_face_of_the_run_lies(run_dir, lab):
    """The position is that of the embedding of `image` among those of the run."""
    lab.units = {"AU12": 0.7}
    rows = pd.read_parquet(run_dir / "embeddings.parquet")
    for name in METHODS:
        own = rows[rows["method"] == name]
        seen = predict(RunFolder(run_dir).network(name, 0).network, lab.image[None])
        expected = place(np.stack(own["embedding"]), own[["x", "y"]].to_numpy(), seen.embeddings)
        np.testing.assert_allclose(lab.positions[name], expected[0], atol=1e-4)
        np.testing.assert_allclose(lab.probabilities[name], seen.probabilities[0], atol=1e-5)


def test_the_answer_is_what_python_says(lab):
    lab.units = {"AU4": 0.5}
    answer = on_page(lab, "_answer")
    for name in METHODS:
        assert answer["spaces"][name]["at"] == lab.positions[name].tolist()
        assert answer["spaces"][name]["probabilities"] == lab.probabilities[name].tolist()
    assert answer["spaces"]["ce"]["attention"] is None
    assert np.shape(answer["spaces"]["tcl-nearest"]["attention"]) == lab.attention["tcl-nearest"].shape
    seen = np.asarray(Image.open(io.BytesIO(base64.b64decode(answer["seen"].split(",")[1]))), dtype=int)
    assert np.abs(seen - lab.image).mean() < 8, "apart from the compression"
    assert answer["caption"] == "AU4 0.50"


def test_a_change_from_the_page_is_one_redrawing(lab):
    number = on_page(lab, "_answer")["number"]
    move(lab, units={**lab.units, "AU12": 0.8}, pose={"yaw": 20, "pitch": 0, "roll": 0})
    assert on_page(lab, "_answer")["number"] == number + 1
    assert lab.units["AU12"] == 0.8 and lab.pose["yaw"] == 20


def test_pose_light_and_person_change_the_picture(lab):
    pictures = [lab.image]
    lab.pose = {"yaw": 25, "pitch": -5}
    assert lab.pose == {"yaw": 25, "pitch": -5, "roll": 0}
    pictures.append(lab.image)
    lab.light = {"azimuth": -70}
    assert lab.light["azimuth"] == -70 and lab.light["softness"] == 0.4
    pictures.append(lab.image)
    lab.identity = 4
    assert lab.identity == 4
    pictures.append(lab.image)
    own = Identity(age=0.9, hair_style="bald")
    lab.identity = own
    assert lab.identity == own
    pictures.append(lab.image)
    lab.identity = Identity(age=0.9, hair_style="afro")
    pictures.append(lab.image)
    for a, b in zip(pictures, pictures[1:], strict=False):
        assert np.abs(a.astype(int) - b).mean() > 1
    assert set(lab.pose) == set(POSE) and set(lab.light) == set(LIGHT)


def test_presets(lab):
    lab.show_expression("sadness")
    assert {u: v for u, v in lab.units.items() if v} == next(iter(EXPRESSIONS["sadness"].values()))
    lab.show_expression("surprise", "1+2+5+27")
    assert {u for u, v in lab.units.items() if v} == {"AU1", "AU2", "AU5", "AU27"}
    with pytest.raises(FerlabError, match="no expression 'joy'; choose one of: surprise, fear"):
        lab.show_expression("joy")
    with pytest.raises(FerlabError, match="happiness has no variant '13'"):
        lab.show_expression("happiness", "13")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("units", {"AU99": 1.0}, "Unknown action unit 'AU99'"),
        ("units", {"AU1": 1.5}, "intensity of AU1 is 1.5: give a number between 0 and 1"),
        ("units", {"AU1": float("nan")}, "AU1 is nan"),
        ("units", {"AU1": "much"}, "value of AU1 is 'much'"),
        ("units", 3, "must be names with numbers"),
        ("pose", {"yaw": 90}, "yaw is 90: give a number between -32 and 32"),
        ("pose", {"jaw": 1}, "no 'jaw'; it takes: yaw, pitch, roll"),
        ("light", {"exposure": -3}, "exposure is -3"),
        ("identity", -1, "whole number from 0 on"),
        ("identity", "me", "whole number from 0 on"),
        ("identity", Identity(hair_style="mohawk"), "Unknown hair style"),
    ],
)
def test_wrong_values_are_refused_and_change_nothing(lab, name, value, message):
    lab.units = {"AU1": 0.5}
    before = on_page(lab, "_controls")
    with pytest.raises(FerlabError, match=message):
        setattr(lab, name, value)
    assert on_page(lab, "_controls") == before


# ---- walks -----------------------------------------------------------------------------------------------------


def test_a_walk_leaves_its_trace(lab):
    assert {name: of.shape for name, of in lab.trace.items()} == dict.fromkeys(METHODS, (0, 2))
    trace = lab.walk(["neutral", "happiness", {"AU18": 1.0}], steps=4)
    assert {name: of.shape for name, of in trace.items()} == dict.fromkeys(METHODS, (9, 2))
    assert lab.units == {**dict.fromkeys(ACTION_UNITS, 0.0), "AU18": 1.0}, "the face stands at the end"
    frames = on_page(lab, "_film")["frames"]
    assert on_page(lab, "_film")["stops"] == [[0, "neutral"], [4, "happiness"], [8, "own"]]
    assert frames[0]["units"] == dict.fromkeys(ACTION_UNITS, 0.0)
    assert frames[2]["units"]["AU12"] == 0.5 and frames[6]["units"]["AU12"] == 0.5 == frames[6]["units"]["AU18"]
    for name in METHODS:
        np.testing.assert_allclose(trace[name][-1], lab.positions[name], atol=1e-4)
        np.testing.assert_array_equal(lab.trace[name], trace[name])
    lab.units = frames[2]["units"]
    np.testing.assert_allclose(lab.positions["ce"], trace["ce"][2], atol=1e-4)
    lab.clear_trace()
    assert len(lab.trace["ce"]) == 0


@pytest.mark.parametrize(
    ("waypoints", "steps", "message"),
    [
        (["neutral"], 3, "two to 8 waypoints"),
        (["neutral"] * 9, 3, "two to 8 waypoints"),
        ("neutral", 3, "two to 8 waypoints"),
        (["neutral", "joy"], 3, "no expression 'joy'"),
        (["neutral", {"AU1": 2.0}], 3, "AU1 is 2"),
        (["neutral", 5], 3, "must be names with numbers"),
        (["neutral", "fear"], 0, "1 to 60 steps"),
        (["neutral", "fear"], 2.5, "1 to 60 steps"),
    ],
)
def test_walks_that_lead_nowhere(lab, waypoints, steps, message):
    with pytest.raises(FerlabError, match=message):
        lab.walk(waypoints, steps)
    assert len(lab.trace["ce"]) == 0


def test_the_page_asks_for_a_walk(lab):
    send(lab, {"type": "walk", "waypoints": ["neutral", "fear"]})
    assert len(lab.trace["ce"]) == 13
    send(lab, {"type": "walk", "waypoints": ["fear"]})
    assert "two to 8 waypoints" in on_page(lab, "_notice")["text"], "a sentence, no traceback"


# ---- photos ----------------------------------------------------------------------------------------------------


def test_the_face_of_a_photo_is_found_and_shown(lab, sent, tmp_path):
    from ferlab.rendering import render
    from ferlab.widgets.face_lab.portraits import imaginary_person

    lab.identity = 8
    lab.units = {"AU12": 1.0}
    rendered, answer = lab.image, on_page(lab, "_answer")
    lab.show_photo(photograph(tmp_path, render(imaginary_person(8), {"AU12": 1.0}, size=192)))
    assert alike(lab.image, rendered) > 0.7 > alike(lab.image[::-1], rendered)
    assert (
        on_page(lab, "_answer")["number"] > answer["number"]
        and on_page(lab, "_answer")["caption"] == "Photo: portrait.png"
    )
    # The picture goes to the page, and not into what is saved with the notebook.
    assert on_page(lab, "_answer")["face"] is None and on_page(lab, "_answer")["seen"] is None
    assert sent[-1]["type"] == "photo" and sent[-1]["face"].startswith("data:image/jpeg")
    assert sent[-1]["number"] == on_page(lab, "_answer")["number"]
    assert lab.units["AU12"] == 1.0
    lab.units = lab.units
    np.testing.assert_array_equal(lab.image, rendered)
    assert on_page(lab, "_answer")["face"] is not None


def test_a_real_photo(lab):
    """Of Rear Admiral Grace Hopper, which comes with matplotlib."""
    from matplotlib.cbook import get_sample_data

    path = get_sample_data("grace_hopper.jpg", asfileobj=False)
    lab.show_photo(path)
    # Her dark cap above, her face below it.
    brightness = lab.image.mean(axis=2)
    assert brightness[:4, 8:24].mean() < 0.6 * brightness[18:26, 8:24].mean()


def test_the_page_sends_a_photo(lab, sent, tmp_path):
    from ferlab.rendering import render
    from ferlab.widgets.face_lab.portraits import imaginary_person

    content = photograph(tmp_path, render(imaginary_person(8), size=192)).read_bytes()
    send(lab, {"type": "photo", "name": "<b>me</b>.png"}, [memoryview(content)])
    assert on_page(lab, "_answer")["caption"] == "Photo: <b>me</b>.png" and on_page(lab, "_notice") == {}


def test_photos_that_cannot_be_shown(lab, sent, tmp_path, monkeypatch):
    blank = tmp_path / "wall.png"
    Image.new("RGB", (300, 300), (120, 130, 140)).save(blank)
    text = tmp_path / "letter.jpg"
    text.write_text("no image")
    before = lab.image
    for path, message in ((blank, "No face was found"), (text, "is no image"), (tmp_path / "none.png", "cannot be op")):
        with pytest.raises(FerlabError, match=message):
            lab.show_photo(path)
    send(lab, {"type": "photo", "name": "wall.png"}, [memoryview(blank.read_bytes())])
    assert on_page(lab, "_notice")["text"].startswith("No face was found: choose a photo")
    np.testing.assert_array_equal(lab.image, before)
    assert not sent
    lab.units = {"AU1": 0.3}
    assert on_page(lab, "_notice") == {}, "the sentence goes with the next change"


def test_without_the_extra_a_sentence_says_what_to_install(lab, tmp_path, monkeypatch):
    from ferlab.data import photos
    from ferlab.rendering import render

    path = photograph(tmp_path, render(Identity(), size=192))
    photos.face_detector.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "cv2", None)
    send(lab, {"type": "photo", "name": "a.png"}, [memoryview(path.read_bytes())])
    assert "pip install 'ferlab[photos]'" in on_page(lab, "_notice")["text"]


# ---- what can be missing ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"run": "runs/none"}, "no run folder runs/none"),
        ({"methods": ["ce", "tcl-predicted"]}, "no method 'tcl-predicted'; choose from: ce, tcl-nearest, ad-corre"),
        ({"methods": []}, "one to six"),
        ({"methods": ["ce", "ce"]}, "one to six"),
        ({"seed": 5}, "no map of ce with seed 5"),
        ({"identity": 2.5}, "whole number"),
    ],
)
def test_what_is_not_there_is_said_at_once(run_dir, arguments, message):
    with pytest.raises(FerlabError, match=message):
        FaceLab(**{"run": run_dir, **arguments})


def test_unfinished_and_damaged_runs(run_dir, tmp_path):
    copy = shutil.copytree(run_dir, tmp_path / "copy")
    (copy / "ad-corre" / "seed_0" / "model.safetensors").write_bytes(b"no")
    assert FaceLab(copy, ["ce"]).spaces.methods == ["ce"]
    with pytest.raises(FerlabError, match="is not the network that model.json beside it describes"):
        FaceLab(copy)
    rows = pd.read_parquet(copy / "embeddings.parquet")
    rows[["x", "y"]] = np.nan
    rows.to_parquet(copy / "embeddings.parquet")
    with pytest.raises(FerlabError, match="no map of ce"):
        FaceLab(copy)
    (copy / "summary.json").unlink()
    with pytest.raises(FerlabError, match="summary.json is missing"):
        FaceLab(copy)


def test_networks_that_take_different_images(run_dir, tmp_path):
    copy = shutil.copytree(run_dir, tmp_path / "copy")
    description = copy / "ad-corre" / "seed_0" / "model.json"
    description.write_text(description.read_text().replace('"image_size": 32', '"image_size": 48'))
    with pytest.raises(FerlabError, match="ad-corre and ce were trained on other images"):
        FaceLab(copy)


def test_gray_images_of_another_size_and_set(tmp_path):
    lab = FaceLab(write_tiny_spaces(tmp_path / "gray", faces=42, size=48, channels=1, dataset="fer2013"))
    assert lab.image.shape == (48, 48, 1)
    assert "trained on fer2013" in on_page(lab, "_setup")["remark"]
    lab.walk(["neutral", "anger"], steps=2)
    assert on_page(lab, "_answer")["seen"].startswith("data:image/jpeg")


def test_missing_rendering_data(run_dir, monkeypatch, tmp_path):
    from ferlab.rendering import rig

    rig.load_rig.cache_clear()
    monkeypatch.setattr(rig, "RIG_FILE", tmp_path / "none.npz")
    try:
        with pytest.raises(FerlabError, match="face rig .* is missing"):
            FaceLab(run_dir, identity=99)
    finally:
        monkeypatch.undo()
        rig.load_rig.cache_clear()


# ---- where no widget can be shown ------------------------------------------------------------------------------


def test_a_picture_stands_in_where_no_widget_can(lab, tmp_path):
    import matplotlib

    matplotlib.use("Agg")
    lab.walk(["neutral", "surprise"], steps=3)
    bundle = lab._repr_mimebundle_()
    bundle = bundle[0] if isinstance(bundle, tuple) else bundle
    assert "application/vnd.jupyter.widget-view+json" in bundle
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(bundle["image/png"]))).convert("L"))
    assert picture.shape[1] > 900 and picture.std() > 5
    assert bundle["text/plain"].startswith("FaceLab(") and "CE + Ad-Corre" in bundle["text/plain"]


def test_a_cell_and_the_page_take_turns(lab, monkeypatch):
    see, at_once = lab.spaces.see, []

    def slowly(images: np.ndarray):
        at_once.append(threading.get_ident())
        time.sleep(0.01)
        assert set(at_once) == {threading.get_ident()}, "another face is being looked at"
        at_once.clear()
        return see(images)

    def page(turn: int) -> None:
        move(lab, units={**lab.units, "AU12": 0.05 * (turn % 20)})

    def cell(turn: int) -> None:
        lab.pose = {"yaw": turn}

    monkeypatch.setattr(lab.spaces, "see", slowly)
    assert meanwhile(page, cell, 10) == []


def test_two_labs_at_once_leave_pytorch_its_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    inside = threading.Event()

    def first() -> None:
        with one_thread():
            inside.set()
            time.sleep(0.1)

    def second() -> None:
        inside.wait()
        with one_thread():
            time.sleep(0.2)

    both = [threading.Thread(target=work) for work in (first, second)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    later: list[int] = []  # what a training in a new thread would get
    thread = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    torch.set_num_threads(before)
    assert later == [2]
