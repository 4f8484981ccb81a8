"""The loss playground without a page: its values are those of the losses, and its state can be got and set."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from from_page import on_page, send
from meanwhile import meanwhile
from PIL import Image
from pytorch_metric_learning import losses as pml_losses

from ferlab.errors import FerlabError
from ferlab.losses import AdCorreLoss, CenterLoss, ClassCenters, MetricLoss, TripletCenterLoss
from ferlab.methods import METHODS, Method
from ferlab.samplers import (
    FullySynthesizedNegative,
    NearestNegative,
    PredictedNegative,
    SemiSynthesizedNegative,
)
from ferlab.widgets import LossPlayground

SAMPLERS = {
    "tcl-nearest": NearestNegative(),
    "tcl-fully-synthesized": FullySynthesizedNegative(),
    "tcl-semi-synthesized": SemiSynthesizedNegative(2),
    "tcl-predicted": PredictedNegative(),
}
ON_THE_PLANE = ["ce", "center", *SAMPLERS]
POINTS = [[0.0, 0.0], [3.0, 0.0], [0.0, 3.0]]
CENTERS = [[1.0, 0.0], [4.0, 0.0], [0.0, 4.0]]


def loss_by_hand(playground: LossPlayground, points: torch.Tensor) -> torch.Tensor:
    """The loss as one would call it in a training."""
    labels = torch.from_numpy(playground.labels)
    logits = points @ torch.from_numpy(playground.classifier).T / playground.temperature
    ce = F.cross_entropy(logits, labels)
    if playground.loss == "ce":
        return ce
    shape = playground.centers.shape
    if playground.loss == "center":
        metric = CenterLoss(*shape)
    else:
        metric = TripletCenterLoss(*shape, margin=playground.margin, negatives=SAMPLERS[playground.loss])
    metric.centers = torch.nn.Parameter(torch.from_numpy(playground.centers))
    return playground.ce_weight * ce + metric(points, labels, logits=logits)


def scene_of(playground: LossPlayground) -> dict:
    """What the page draws."""
    return on_page(playground, "_scene")


def say(playground: LossPlayground, **message) -> dict:
    """What the page would send, and what it is answered."""
    send(playground, {**message, "reply": ["page", 7]})
    assert scene_of(playground)["reply"] == ["page", 7], "every message is answered"
    return scene_of(playground)


@pytest.mark.parametrize("ce_weight", [0.0, 0.5])
@pytest.mark.parametrize("loss", ON_THE_PLANE)
def test_value_and_gradient_are_those_of_the_losses(loss, ce_weight):
    playground = LossPlayground(loss, classes=5, seed=3, ce_weight=ce_weight, temperature=0.7, margin=6.0)
    points = torch.from_numpy(playground.points).requires_grad_()
    expected = loss_by_hand(playground, points)
    expected.backward()
    assert playground.value == pytest.approx(expected.item(), rel=1e-12)
    assert playground.losses.mean() == pytest.approx(expected.item(), rel=1e-12)
    np.testing.assert_allclose(playground.gradients["points"], points.grad.numpy(), atol=1e-12)
    assert np.abs(playground.gradients["points"]).max() > 0.01


@pytest.mark.parametrize("loss", ON_THE_PLANE)
def test_gradients_of_centers_and_classifier_are_slopes(loss):
    playground = LossPlayground(loss, seed=1, ce_weight=0.3)
    gradients, h = playground.gradients, 1e-6
    for name in ("centers", "classifier"):
        start = getattr(playground, name)
        values = []
        for sign in (1, -1):
            moved = start.copy()
            moved[1, 0] += sign * h
            setattr(playground, name, moved)
            values.append(playground.value)
        setattr(playground, name, start)
        assert gradients[name][1, 0] == pytest.approx((values[0] - values[1]) / (2 * h), abs=1e-5)
    if loss == "ce":
        assert not gradients["centers"].any(), "cross-entropy knows no centers"


def test_numbers_of_a_known_case():
    playground = LossPlayground("tcl-nearest", POINTS, [0, 1, 2], CENTERS, margin=3.0)
    # d to the own center is 1 each; to the nearest other: 16, 4 and 10
    np.testing.assert_allclose(playground.losses, [0, 0, 0])
    playground.margin = 5.0
    np.testing.assert_allclose(playground.losses, [0, 2, 0])
    assert playground.value == pytest.approx(2 / 3)
    np.testing.assert_array_equal(playground.negatives, [[4, 0], [1, 0], [1, 0]])
    assert scene_of(playground)["open"] == [False, True, False]
    playground.loss = "center"
    assert playground.value == 0.5 and playground.negatives is None


def test_synthesized_negative_says_which_center_gave_which_coordinate():
    playground = LossPlayground("tcl-fully-synthesized", POINTS, [0, 1, 2], CENTERS)
    np.testing.assert_array_equal(playground.negative_classes[0], [2, 1])  # x = 0 of the third, y = 0 of the second
    np.testing.assert_array_equal(playground.negatives[0], [0, 0])
    playground.selected = 0
    assert scene_of(playground)["negative"]["where"] == "x of disgust, y of fear"
    playground.loss, playground.candidates = "tcl-semi-synthesized", 1
    np.testing.assert_array_equal(playground.negative_classes[1], [0, 0])
    playground.candidates = 2
    np.testing.assert_array_equal(playground.negatives[1], [1, 0])


def test_predicted_negative_follows_the_classifier():
    playground = LossPlayground("tcl-predicted", [[2.0, 0.1]], [0], CENTERS)
    playground.classifier = [[0, 0], [1, 0], [0, 1]]
    assert playground.negative_classes.tolist() == [[1, 1]]
    playground.classifier = [[0, 0], [0, 1], [1, 0]]
    assert playground.negative_classes.tolist() == [[2, 2]]
    assert not playground.gradients["classifier"].any(), "TCL gives the classifier nothing to learn from"
    playground.ce_weight = 1.0
    assert playground.gradients["classifier"].any()


@pytest.mark.parametrize("loss", ON_THE_PLANE)
def test_level_sets_are_level(loss):
    playground = LossPlayground(loss, seed=2, ce_weight=0.2)
    playground.selected = chosen = 5
    start = playground.points
    own_loss = playground.losses[chosen]
    scene = scene_of(playground)

    def loss_at(place):
        moved = start.copy()
        moved[chosen] = place
        playground.points = moved
        return playground.losses[chosen]

    assert len(scene["lines"]) >= 5
    gap = scene["lines"][1][0] - scene["lines"][0][0]
    for level, lines in [*scene["lines"][:3], (own_loss, scene["through"])]:
        places = [line[len(line) // 2] for line in lines]
        assert places
        # Semi-synthesized and predicted negatives jump; a line along a jump belongs to a range of levels.
        errors = [abs(loss_at(place) - level) for place in places]
        assert min(errors) < 0.1 * gap


def test_hinge_is_shut_inside_its_hatched_region():
    playground = LossPlayground("tcl-nearest", POINTS, [0, 1, 2], CENTERS, margin=5.0)
    playground.selected = 1
    (ring,) = scene_of(playground)["shut"]
    inside = np.mean(ring, axis=0)
    playground.points = [POINTS[0], inside, POINTS[2]]
    assert playground.losses[1] == 0
    # For this point the border is the line x = 3.5 below the third center's share: d(own) + 5 = d(first center).
    low = [x for x, y in ring if y < 0]
    assert min(low) == pytest.approx(20 / 6, abs=0.02)


@pytest.mark.parametrize("loss", [*ON_THE_PLANE, "ad-corre"])
def test_descent_goes_down(loss):
    playground = LossPlayground(loss, seed=4, margin=2.0)
    playground.learning_rate = playground.learning_rate / 4
    before = playground.value
    playground.step(30)
    assert playground.value < 0.9 * before
    assert len(playground.history) == playground.steps + 1 and playground.history[0] == before
    playground.reset()
    assert playground.value == before and playground.history == [before]


def test_one_step_is_the_learning_rate_times_the_gradient():
    playground = LossPlayground("center")
    points, centers, gradients = playground.points, playground.centers, playground.gradients
    playground.learning_rate, playground.moving = 0.25, ["points"]
    playground.step()
    np.testing.assert_allclose(playground.points, points - 0.25 * gradients["points"])
    np.testing.assert_array_equal(playground.centers, centers)
    playground.moving = ["centers"]
    playground.step()
    assert not np.array_equal(playground.centers, centers)


def test_the_triplet_loss_can_be_brought_to_zero():
    playground = LossPlayground("tcl-nearest")
    assert playground.value > 1
    playground.points = playground.centers[playground.labels]
    playground.margin = 1.0
    assert playground.value == 0
    playground.play()
    scene = say(playground, type="tick", steps=0)
    assert not playground.playing and "gradient is zero" in scene["message"]


def test_steps_that_run_away_are_not_taken():
    playground = LossPlayground("center")
    playground.learning_rate = 500
    playground.step(100)
    assert np.abs(playground.points).max() <= 1000 and np.isfinite(playground.value)
    assert "smaller learning rate" in scene_of(playground)["message"]
    playground.reset()
    assert scene_of(playground)["message"] == ""


# ---- losses that nothing here knows by name --------------------------------------------------------------------------


def test_any_loss_of_single_embeddings_is_drawn_on_the_plane():
    playground = LossPlayground("pml:SupConLoss(temperature=0.5)", seed=2, ce_weight=0.5)
    points, labels = torch.from_numpy(playground.points).requires_grad_(), torch.from_numpy(playground.labels)
    ce = F.cross_entropy(points @ torch.from_numpy(playground.classifier).T, labels)
    expected = 0.5 * ce + pml_losses.SupConLoss(temperature=0.5)(points, labels)
    expected.backward()
    assert playground.value == pytest.approx(expected.item(), rel=1e-12)
    np.testing.assert_allclose(playground.gradients["points"], points.grad.numpy(), atol=1e-12)
    assert playground.losses is None and playground.negatives is None, "it compares the points"
    scene = scene_of(playground)
    assert "centers" not in scene["positions"] and scene["losses"] is None and not scene["hinge"]
    assert scene["losses_to_choose"][-1] == ("pml:SupConLoss(temperature=0.5)", "SupConLoss(temperature=0.5)")
    steepest = np.linalg.norm(playground.gradients["points"], axis=1).argmax()
    assert playground.selected == steepest
    playground.step(5)
    assert playground.value < expected.item()


@pytest.mark.parametrize("loss", ["center", "tcl-nearest", "ad-corre"])
def test_a_strength_multiplies_the_metric_loss(loss):
    plain, strong = LossPlayground(loss), LossPlayground(f"{loss}@2.50")
    assert strong.loss == f"{loss}@2.5" and strong.value == pytest.approx(2.5 * plain.value)
    name = "profiles" if loss == "ad-corre" else "points"
    np.testing.assert_allclose(strong.gradients[name], 2.5 * plain.gradients[name])
    assert strong.parts == plain.parts


def method_of(loss: type[MetricLoss], **named) -> Method:
    return Method("CE + mine", "#000000", loss=loss, **named)


class Shrink(MetricLoss):
    """The mean squared length of the embeddings.

    More about it.
    """

    part_labels = {"length": "mean squared length"}

    def __init__(self, num_classes: int, embedding_size: int) -> None:
        super().__init__()

    def forward(self, embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        value = embeddings.square().sum(dim=-1).mean()
        self.parts = {"length": value.detach()}
        return value


class ShrinkHeads(Shrink):
    takes_heads = True


class FarCenter(ClassCenters):
    """Twice the distance to the own center."""

    part_labels = {"far": "twice the distance"}

    def sample_losses(self, embeddings, labels, centers, logits, weights):
        return 2 * (embeddings - centers[labels]).norm(dim=1)


@pytest.fixture
def mine(monkeypatch):
    """Adds a row to the table of methods."""
    return lambda loss, **named: monkeypatch.setitem(METHODS, "mine", method_of(loss, **named))


def test_a_new_loss_is_drawn_and_offered_without_a_line(mine):
    mine(Shrink)
    playground = LossPlayground("mine")
    assert playground.value == pytest.approx((playground.points**2).sum(axis=1).mean())
    scene = scene_of(playground)
    assert ("mine", "Mine") in scene["losses_to_choose"]
    assert scene["about"].startswith("The mean squared length of the embeddings. It looks at all points at once")
    assert playground.parts["mean squared length"] == playground.value


def test_lines_of_a_loss_that_compares_are_those_of_the_whole(mine):
    mine(Shrink)
    playground = LossPlayground("mine", seed=2)
    scene, start, chosen = scene_of(playground), playground.points, playground.selected
    assert len(scene["lines"]) >= 5
    gap = scene["lines"][1][0] - scene["lines"][0][0]
    for level, lines in [*scene["lines"], (playground.value, scene["through"])]:
        moved = start.copy()
        longest = max(lines, key=len)
        moved[chosen] = longest[len(longest) // 2]
        playground.points = moved
        assert abs(playground.value - level) < 0.1 * gap, "as close as a coarse grid comes"
        playground.points = start


def test_a_new_loss_with_centers_has_them_on_the_plane(mine):
    mine(FarCenter)
    playground = LossPlayground("mine")
    away = np.linalg.norm(playground.points - playground.centers[playground.labels], axis=1)
    np.testing.assert_allclose(playground.losses, 2 * away)
    assert playground.gradients["centers"].any()
    scene = scene_of(playground)
    assert "centers" in scene["positions"] and [one["name"] for one in scene["sliders"]] == [
        "ce_weight",
        "learning_rate",
    ]
    assert scene["explanation"] == f"twice the distance = {2 * away.max():.3f}"


def test_a_new_loss_over_heads_is_drawn_in_profiles(mine):
    mine(ShrinkHeads, heads=2)
    playground = LossPlayground("mine")
    assert playground.value == pytest.approx((playground.profiles**2).sum(axis=2).mean())
    assert playground.parts == {"length": playground.value} and playground.losses is None
    assert [one["name"] for one in scene_of(playground)["sliders"]] == ["learning_rate"]
    playground.loss = "ad-corre"
    assert playground.term_weights == {"FD": 1, "MD": 1, "ED": 1}


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        ("ce+pixel", "cannot draw ce.pixel: attention is a part of a network.*choose one of: ce, center"),
        ("ce-heads", "cannot draw ce-heads: it is cross-entropy on a network with heads"),
        ("pml:ArcFaceLoss", "cannot draw pml:ArcFaceLoss: it learns weights of its own"),
        ("pml:NoLoss", "no embedding loss 'NoLoss'"),
        ("ce@2", "has no metric loss, so it has no strength"),
        (3, "There is no loss 3"),
    ],
)
def test_what_cannot_be_drawn_is_said(loss, message):
    playground = LossPlayground()
    with pytest.raises(FerlabError, match=message):
        playground.loss = loss
    assert playground.loss == "tcl-nearest"


# ---- Ad-Corre ------------------------------------------------------------------------------------------------------


def test_ad_corre_is_the_loss_on_profiles():
    playground = LossPlayground("ad-corre")
    profiles, labels = torch.from_numpy(playground.profiles), torch.from_numpy(playground.profile_labels)
    assert profiles.shape == (6, 2, 8)
    leaf = profiles.clone().requires_grad_()
    loss = AdCorreLoss(3, adaptive=False)
    loss(leaf, labels).backward()
    assert playground.value == pytest.approx(float(loss(profiles, labels)))
    assert playground.parts == pytest.approx({name: float(v) for name, v in loss.last_components.items()})
    np.testing.assert_allclose(playground.gradients["profiles"], leaf.grad.numpy(), atol=1e-12)
    for head in range(2):
        np.testing.assert_allclose(playground.correlations[head], np.corrcoef(playground.profiles[:, head]), atol=1e-9)
    scene = scene_of(playground)
    for face in range(6):
        expected = np.corrcoef(playground.profiles[face])[0, 1]
        assert scene["headCorrelations"][face][0][1] == pytest.approx(expected, abs=1e-3)
    means = [playground.profiles[playground.profile_labels == k, 0].mean(axis=0) for k in range(3)]
    np.testing.assert_allclose(scene["meanCorrelations"][0], np.corrcoef(means), atol=1e-3)


def test_weights_switch_terms_off():
    playground = LossPlayground("ad-corre")
    parts = playground.parts
    playground.term_weights = {"FD": 0, "MD": 0}
    assert playground.value == pytest.approx(parts["ED"])
    say(playground, type="set", name="ED", value=0)
    assert playground.value == 0 and not playground.gradients["profiles"].any()
    assert playground.negatives is None and playground.losses is None
    with pytest.raises(FerlabError, match="FD, MD or ED"):
        playground.term_weights = {"XD": 1}


def test_losses_of_the_chosen_entry_elsewhere():
    playground = LossPlayground("ad-corre", seed=3)
    playground.selected, playground.selected_entry = 4, (1, 6)
    levels = scene_of(playground)["levels"]
    assert scene_of(playground)["place"] == (4, 1, 6)
    for height, loss in (levels[0], levels[7]):
        say(playground, type="entry", face=4, head=1, entry=6, to=height)
        assert playground.value == pytest.approx(loss, abs=1e-4)
    with pytest.raises(FerlabError, match="entry must be a number from 0 to 7"):
        playground.selected_entry = (0, 8)


def test_many_classes_of_profiles_are_limited_and_said():
    playground = LossPlayground("ad-corre", classes=7)
    assert sorted(set(playground.profile_labels)) == [0, 1, 2, 3]
    assert "4 of the 7 classes" in scene_of(playground)["note"]


# ---- messages of the page --------------------------------------------------------------------------------------------


def test_a_drag_moves_what_was_dragged():
    playground = LossPlayground()
    before = playground.value
    scene = say(playground, type="move", what="points", index=2, to=[1.5, -2.0])
    np.testing.assert_array_equal(playground.points[2], [1.5, -2.0])
    assert scene["positions"]["points"][2] == [1.5, -2.0] and playground.value != before
    say(playground, type="move", what="centers", index=1, to=[0.5, 0.5])
    np.testing.assert_array_equal(playground.centers[1], [0.5, 0.5])
    playground.loss = "ad-corre"
    say(playground, type="entry", face=1, head=1, entry=3, to=-1.25)
    assert playground.profiles[1, 1, 3] == -1.25


def test_controls_set_what_they_say():
    playground = LossPlayground()
    for name, value in {"margin": 2.5, "ce_weight": 0.5, "selected": 3, "learning_rate": 0.125}.items():
        say(playground, type="set", name=name, value=value)
        assert getattr(playground, name) == value
    say(playground, type="set", name="loss", value="tcl-predicted")
    assert playground.loss == "tcl-predicted"
    say(playground, type="set", name="num_classes", value=5)
    assert playground.centers.shape == (5, 2) and len(playground.points) == 20
    before = playground.centers
    say(playground, type="set", name="centers", value=before + 1)
    assert np.array_equal(playground.centers, before), "only what a control stands for"
    scene = say(playground, type="set", name="margin", value=-1)
    assert "margin must be a number from 0" in scene["message"] and playground.margin == 2.5


def test_two_pages_do_not_play_twice_as_fast():
    playground = LossPlayground()
    say(playground, type="tick", steps=0)
    assert playground.steps == 0, "it does not play yet"
    say(playground, type="play")
    say(playground, type="tick", steps=0)
    say(playground, type="tick", steps=0)
    assert playground.steps == 1
    say(playground, type="pause")
    assert not playground.playing


def test_sliders_are_those_that_matter():
    playground = LossPlayground("ce")

    def names():
        return [slider["name"] for slider in scene_of(playground)["sliders"]]

    assert names() == ["temperature", "learning_rate"]
    playground.loss = "tcl-semi-synthesized"
    assert names() == ["margin", "candidates", "ce_weight", "learning_rate"]
    playground.ce_weight = 1
    assert "temperature" in names() and "classifier" in scene_of(playground)["positions"]
    playground.margin = 300
    assert scene_of(playground)["sliders"][0]["max"] == 300, "a slider reaches its value"


def test_the_scene_can_be_sent_and_is_small():
    for loss in (*ON_THE_PLANE, "ad-corre"):
        assert len(json.dumps(scene_of(LossPlayground(loss, classes=7)))) < 60_000


def test_the_plane_widens_for_what_is_on_it():
    playground = LossPlayground()
    playground.points = 20 * playground.points
    assert scene_of(playground)["span"] > np.abs(playground.points).max()
    playground.reset()
    assert scene_of(playground)["span"] == 5


# ---- checks ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"loss": "hinge"}, "There is no loss 'hinge'; choose one of: ce, center"),
        ({"points": [[0, 0]]}, "points and labels belong together"),
        ({"points": [[0, 0, 0]], "labels": [0]}, r"points must have shape \(N, 2\), but has \(1, 3\)"),
        ({"points": [[0, "a"]], "labels": [0]}, "points must be numbers"),
        ({"points": [[0, float("nan")]], "labels": [0]}, "finite"),
        ({"points": [[0, 0]], "labels": [3]}, r"labels must lie in 0..2 for 3 classes"),
        ({"points": [[0, 0]], "labels": [0.5]}, r"whole numbers of shape \(1,\)"),
        ({"points": np.zeros((0, 2)), "labels": []}, "1 to 70 points"),
        ({"centers": [[0, 0]]}, r"centers must have shape \(3, 2\)"),
        ({"classes": 1}, "classes must be a number from 2 to 7"),
        ({"classes": ["a", "a"]}, "different names"),
        ({"margin": -1}, "margin must be a number from 0"),
        ({"temperature": 0}, "temperature must be a number from 0.01"),
        ({"candidates": 1.5}, "candidates must be a whole number"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(FerlabError, match=message):
        LossPlayground(**arguments)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("points", [[0, 0]], r"points must have shape \(12, 2\)"),
        ("labels", [0, 1], r"shape \(12,\)"),
        ("selected", 12, "selected must be a number from 0 to 11"),
        ("learning_rate", 0, "learning_rate must be a number"),
        ("moving", ["faces"], "names 'faces'"),
        ("num_classes", 9, "from 2 to 7"),
        ("profiles", np.zeros((2, 2)), r"profiles must have shape \(6, 2, 8\)"),
    ],
)
def test_wrong_settings_change_nothing(name, value, message):
    playground = LossPlayground()
    before = getattr(playground, name)
    with pytest.raises(FerlabError, match=message):
        setattr(playground, name, value)
    np.testing.assert_array_equal(getattr(playground, name), before)


def test_names_of_ones_own_and_a_class_without_points():
    playground = LossPlayground("tcl-nearest", [[0, 0], [1, 1]], [0, 2], classes=("cat", "dog", "owl"))
    assert playground.classes == ("cat", "dog", "owl") and playground.value >= 0
    playground.labels = [1, 1]
    assert playground.labels.tolist() == [1, 1]


def test_the_callers_random_numbers_are_left_alone():
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    LossPlayground("tcl-nearest").step(3)
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize("loss", ["ce", "tcl-fully-synthesized", "ad-corre"])
def test_a_picture_stands_in_where_no_widget_can(loss):
    bundle = LossPlayground(loss)._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert "application/vnd.jupyter.widget-view+json" in data
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).convert("L"))
    assert picture.shape[1] > 500 and picture.std() > 10
    assert loss in data["text/plain"]


def test_a_cell_and_the_page_take_turns():
    playground = LossPlayground("tcl-nearest", classes=3)

    def cell(turn: int) -> None:
        playground.num_classes = (7, 3)[turn % 2]
        playground.loss = ("ad-corre", "ce", "tcl-predicted")[turn % 3]
        assert len(playground.gradients) in (1, 2, 3) and len(playground.labels) == len(playground.points)

    def page(turn: int) -> None:
        send(playground, {"type": "step", "reply": ["page", turn]})

    assert meanwhile(page, cell, 40) == []
    assert playground.num_classes == 3 and np.isfinite(playground.value)
