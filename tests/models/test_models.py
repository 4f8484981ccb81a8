"""The expression network: shapes, initial weights, errors."""

from __future__ import annotations

import pytest
import torch

from ferlab.models import ExpressionNetwork


def weights(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


@pytest.fixture(scope="module")
def faces() -> torch.Tensor:
    rng = torch.Generator().manual_seed(0)
    return torch.randint(256, (4, 3, 64, 64), generator=rng, dtype=torch.uint8)


@pytest.mark.parametrize("size", [32, 48, 64, 96])
@pytest.mark.parametrize(("heads", "shape"), [(1, (4, 24)), (3, (4, 3, 24))])
@pytest.mark.parametrize("channels", [1, 3])
def test_shapes(heads, shape, channels, size):
    network = ExpressionNetwork(num_classes=8, embedding_size=24, heads=heads, in_channels=channels)
    output = network(torch.randint(256, (4, channels, size, size), dtype=torch.uint8))
    assert output.embeddings.shape == shape
    assert output.logits.shape == (4, 8)
    assert output.joined_embeddings.shape == (4, heads * 24)
    assert output.embeddings.dtype == output.logits.dtype == torch.float32


def test_many_heads_give_unit_vectors_side_by_side(faces):
    output = ExpressionNetwork(7, 16, heads=5)(faces)
    torch.testing.assert_close(output.embeddings.norm(dim=-1), torch.ones(4, 5))
    for head in range(5):
        assert torch.equal(output.joined_embeddings[:, 16 * head : 16 * (head + 1)], output.embeddings[:, head])
    # The heads differ, and so do the faces.
    assert torch.pdist(output.embeddings[0]).min() > 0.1
    assert torch.pdist(output.joined_embeddings).min() > 1e-3


@pytest.mark.parametrize("heads", [1, 4])
def test_classifier_reads_the_joined_embeddings(faces, heads):
    network = ExpressionNetwork(7, 16, heads=heads)
    output = network(faces)
    torch.testing.assert_close(output.logits, network.classifier(output.joined_embeddings))


@pytest.mark.parametrize("heads", [1, 4])
def test_gradient_reaches_every_parameter(faces, heads):
    network = ExpressionNetwork(7, 16, heads=heads)
    rng = torch.Generator().manual_seed(0)
    # Blocks start as their shortcuts (a scale of zero); they learn from the second step on.
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("norm2.weight"):
                parameter.fill_(1.0)
    logits = network(faces).logits
    (logits * torch.randn(logits.shape, generator=rng)).sum().backward()
    assert [name for name, value in network.named_parameters() if not (value.grad.abs().max() > 0)] == []


def test_same_seed_same_weights_and_another_seed_others():
    first, same, other = (weights(ExpressionNetwork(7, 16, seed=seed)) for seed in (3, 3, 4))
    assert first.keys() == same.keys()
    assert all(torch.equal(value, same[name]) for name, value in first.items())
    for part in ("backbone.stem.1.weight", "head.linear.weight", "classifier.weight"):
        assert not torch.equal(first[part], other[part])


def test_networks_agree_where_they_can():
    one, many = weights(ExpressionNetwork(7, 16, seed=5)), weights(ExpressionNetwork(7, 32, heads=3, seed=5))
    shared = [name for name in one if name.startswith("backbone.")]
    assert shared and all(torch.equal(one[name], many[name]) for name in shared)


def test_building_a_network_leaves_the_random_state_alone():
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    ExpressionNetwork(7, 16, seed=99)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("heads", [1, 3])
def test_settings_build_the_network_again(faces, heads):
    network = ExpressionNetwork(5, 12, heads=heads, in_channels=3, seed=8)
    network(faces)  # moves the running statistics, which a checkpoint holds too
    again = ExpressionNetwork(**network.settings)
    again.load_state_dict(network.state_dict())
    with torch.no_grad():
        expected, actual = network.eval()(faces), again.eval()(faces)
    assert torch.equal(actual.embeddings, expected.embeddings) and torch.equal(actual.logits, expected.logits)


def test_bytes_and_floating_point_grey_levels_are_the_same(faces):
    network = ExpressionNetwork(7, 16).eval()
    assert torch.equal(network(faces).logits, network(faces.float()).logits)


def test_evaluation_judges_every_face_on_its_own(faces):
    network = ExpressionNetwork(7, 16).eval()
    with torch.no_grad():
        together = network(faces).logits
        alone = torch.cat([network(face[None]).logits for face in faces])
    torch.testing.assert_close(alone, together, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    "shape", [(3, 64, 64), (2, 1, 64, 64), (2, 64, 64, 3), (2, 64, 64), (2, 4, 64, 64), (1, 2, 3, 64, 64)]
)
def test_wrong_image_shapes_are_named(shape):
    with pytest.raises(ValueError, match=r"images must have shape \(B, 3, H, W\), but have \(" + str(shape)[1:-1]):
        ExpressionNetwork(7, 16)(torch.zeros(shape))


def test_no_heads_are_refused():
    with pytest.raises(ValueError, match="heads must be at least 1"):
        ExpressionNetwork(7, 16, heads=0)


@pytest.mark.parametrize(
    ("shape", "says"), [((2, 3, 63, 64), "even height and width"), ((0, 3, 64, 64), "shape"), ((2, 64, 64), "shape")]
)
def test_image_sizes_that_cannot_be_are_one_sentence(shape, says):
    with pytest.raises(ValueError, match=says):
        ExpressionNetwork(7).eval()(torch.zeros(shape))


@pytest.mark.parametrize("argument", [{"num_classes": 0}, {"embedding_size": 0}, {"heads": 0}])
def test_sizes_of_nothing_are_refused(argument):
    with pytest.raises(ValueError, match=next(iter(argument))):
        ExpressionNetwork(**({"num_classes": 7} | argument))


def test_faces_are_scaled_for_a_backbone_that_wants_large_ones():
    faces = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    network = ExpressionNetwork(7, 16, backbone="resnet18", attention=("pixel",), input_size=96).eval()
    scaled = torch.nn.functional.interpolate(faces.float(), (96, 96), mode="bilinear")
    with torch.no_grad():
        small, large = network(faces), network(scaled)
    assert small.pixel_attention.shape[-2:] == (3, 3)
    assert torch.allclose(small.logits, large.logits, atol=1e-4)
    assert ExpressionNetwork(**network.settings).input_size == 96
    with pytest.raises(ValueError, match="input_size"):
        ExpressionNetwork(7, input_size=-1)
