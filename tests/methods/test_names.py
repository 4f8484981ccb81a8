"""From names to methods: the table, strengths, losses of pytorch-metric-learning, attention."""

from __future__ import annotations

import dataclasses
import json
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ferlab.errors import FerlabError
from ferlab.losses import CenterLoss, PmlLoss, TripletCenterLoss
from ferlab.methods import (
    METHODS,
    build_loss,
    canonical_name,
    get_method,
    is_known,
    method_color,
    method_label,
    method_style,
    reference_of,
    split_names,
    strength_of,
    with_strengths,
)

WITH_LOSS = [name for name, method in METHODS.items() if method.loss is not None]


@pytest.mark.parametrize("name", WITH_LOSS)
def test_a_strength_changes_the_dose_and_shares_the_recipe_of_the_control(name):
    method, control = METHODS[name], METHODS[METHODS[name].control]
    doses = [get_method(f"{name}@{strength}") for strength in (0, 0.5, 4)]
    assert [dose.metric_weight for dose in doses] == [0, 0.5 * method.reference_weight, 4 * method.reference_weight]
    for dose in doses:
        assert (dose.learning_rate, dose.weight_decay) == (control.learning_rate, control.weight_decay)
        assert dose.loss is method.loss and dose.heads == method.heads and dose.warm_up == doses[0].warm_up
    assert len({dose.color for dose in doses}) == 3 and "strength 4" in doses[2].label


def test_the_papers_balance_is_strength_one_of_ad_corre():
    # lambda = 50 with cross-entropy also averaged over the 7 classes, against FD + MD + ED.
    assert get_method("ad-corre@1").metric_weight == pytest.approx(7 / 50)


def test_margins_are_in_squared_distance_divided_by_d():
    method = get_method("tcl-nearest@1")
    assert method.options["margin"] == METHODS["tcl-nearest"].options["margin"] == 2.0
    assert build_loss(method, 7).metric_loss.margin == 2.0 * method.embedding_size


def test_center_loss_is_a_method():
    joint = build_loss(METHODS["center"], 7)
    assert isinstance(joint.metric_loss, CenterLoss) and METHODS["center"].control == "ce"
    embeddings, labels = torch.randn(8, 128), torch.arange(8) % 7
    output = joint(torch.randn(8, 7), labels, embeddings)
    distance = (embeddings - joint.metric_loss.centers[labels]).square().mean(dim=1).mean() / 2
    torch.testing.assert_close(output.total - output.parts["ce"], METHODS["center"].metric_weight * distance)


@pytest.mark.parametrize(
    "name",
    [
        "pml:SupConLoss",
        "pml:SupConLoss(temperature=0.1)",
        "pml:ArcFaceLoss(margin=20)",
        "pml:TripletMarginLoss(margin=0.2,swap=True)",
    ],
)
def test_losses_of_pytorch_metric_learning_are_methods(name):
    method = get_method(name)
    joint = build_loss(method, 7)
    assert isinstance(joint.metric_loss, PmlLoss) and method.control == "ce" and method.color.startswith("#")
    embeddings = torch.randn(14, 128, requires_grad=True)
    output = joint(torch.randn(14, 7), torch.arange(14) % 7, embeddings)
    output.total.backward()
    assert embeddings.grad.abs().sum() > 0
    assert list(output.parts) == ["ce", name.removeprefix("pml:").partition("(")[0]]
    assert json.loads(json.dumps(method.recorded()))["options"] == {"expression": name.removeprefix("pml:")}


def test_a_loss_of_pytorch_metric_learning_leaves_the_random_numbers_alone():
    torch.manual_seed(3)
    build_loss(get_method("pml:SupConLoss"), 7)
    after = torch.rand(1)
    torch.manual_seed(3)
    assert torch.equal(after, torch.rand(1))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ad-corre@-1", "number from 0 on"),
        ("ad-corre@", "number from 0 on"),
        ("ad-corre@nan", "number from 0 on"),
        ("ad-corre@inf", "number from 0 on"),
        ("ce@2", "no metric loss"),
        ("ce-heads@2+pixel", "no metric loss"),
        ("triplet", "There is no method 'triplet'.*tcl-nearest.*pml:NAME"),
        ("ce+channel", "There is no method"),
        ("pml:NoSuchLoss", "no embedding loss 'NoSuchLoss'.*SupConLoss"),
        ("pml:SupConLoss(0.1)", "arguments go by name"),
        ("pml:SupConLoss(temperature=__import__('os').system('true'))", "no loss with plain arguments"),
        ("pml:SupConLoss(**{'temperature': 1})", "arguments go by name"),
        ("pml:os.system('true')", "There is no method|no loss with plain arguments"),
    ],
)
def test_what_is_no_method_is_one_sentence(name, words):
    with pytest.raises(FerlabError, match=f"(?s){words}"):
        get_method(name)
    assert not is_known(name)


