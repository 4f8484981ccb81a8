"""The checks of the exercises on losses: right answers pass, and each usual mistake is named."""

from __future__ import annotations

import re
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import torch

from ferlab.classroom.exercises import (
    check_heads_disagree,
    check_least_disagreement,
    check_margin_shift,
    check_mean_discriminator,
    check_mixed_negative,
    check_semi_synthesized,
    check_zero_loss,
)
from ferlab.classroom.marks import NOT_BEGUN
from ferlab.losses import AdCorreLoss
from ferlab.widgets import LossPlayground


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda margin, gap: margin / (2 * gap), "✓ Right"),
        (lambda margin, gap: None, "returns None"),
        (lambda margin, gap: "far", "one number, but returned str"),
        (lambda margin, gap: np.ones(2), "one number, but returned ndarray"),
        (lambda margin, gap: 1 / 0, "ZeroDivisionError"),
        (lambda margin, gap: -margin / (2 * gap), "not in which direction"),
        (lambda margin, gap: margin / gap, "factor of 2"),
        (lambda margin, gap: gap / 2 - margin / (2 * gap), "Subtract the middle"),
        (lambda margin, gap: margin / 2, "The gap plays a part"),
        (lambda margin, gap: margin * gap + 7, "Solve"),
    ],
)
def test_margin_shift(function, said):
    assert said in check_margin_shift(function)


def test_zero_loss():
    playground = LossPlayground("tcl-nearest", margin=2.0, seed=2)
    start = {"centers": playground.centers, "margin": playground.margin}
    assert "hinges are open" in check_zero_loss(playground, **start)
    playground.points = playground.centers[playground.labels]
    assert playground.value == 0 and "further than 0.00 from its center" in check_zero_loss(playground, **start)
    own = np.eye(3, dtype=bool)[playground.labels]
    others = np.stack([playground.centers[~is_own].mean(axis=0) for is_own in own])
    outwards = playground.points - others
    outwards *= 3.1 / np.linalg.norm(outwards, axis=1, keepdims=True)
    one_each = np.arange(len(own)) == [np.flatnonzero(playground.labels == k)[0] for k in playground.labels]
    playground.points = playground.points + np.where((one_each & (playground.labels < 2))[:, None], outwards, 0)
    assert f"no point of {playground.classes[2]} is further than 0.00" in check_zero_loss(playground, **start)
    playground.points = playground.points + np.where((one_each & (playground.labels == 2))[:, None], outwards, 0)
    assert playground.value == 0 and check_zero_loss(playground, **start).startswith("✓ Zero, with points up to 3.10")
    playground.margin = 0.5
    assert "set it back to 2" in check_zero_loss(playground, **start)
    playground.margin = 2.0
    playground.centers = playground.centers + 1
    assert "A center has moved" in check_zero_loss(playground, **start)
    playground.loss = "ce"
    assert "another loss" in check_zero_loss(playground, **start)


def semi_synthesized(embeddings, labels, centers, candidates, own=True, squared=False, farthest=False):
    distances = torch.cdist(embeddings, centers)
    distances = distances.scatter(1, labels[:, None], torch.inf) if own else distances
    order = (-distances.nan_to_num(posinf=-1) if farthest else distances).argsort(dim=1)
    allowed = torch.zeros_like(distances, dtype=torch.bool).scatter(1, order[:, :candidates], True)
    gaps = embeddings[:, None] - centers
    gaps = gaps if squared else gaps.abs()
    return gaps.masked_fill(~allowed[:, :, None], torch.inf).argmin(dim=1)


def places(embeddings, labels, centers, candidates):
    """The place in the list of candidates instead of the class that stands there."""
    distances = torch.cdist(embeddings, centers).scatter(1, labels[:, None], torch.inf)
    nearest = distances.argsort(dim=1)[:, :candidates]
    found = (embeddings[:, None] - centers[nearest]).abs().argmin(dim=1)
    return found if candidates > 1 else nearest.expand(-1, embeddings.shape[1])


def test_semi_synthesized():
    assert check_semi_synthesized(semi_synthesized).startswith("✓ Right")
    assert "own class" in check_semi_synthesized(lambda *given: semi_synthesized(*given, own=False))
    assert "not among the nearest" in check_semi_synthesized(lambda *given: semi_synthesized(*given, farthest=True))
    assert "absolute differences" in check_semi_synthesized(lambda *given: semi_synthesized(*given, squared=True))
    assert "places in your list" in check_semi_synthesized(places)
    assert "one index an entry" in check_semi_synthesized(lambda f, y, c, n: y)
    assert "returns None" in check_semi_synthesized(lambda *given: None)
    assert "is of type str" in check_semi_synthesized(lambda *given: "nearest")
    assert "KeyError" in check_semi_synthesized(lambda *given: {}["none"])


def test_mixed_negative():
    playground = LossPlayground("tcl-fully-synthesized", classes=3, margin=1.0, seed=0)
    playground.centers = np.array([[0.0, 0], [4, 0], [0, 4]])
    at = int(np.flatnonzero(playground.labels == 0)[0])
    playground.selected = at
    start = playground.points
    assert check_mixed_negative(playground, start).startswith(NOT_BEGUN)

    def place(x, y):
        points = playground.points
        points[at] = x, y
        playground.points = points
        return check_mixed_negative(playground, start)

    assert "both come from" in place(4.0, 0.5)
    assert "must fall below" in place(2.5, 2.5)
    assert place(3.9, 3.9).startswith("✓ There")
    assert f"only 0.00 from the center of {playground.classes[0]}" in place(0.1, 0.1), "nobody's place is not one's own"
    playground.loss = "ce"
    assert "another loss" in check_mixed_negative(playground, start)


