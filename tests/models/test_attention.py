"""Selective attention and timm backbones."""

from __future__ import annotations

import pytest
import torch

from ferlab.errors import FerlabError
from ferlab.losses import JointLoss, TripletCenterLoss
from ferlab.methods import METHODS, get_method
from ferlab.models import ExpressionNetwork, SelectiveAttention, create_backbone
from ferlab.runs import TrainingFolder


def faces(batch: int = 4, side: int = 64) -> torch.Tensor:
    return torch.randint(256, (batch, 3, side, side), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_attention_starts_neutral():
    plain = ExpressionNetwork(7).eval()
    attending = ExpressionNetwork(7, attention=("pixel", "element")).eval()
    a, b = plain(faces()), attending(faces())
    torch.testing.assert_close(a.logits, b.logits)
    torch.testing.assert_close(a.embeddings, b.embeddings)
    assert a.pixel_attention is None and a.element_weights is None
    assert (b.pixel_attention == 0.5).all() and (b.element_weights == 1).all()


@pytest.mark.parametrize("parts", [(), ("pixel",), ("element",), ("pixel", "element")])
def test_each_part_can_be_switched_off(parts):
    attended = SelectiveAttention(16, 8, pixel="pixel" in parts, element="element" in parts)(torch.randn(3, 16, 5, 4))
    assert attended.features.shape == (3, 16)
    assert (attended.pixel is not None) == ("pixel" in parts) and (attended.element is not None) == ("element" in parts)
    if attended.pixel is not None:
        assert attended.pixel.shape == (3, 1, 5, 4)
    if attended.element is not None:
        assert attended.element.shape == (3, 8)


def test_pooling_looks_where_the_gate_is_open():
    attention = SelectiveAttention(8, 4, element=False).eval()

    class Gate(torch.nn.Module):
        def forward(self, feature_map):
            gate = torch.zeros_like(feature_map[:, :1])
            gate[..., 1, 2] = 0.3
            return gate

    attention.pixel = Gate()
    feature_map = torch.randn(2, 8, 4, 4)
    torch.testing.assert_close(attention(feature_map).features, feature_map[..., 1, 2])
    attention.pixel = torch.nn.Sequential(Gate(), torch.nn.Threshold(10.0, 0.0))  # closed everywhere
    assert attention(feature_map).features.isfinite().all()


def test_element_weights_reach_classifier_and_distance_with_gradient():
    network = ExpressionNetwork(7, 16, attention=("element",))
    torch.nn.init.normal_(network.attention.element[2].weight)
    output = network(faces())
    torch.testing.assert_close(output.logits, network.classifier(output.embeddings * output.element_weights))
    tcl = TripletCenterLoss(7, 16, margin=100.0)
    labels = torch.arange(4)
    weighted = tcl(output.embeddings, labels, element_weights=output.element_weights)
    assert weighted != tcl(output.embeddings, labels)
    joint = JointLoss(7, tcl, ce_weight=0.0)(output.logits, labels, output.embeddings, output.element_weights)
    torch.testing.assert_close(joint.total, weighted)
    joint.total.backward()
    assert network.attention.element[2].weight.grad.abs().sum() > 0


def test_heads_have_one_weight_an_entry_of_the_joined_embedding():
    output = ExpressionNetwork(7, 16, heads=3, attention=("element",)).eval()(faces())
    assert output.element_weights.shape == (4, 48) and output.embeddings.shape == (4, 3, 16)


def test_attention_survives_saving(tmp_path):
    network = ExpressionNetwork(7, 16, attention=("pixel", "element")).eval()
    torch.nn.init.normal_(network.attention.pixel[3].weight)
    folder = TrainingFolder(tmp_path, "ce+attention", 0)
    folder.save_network(network, ("a",) * 7, image_size=64)
    loaded = folder.load_network().network
    assert torch.equal(loaded(faces()).pixel_attention, network(faces()).pixel_attention)
    assert network(faces()).pixel_attention.std() > 0


def test_every_method_exists_with_attention():
    for name, method in METHODS.items():
        assert get_method(f"{name}+attention").attention == ("pixel", "element") and method.attention == ()
        assert get_method(f"{name}+pixel").attention == ("pixel",)
        assert get_method(f"{name}+element").attention == ("element",)


def test_unknown_method_is_told_the_known_ones():
    with pytest.raises(FerlabError, match=r"ce, tcl-nearest.*, or all .* \+pixel or \+element or \+attention"):
        get_method("ce+channel")


def test_unknown_part_is_named():
    with pytest.raises(ValueError, match="channel"):
        ExpressionNetwork(7, attention=("channel",))


@pytest.mark.parametrize(("name", "features"), [("resnet18", 512), ("legacy_xception", 2048)])
def test_timm_backbones(name, features):
    network = ExpressionNetwork(7, 32, backbone=name, in_channels=1, attention=("pixel",)).eval()
    output = network(faces()[:, :1])
    assert network.backbone.num_features == features
    assert output.embeddings.shape == (4, 32) and output.pixel_attention.shape[:2] == (4, 1)


def test_pretrained_weights_without_a_network_are_one_sentence(monkeypatch):
    import timm

    def offline(name, pretrained, **kwargs):
        raise OSError("Name or service not known")

    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.raises(FerlabError, match="connect to the internet once.*pretrained=False"):
        create_backbone("resnet18", 3, pretrained=True)


def test_wrong_backbones_are_one_sentence():
    with pytest.raises(FerlabError, match="no backbone 'resnet17'.*resnet18"):
        create_backbone("resnet17", 3)
    with pytest.raises(FerlabError, match="no pretrained weights"):
        create_backbone("small", 3, pretrained=True)
    with pytest.raises(ValueError, match="feature_map"):
        SelectiveAttention(8, 4)(torch.zeros(2, 8))