@pytest.mark.parametrize("name", ["pml:SupConLoss(cold=1)", "pml:VICRegLoss", "pml:ArcFaceLoss(margin='wide')"])
def test_a_loss_that_cannot_be_built_is_told_before_anything_is_trained(name):
    with pytest.raises(FerlabError, match="cannot be trained beside cross-entropy"):
        build_loss(get_method(name), 7)


@given(
    base=st.sampled_from([*WITH_LOSS, "pml:SupConLoss(temperature=0.1)", "pml:TripletMarginLoss(margin=1e-05)"]),
    strength=st.none() | st.floats(0, 1e6),
    part=st.sampled_from(["", "+pixel", "+element", "+attention"]),
)
def test_a_canonical_name_is_found_and_stays_what_it_is(base, strength, part):
    name = f"{base}{'' if strength is None else f'@{strength!r}'}{part}"
    canonical = canonical_name(name)
    assert canonical_name(canonical) == canonical
    assert split_names(f"ce, {canonical} ,ce-heads") == ("ce", canonical, "ce-heads")
    method = get_method(canonical)
    assert method.attention == get_method(f"ce{part}").attention
    if strength is not None:
        assert method.metric_weight == pytest.approx(strength * get_method(base).reference_weight, rel=1e-4)
    assert reference_of(canonical, [f"{method.control}{part}"]) == f"{method.control}{part}"


def test_every_row_looks_different():
    rows = list(METHODS.values())
    assert len({row.label for row in rows}) == len({row.color for row in rows}) == len(rows)
    for name in METHODS:
        variants = [name, *(f"{name}+{part}" for part in ("pixel", "element", "attention"))]
        for look in (method_color, method_label):
            assert len({look(variant) for variant in variants}) == 4
        assert len({method_style(variant) for variant in variants[1:]}) == 3
    for part in ("pixel", "element", "attention"):
        assert len({method_color(f"{name}+{part}") for name in METHODS}) == len(METHODS)


def test_large_strengths_are_names_too():
    assert canonical_name("ad-corre@1000000+pixel") == "ad-corre@1e+06+pixel"
    assert get_method("ad-corre@1e+06+pixel") == get_method("ad-corre@1000000+pixel")


def test_unknown_names_are_drawn_all_the_same():
    assert method_label("my-loss") == "my-loss" and method_style("my-loss") == "-"
    assert method_color("my-loss") == method_color("my-loss") != ""


def test_a_method_differs_from_its_control_by_its_loss_alone():
    for name in WITH_LOSS:
        method, control = METHODS[name], METHODS[METHODS[name].control]
        assert (method.learning_rate, method.weight_decay) == (control.learning_rate, control.weight_decay)
        assert (method.heads, method.embedding_size) == (control.heads, control.embedding_size)
        assert METHODS[name].warm_up == METHODS["tcl-nearest"].warm_up > 0


def test_a_plain_name_is_a_dose_among_the_others():
    own = METHODS["ad-corre"].strength
    assert with_strengths(["ad-corre"], [0, own, 3]) == ("ce-heads", "ad-corre@3", "ad-corre")
    assert strength_of("ad-corre") == own and get_method(f"ad-corre@{own:g}").metric_weight == pytest.approx(
        get_method("ad-corre").metric_weight
    )


def test_changed_sets_fields_and_options_alike():
    method = METHODS["tcl-nearest"].changed({"margin": 1.5, "warm_up": 0.5})
    assert method.options["margin"] == 1.5 and method.warm_up == 0.5
    assert method.value_of("margin") == 1.5 and method.value_of("warm_up") == 0.5
    assert (
        dataclasses.replace(method, warm_up=METHODS["tcl-nearest"].warm_up).changed(
            {"margin": METHODS["tcl-nearest"].options["margin"]}
        )
        == METHODS["tcl-nearest"]
    )
    assert build_loss(method, 7).metric_loss.margin == 1.5 * method.embedding_size
    assert isinstance(build_loss(method, 7).metric_loss, TripletCenterLoss)


@pytest.mark.parametrize("name", ["tcl-nearest@1", "tcl-fully-synthesized@1", "center@1"])
def test_weight_and_margin_mean_the_same_at_every_size(name):
    """64 copies of a space of 2 have the value, weight included, of that space: the distance is divided by D."""
    labels, logits = torch.arange(14) % 7, torch.zeros(14, 7)
    embeddings = torch.randn(14, 2, generator=torch.Generator().manual_seed(0))
    totals = []
    for size in (2, 128):
        objective = build_loss(get_method(name).changed({"embedding_size": size}), num_classes=7)
        rows = embeddings.repeat(1, size // 2)
        objective.metric_loss.start_from(rows, labels)
        totals.append(float(objective(logits, labels, rows).total.detach()))
    assert totals[1] == pytest.approx(totals[0], rel=1e-5)
    assert totals[0] > math.log(7) + 0.1
