"""The page shows the spaces with the losses' own eyes, on one scale, and says what it cannot show."""

from __future__ import annotations

import base64
import json

import numpy as np
import pandas as pd
import pytest
from fake_run import METHODS, change_summary, fake_faces, payload, replace_spaces, shaped_spaces, write_fake_run

from ferlab.projection import (
    class_mean_epoch_planes,
    face_correlations,
    open_hinges,
    pair_histograms,
    split_heads,
    triplet_plane,
)
from ferlab.projection.captions import CAPTIONS
from ferlab.report import write_report

HEADS = 7


def page(run_dir, faces) -> dict:
    return payload(write_report(run_dir, faces).read_text(encoding="utf-8"))


def places(view: dict, method: str) -> np.ndarray:
    """(N, 2), as report.js reads them."""
    codes = np.frombuffer(base64.b64decode(view["places"][method]), dtype="<u2").reshape(-1, 2)
    return np.array(view["low"]) + codes / 65535 * np.array(view["span"])


def spaces_of(run_dir) -> dict[str, np.ndarray]:
    rows = pd.read_parquet(run_dir / "embeddings.parquet")
    return {name: np.stack(own.sort_values("index")["embedding"]) for name, own in rows.groupby("method", sort=False)}


@pytest.fixture(scope="module")
def shaped(shaped_dir, faces) -> dict:
    return page(shaped_dir, faces)


def test_the_losses_eyes_come_first_each_with_what_it_can_show(shaped):
    assert [view["key"] for view in shaped["views"]] == ["triplet", "class-means", "umap"]
    assert [view["caption"] for view in shaped["views"]] == [CAPTIONS[view["key"]] for view in shaped["views"]]
    assert shaped["no_others"] == "" and all(set(view["places"]) == set(METHODS) for view in shaped["views"])


def test_places_are_those_of_the_projections_on_one_scale(shaped, shaped_dir, faces):
    triplet, means, umap = shaped["views"]
    spaces = spaces_of(shaped_dir)
    turned = class_mean_epoch_planes({name: [space] for name, space in spaces.items()}, faces.labels)
    rows = pd.read_parquet(shaped_dir / "embeddings.parquet")
    for name, space in spaces.items():
        plane = triplet_plane(space, faces.labels)
        np.testing.assert_allclose(places(triplet, name), np.sqrt(plane), atol=2e-4 * triplet["reach"])
        np.testing.assert_allclose(places(means, name), turned[name][0], atol=2e-4 * means["reach"])
        own = rows[rows["method"] == name].sort_values("index")[["x", "y"]]
        np.testing.assert_allclose(places(umap, name), own, atol=2e-4 * umap["reach"])
        assert triplet["notes"][name] == f"hinge open: {100 * open_hinges(plane, triplet['hinge']):.0f} %"
    for view in (triplet, means, umap):
        for name in METHODS:
            inside = np.abs(places(view, name) - view["middle"]).max(axis=1) <= view["reach"]
            assert inside.mean() > 0.98, "one frame holds nearly all faces of every space"
    tighter, usual = (np.median(places(triplet, name)[:, 0]) for name in ("tcl-nearest", "ce"))
    assert tighter < 0.7 * usual, "what a loss did is seen"


def test_a_space_that_cannot_be_drawn_leaves_the_others(tmp_path, faces):
    run_dir = write_fake_run(tmp_path / "run", faces)
    spaces = shaped_spaces(faces.labels)
    spaces["tcl-nearest"][:] = 1.0  # all means coincide
    spaces["ad-corre"][3] = np.nan
    replace_spaces(run_dir, spaces)
    data = page(run_dir, faces)
    triplet, means, umap = data["views"]
    assert "did the training diverge" in triplet["missing"]["ad-corre"] and "ad-corre" not in means["places"]
    assert "class means coincide" in means["missing"]["tcl-nearest"] and "tcl-nearest" in triplet["places"]
    assert set(umap["places"]) == set(METHODS) and list(data["correlations"]["methods"]) == ["ce-heads"]


def test_a_space_many_times_as_large_does_not_shrink_the_class_means_of_the_others(tmp_path, faces):
    run_dir = write_fake_run(tmp_path / "run", faces)
    spaces = shaped_spaces(faces.labels)
    spaces["tcl-nearest"] = np.random.default_rng(0).normal(size=(len(faces), 8))  # no classes
    replace_spaces(run_dir, spaces)
    means = page(run_dir, faces)["views"][1]
    assert np.abs(places(means, "tcl-nearest")).max() > 2 * means["reach"] and means["reach"] < 2