def test_the_notebooks_playground_has_a_place_that_is_nobodys():
    source = (Path(__file__).parents[3] / "notebooks" / "04_choosing_negatives.py").read_text(encoding="utf-8")
    playground = eval(re.search(r"^playground = (LossPlayground.*)$", source, re.MULTILINE)[1])
    start, at = playground.points, playground.selected
    said = {}
    for a, b in permutations(set(range(len(playground.centers))) - {playground.labels[at]}, 2):
        points = playground.points
        points[at] = playground.centers[a][0], playground.centers[b][1]
        playground.points = points
        said[playground.classes[a], playground.classes[b]] = check_mixed_negative(playground, start)
    assert said["disgust", "fear"].startswith("✓"), "the solution on the page for instructors"
    assert "find a place at least 0.5 away" in said["surprise", "fear"], "the place of a center"


def mean_discriminator(embeddings, labels, diagonal=0.0, one=1.0, pairs=False, sign=1.0, classes=None):
    means = torch.stack(
        [embeddings[labels == c].mean(dim=0) for c in (labels.unique() if classes is None else classes)]
    )
    means = means - means.mean(dim=1, keepdim=True)
    means = means / means.norm(dim=1, keepdim=True)
    terms = one + sign * means @ means.T
    terms.fill_diagonal_(diagonal)
    return terms.sum() / (len(terms) * (len(terms) - 1)) if pairs else terms.mean()


def test_mean_discriminator():
    assert check_mean_discriminator(mean_discriminator).startswith("✓ Right")
    assert "all K x K pairs" in check_mean_discriminator(lambda f, y: mean_discriminator(f, y, pairs=True))
    assert "clear the diagonal" in check_mean_discriminator(lambda f, y: mean_discriminator(f, y, diagonal=2.0))
    assert "the 1 of 1 + corr" in check_mean_discriminator(lambda f, y: mean_discriminator(f, y, one=0.0))
    assert "standardized" in check_mean_discriminator(lambda f, y: 0.25)
    assert check_mean_discriminator(lambda f, y: None).startswith(NOT_BEGUN)
    assert "take the mean" in check_mean_discriminator(lambda f, y: mean_discriminator(f, y) * len(y.unique()) ** 2)
    assert "The sign is wrong" in check_mean_discriminator(lambda f, y: mean_discriminator(f, y, sign=-1.0))
    assert "class 1" in check_mean_discriminator(lambda f, y: mean_discriminator(f, y, classes=range(int(y.max()) + 1)))
    of_faces = lambda f, y: mean_discriminator(f, torch.arange(len(y)))  # noqa: E731
    assert "mean embedding of each class" in check_mean_discriminator(of_faces)
    assert "no gradient" in check_mean_discriminator(lambda f, y: mean_discriminator(f, y).detach())
    assert "no gradient" in check_mean_discriminator(lambda f, y: mean_discriminator(f, y).item())
    four = lambda f, y: AdCorreLoss(4, adaptive=False).components(f, y)["MD"] if len(y.unique()) == 4 else 9  # noqa: E731
    assert "For 3 classes" in check_mean_discriminator(four)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda k: (k - 2) / k, "✓ Right"),
        (lambda k: 0, "3 cannot"),
        (lambda k: -1 / (k - 1), "averages 1 + corr"),
        (lambda k: (k - 2) / (k - 1), "the diagonal"),
        (lambda k: 0.5, "With 2 heads you get 0.500"),
        (lambda k: None, "returns None"),
    ],
)
def test_least_disagreement(function, said):
    assert said in check_least_disagreement(function)


@pytest.mark.parametrize("heads", [2, 3, 5])
def test_no_heads_disagree_more_than_a_simplex(heads):
    """What the check holds to be the least value of ED is one that gradient descent comes to, and none below."""
    loss = AdCorreLoss(2, adaptive=False)
    labels = torch.tensor([0, 1, 0])
    embeddings = torch.randn(3, heads, 12, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    embeddings.requires_grad_()
    optimizer = torch.optim.LBFGS([embeddings], max_iter=50, line_search_fn="strong_wolfe")

    def disagreement() -> torch.Tensor:
        optimizer.zero_grad()
        value = loss.components(embeddings, labels)["ED"]
        value.backward()
        return value

    optimizer.step(disagreement)
    assert disagreement().item() == pytest.approx((heads - 2) / heads, abs=1e-4)


def test_heads_disagree():
    playground = LossPlayground("ad-corre", seed=0)
    assert "FD or MD still" in check_heads_disagree(playground)
    playground.term_weights = {"FD": 0.0, "MD": 0.0}
    assert "press Play" in check_heads_disagree(playground)
    playground.term_weights = {"ED": 0.0}
    assert "weight above 0" in check_heads_disagree(playground)
    profiles = playground.profiles
    profiles[:, 1] = -profiles[:, 0]
    playground.profiles = profiles
    assert check_heads_disagree(playground).startswith("✓ ED is 0.000")
    playground.loss = "center"
    assert "another loss" in check_heads_disagree(playground)
