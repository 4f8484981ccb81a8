"""Figures of spaces: distances and correlations are those of the embeddings, attention is that of the network."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest
import torch
from tiny import tiny_faces

from ferlab.data.classes import CLASSES
from ferlab.errors import FerlabError
from ferlab.figures import (
    attention_maps,
    attention_overlays,
    correlation_matrices,
    embedding_correlations,
    mean_correlations,
    pair_distance_distributions,
)
from ferlab.figures.spaces import closer_share
from ferlab.models import ExpressionNetwork

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    matplotlib.pyplot.close("all")


@pytest.fixture
def space():
    rng = np.random.default_rng(0)
    labels = np.arange(140) % 7
    return rng.normal(size=(7, 12))[labels] + 0.5 * rng.normal(size=(140, 12)), labels


def test_pairs_of_one_class_are_closer(space):
    embeddings, labels = space
    rng = np.random.default_rng(1)
    noise = rng.normal(size=(140, 5))
    axes = pair_distance_distributions({"ce": noise, "ad-corre": 100 * embeddings}, labels)
    shares = [float(ax.texts[0].get_text().split()[1]) for ax in axes]
    assert 0.4 < shares[0] < 0.6 and shares[1] > 0.9
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    distances = np.linalg.norm(unit[:, None] - unit[None], axis=2)
    rows, columns = np.triu_indices(140, k=1)
    expected = closer_share(distances[rows, columns], labels[rows] == labels[columns])
    assert shares[1] == pytest.approx(expected, abs=6e-4)
    for ax in axes:
        areas = [np.abs(np.trapezoid(*polygon.get_xy().T[::-1])) for polygon in ax.patches]
        np.testing.assert_allclose(areas, 1, atol=0.05)


def test_pairs_need_two_classes():
    with pytest.raises(FerlabError, match="different classes"):
        pair_distance_distributions({"ce": np.ones((5, 2))}, np.zeros(5, int))
    with pytest.raises(FerlabError, match="one row for every label"):
        pair_distance_distributions({"ce": np.ones((5, 2))}, np.zeros(4, int))


def test_correlations_of_class_means(space):
    embeddings, labels = space
    ax = mean_correlations(embeddings, labels, CLASSES)
    expected = np.corrcoef([embeddings[labels == k].mean(axis=0) for k in range(7)])
    np.testing.assert_allclose(ax.collections[0].get_array().reshape(7, 7), expected, atol=1e-9)
    assert ax.texts[1].get_text() == f"{expected[0, 1]:.2f}".replace("-", "−")


def test_a_class_without_faces_has_no_correlation(space):
    embeddings, labels = space
    ax = mean_correlations(embeddings[labels != 2], labels[labels != 2], CLASSES)
    texts = np.array([text.get_text() for text in ax.texts])
    assert len(texts) in (36, 49) and (texts != "").sum() == 36
    ax = embedding_correlations(embeddings[labels != 2], labels[labels != 2], CLASSES)
    assert [label.get_text() for label in ax.get_yticklabels()] == [name for name in CLASSES if name != CLASSES[2]]


def test_correlations_are_sorted_by_class(space):
    embeddings, labels = space
    ax = embedding_correlations(embeddings, labels, CLASSES)
    matrix = np.asarray(ax.images[0].get_array())
    order = np.argsort(labels, kind="stable")
    np.testing.assert_allclose(matrix, np.corrcoef(embeddings[order]), atol=1e-9)
    within = np.kron(np.eye(7), np.ones((20, 20))).astype(bool)
    assert matrix[within].mean() > matrix[~within].mean() + 0.5


def test_matrices_of_several_methods(space):
    embeddings, labels = space
    axes = correlation_matrices({"ce": embeddings, "ad-corre": embeddings[:, :6]}, labels, CLASSES)
    assert axes.shape == (2, 2) and axes[0, 1].get_title(loc="left") == "CE + Ad-Corre"
    with pytest.raises(FerlabError, match="labels"):
        mean_correlations(embeddings, labels[:5], CLASSES)


def test_attention_is_the_networks_own():
    faces = tiny_faces(per_class=1)
    network = ExpressionNetwork(7, 16, attention=("pixel",))
    even = attention_maps(network, faces.images)
    np.testing.assert_allclose(even, 1, atol=1e-6)  # it starts even
    with torch.no_grad():
        for parameter in network.attention.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0))
    maps = attention_maps(network, faces.images)
    np.testing.assert_allclose(maps.mean(axis=(1, 2)), 1, atol=1e-5)
    assert maps.std() > 0.01 and network.training
    with torch.no_grad():
        gates = network.eval()(torch.from_numpy(faces.images).permute(0, 3, 1, 2)).pixel_attention[:, 0].numpy()
    np.testing.assert_allclose(maps, gates / gates.mean(axis=(1, 2), keepdims=True), rtol=1e-5)

    axes = attention_overlays({"ce+attention": maps}, faces.images, faces.labels, faces.classes)
    assert axes.shape == (2, 7)
    np.testing.assert_array_equal(axes[0, 3].images[0].get_array(), faces.images[3])
    np.testing.assert_array_equal(axes[1, 3].images[1].get_array(), maps[3])
    assert axes[0, 3].get_title() == faces.classes[faces.labels[3]]


def test_attention_of_a_network_without_it():
    faces = tiny_faces(per_class=1)
    with pytest.raises(FerlabError, match="no pixel-wise attention"):
        attention_maps(ExpressionNetwork(7, 16), faces.images)
    with pytest.raises(FerlabError, match="one map for every face"):
        attention_overlays({"a": np.ones((2, 4, 4))}, faces.images, faces.labels, faces.classes)