def test_one_class_and_no_embeddings_leave_the_maps_with_a_sentence(tmp_path):
    faces = fake_faces(60)
    run_dir = write_fake_run(tmp_path / "one", faces)
    rows = pd.read_parquet(run_dir / "embeddings.parquet")
    rows.loc[rows["label"] != 2, ["x", "y"]] = np.nan  # not on the maps
    rows.to_parquet(run_dir / "embeddings.parquet")
    data = page(run_dir, faces)
    assert [view["key"] for view in data["views"]] == ["umap"] and "one class" in data["no_others"]
    run_dir = write_fake_run(tmp_path / "none", faces)
    pd.read_parquet(run_dir / "embeddings.parquet").drop(columns="embedding").to_parquet(run_dir / "embeddings.parquet")
    text = write_report(run_dir, faces).read_text(encoding="utf-8")
    data = payload(text)
    assert [view["key"] for view in data["views"]] == ["umap"] and data["correlations"] is None
    assert f'<p class="hint">{data["no_others"]}</p>' in text and "holds no embeddings" in data["no_others"]


def test_embeddings_of_two_numbers_are_seen_as_they_are_and_on_tcls_plane(tmp_path, faces):
    run_dir = write_fake_run(tmp_path / "run", faces, methods=("ce", "my-loss"))
    flat = {"ce": shaped_spaces(faces.labels)["ce"][:, :2]}
    replace_spaces(run_dir, flat | {"my-loss": 2 * flat["ce"]})
    data = page(run_dir, faces)
    assert [view["key"] for view in data["views"]] == ["embedding", "triplet"]
    assert set(data["views"][1]["places"]) == {"ce", "my-loss"}, "a foreign loss is measured as well"


def test_ad_corres_picture_is_that_of_the_faces_sorted_by_class(shaped, shaped_dir, faces):
    picture = shaped["correlations"]
    assert picture["shown"] == ["ce-heads", "ad-corre"] and list(picture["methods"]) == ["ad-corre", "ce-heads"]
    order = picture["faces"]
    assert 100 < len(order) <= 140 and len(set(order)) == len(order)
    assert (np.diff(faces.labels[order]) >= 0).all()
    for name, found in picture["methods"].items():
        vectors = split_heads(spaces_of(shaped_dir)[name], HEADS)
        cells = np.frombuffer(base64.b64decode(found["cells"]), dtype=np.uint8).reshape(len(order), len(order))
        np.testing.assert_allclose(cells / 127.5 - 1, face_correlations(vectors[order]), atol=1 / 250)
        everyone = np.argsort(faces.labels, kind="stable")  # all fit
        pairs = pair_histograms(face_correlations(vectors[everyone]), faces.labels[everyone], 60)
        np.testing.assert_allclose(found["same"], pairs.same, atol=1e-3)
        assert found["other_mean"] == pytest.approx(pairs.other_mean, abs=1e-3)
        assert np.shape(found["heads"]) == (HEADS, HEADS) and max(found["same"] + found["other"]) <= picture["top"]
    assert picture["methods"]["ad-corre"]["same_mean"] > picture["methods"]["ce-heads"]["same_mean"]


def test_a_run_without_heads_has_no_correlations(run_dir, faces):
    text = write_report(run_dir, faces).read_text(encoding="utf-8")
    assert payload(text)["correlations"] is None and 'id="correlations"' not in text and 'id="pairs"' not in text


def test_of_several_strengths_the_largest_whole_one_is_shown_first(tmp_path, faces):
    methods = ("ce", "tcl-nearest@1", "tcl-nearest@4", "tcl-nearest@16")
    run_dir = write_fake_run(tmp_path / "run", faces, methods=methods)
    doses = {"strengths": [0, 1, 4, 16], "methods": list(methods), "default": 1, "breaks_at": 16, "measures": {}}
    doses["measures"] = {"train": {}, "test": {}}
    change_summary(run_dir, lambda summary: summary.update(doses={"tcl-nearest": doses}))
    assert page(run_dir, faces)["panels"] == ["ce", "tcl-nearest@4", "tcl-nearest@1"]


def test_the_views_of_a_full_report_stay_small(tmp_path):
    """The built-in test split's size: what the other views add to the maps is a part of a megabyte."""
    faces = fake_faces(2400)
    run_dir = write_fake_run(tmp_path / "run", faces)
    replace_spaces(run_dir, shaped_spaces(faces.labels))
    data = page(run_dir, faces)
    assert len(json.dumps([data["views"], data["correlations"]])) < 300_000
