"""The loop: repeats, shares weights and data order between methods, switches losses on, stops on bad numbers."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from tiny import tiny_faces

from ferlab.data.transforms import augment
from ferlab.errors import FerlabError
from ferlab.evaluation import predict
from ferlab.losses import TripletCenterLoss
from ferlab.methods import METHODS, build_loss, get_method
from ferlab.models import ExpressionNetwork
from ferlab.runs import TrainingFolder
from ferlab.settings import Augmentation
from ferlab.training import TrainSettings, train
from ferlab.training.batching import class_weights
from ferlab.training.devices import choose_precision
from ferlab.training.loop import epochs_before_metric_loss
from ferlab.training.optimization import build_optimizer, build_schedule

SETTINGS = TrainSettings(epochs=3, batch_size=32, learning_rate=0.05, weight_decay=5e-4, precision="32-true")


def run(name: str, **changes):
    return train(METHODS[name], tiny_faces(), tiny_faces("validation", 6), dataclasses.replace(SETTINGS, **changes))


def without_time(history):
    return [{key: value for key, value in row.items() if key != "seconds"} for row in history]


@pytest.mark.parametrize("name", METHODS)
def test_every_method_learns_the_bars(name):
    result = run(name, epochs=8)
    assert result.history[-1]["ce"] < 0.75 * result.history[0]["ce"]
    assert result.history[-1]["validation_accuracy"] > 0.5
    loss = METHODS[name].loss
    extra = set() if loss is None else set(loss.part_labels)
    assert extra <= result.history[-1].keys()


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others():
    first, again, other = run("ad-corre"), run("ad-corre"), run("ad-corre", seed=1)
    assert without_time(first.history) == without_time(again.history)
    for mine, theirs in zip(first.network.parameters(), again.network.parameters(), strict=True):
        assert torch.equal(mine, theirs)
    assert first.history[0]["train_loss"] != other.history[0]["train_loss"]


def test_tcl_is_cross_entropy_until_it_is_switched_on():
    assert epochs_before_metric_loss(METHODS["tcl-nearest"], 3) == 1
    ce, tcl = run("ce"), run("tcl-nearest")
    assert without_time(ce.history[:1]) == without_time(tcl.history[:1])
    assert "tcl" not in tcl.history[0] and tcl.history[1]["tcl"] > 0
    assert tcl.history[1]["train_loss"] > tcl.history[1]["ce"]


def test_centers_start_at_the_class_means(monkeypatch):
    seen = []
    original = TripletCenterLoss.set_centers

    def spy(self, embeddings, labels):
        original(self, embeddings, labels)
        seen.append((self.centers.detach().clone(), embeddings, labels))

    monkeypatch.setattr(TripletCenterLoss, "set_centers", spy)
    run("tcl-nearest")
    [(centers, embeddings, labels)] = seen
    for c, center in enumerate(centers):
        torch.testing.assert_close(center, embeddings[labels == c].mean(dim=0), rtol=1e-4, atol=1e-5)


def test_margin_is_in_squared_distance_divided_by_the_dimension():
    method = METHODS["tcl-nearest"].changed({"embedding_size": 64, "margin": 0.5, "metric_weight": 2.0})
    joint = build_loss(method, 7)
    embeddings, labels = torch.randn(9, 64), torch.arange(9) % 7
    centers = joint.metric_loss.centers.detach()
    own = ((embeddings - centers[labels]) ** 2).mean(dim=1)
    others = ((embeddings[:, None] - centers) ** 2).mean(dim=2)
    others[torch.arange(9), labels] = torch.inf
    expected = 2.0 * torch.relu(own + 0.5 - others.amin(dim=1)).mean()
    logits = torch.randn(9, 7)
    ce = torch.nn.functional.cross_entropy(logits, labels)
    torch.testing.assert_close(joint(logits, labels, embeddings).total, ce + expected)


def test_training_does_not_disturb_the_numbers_of_validation():
    network = run("ce").network
    images = tiny_faces("validation", 6).images
    one, many = predict(network, images, batch_size=5), predict(network, images, batch_size=512)
    np.testing.assert_allclose(one.embeddings, many.embeddings, atol=1e-4)
    np.testing.assert_allclose(one.probabilities.sum(axis=1), 1, atol=1e-5)


def test_a_saved_network_gives_the_same_embeddings(tmp_path):
    network = run("ad-corre").network
    folder = TrainingFolder(tmp_path, "ad-corre", 0)
    folder.save_network(network, tuple("abcdefg"), image_size=32)
    loaded, classes, size = folder.load_network()
    images = tiny_faces("validation", 3).images
    np.testing.assert_array_equal(predict(network, images).embeddings, predict(loaded, images).embeddings)
    assert classes == tuple("abcdefg") and size == 32


@pytest.mark.parametrize("damage", ["missing", "truncated", "json"])
def test_a_damaged_network_file_is_one_sentence(tmp_path, damage):
    folder = TrainingFolder(tmp_path, "ce", 0)
    folder.save_network(ExpressionNetwork(2), ("a", "b"), image_size=32)
    file = tmp_path / "model.safetensors"
    if damage == "missing":
        file.unlink()
    elif damage == "truncated":
        file.write_bytes(file.read_bytes()[:1000])
    else:
        (tmp_path / "model.json").write_text("{")
    with pytest.raises(FerlabError, match="restore it from a copy"):
        folder.load_network()


def test_too_few_images_for_a_batch():
    with pytest.raises(FerlabError, match="fewer than one batch of 512"):
        run("ce", batch_size=512)


def test_a_class_without_training_faces_is_named():
    faces = tiny_faces()
    with pytest.raises(FerlabError, match="no training images of fear"):
        train(METHODS["ce"], faces.subset(faces.labels != 1), tiny_faces("validation", 6), SETTINGS)


def test_a_data_set_without_validation_faces_is_refused():
    with pytest.raises(FerlabError, match="no validation images"):
        train(METHODS["ce"], tiny_faces(), tiny_faces("validation", 6).subset(np.array([], dtype=int)), SETTINGS)


def test_balanced_class_weights_make_every_class_weigh_the_same():
    faces = tiny_faces()
    few = faces.subset(np.sort(np.concatenate([np.flatnonzero(faces.labels == c)[: 3 * c + 2] for c in range(7)])))
    weights = class_weights(few, dataclasses.replace(SETTINGS, class_weights="balanced"))
    totals = weights.numpy() * np.bincount(few.labels)
    np.testing.assert_allclose(totals, len(few) / 7, rtol=1e-6)
    assert class_weights(few, SETTINGS) is None


@pytest.mark.parametrize(("schedule", "peak"), [("one-cycle", 0.3), ("cosine", 0.25)])
def test_learning_rates_rise_to_the_peak_and_fall(schedule, peak):
    settings = dataclasses.replace(SETTINGS, epochs=4, schedule=schedule, warm_up=1.0).completed(0.07, 0.0017)
    network, objective = torch.nn.Linear(2, 2), build_loss(METHODS["tcl-nearest"], 7)
    optimizer = build_optimizer(network, objective, settings)
    steps = build_schedule(optimizer, settings, steps_per_epoch=10)
    rates = []
    for _ in range(40):
        rates.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        steps.step()
    network_rates, kernel_rates, center_rates = np.array(rates).T
    np.testing.assert_array_equal(kernel_rates, network_rates)
    assert network_rates.max() == pytest.approx(settings.learning_rate, rel=1e-3)
    assert abs(network_rates.argmax() / 40 - peak) < 0.05 and network_rates[-1] < 0.02 * settings.learning_rate
    np.testing.assert_allclose(center_rates, 128 * network_rates, rtol=1e-6)


def test_a_loss_that_explodes_stops_the_training():
    with pytest.raises(FerlabError, match="epoch 1, batch 2.*smaller learning rate"):
        run("ce", learning_rate=1e30)


def test_unknown_method_names_the_known_ones():
    with pytest.raises(FerlabError, match="tcl-nearest"):
        get_method("triplet")


def test_precision_is_chosen_by_what_the_processor_computes_in(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for capabilities, expected in (({"avx512_bf16": True}, "bf16-mixed"), ({"avx2": True}, "32-true")):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda c=capabilities: c)
        assert choose_precision() == expected
    assert choose_precision("16-mixed") == "16-mixed"


def test_augmentation_off_changes_nothing():
    images = torch.from_numpy(tiny_faces().images[:4]).permute(0, 3, 1, 2)
    same = augment(images, Augmentation(0, 0, 0, 0, 0, 0), torch.Generator().manual_seed(0))
    torch.testing.assert_close(same, images.float(), atol=1e-3, rtol=0)


def test_augmentation_mirrors_and_repeats():
    images = torch.from_numpy(tiny_faces().images[:4]).permute(0, 3, 1, 2)
    mirrored = augment(images, Augmentation(1, 0, 0, 0, 0, 0), torch.Generator().manual_seed(0))
    torch.testing.assert_close(mirrored, images.flip(3).float(), atol=1e-3, rtol=0)
    first, again, other = (augment(images, Augmentation(), torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
    changes = (first - images).abs().mean(dim=(1, 2, 3))
    assert len(changes.unique()) == 4, "every face has its own random numbers"


def test_an_ablation_switches_terms_off():
    generator = torch.Generator().manual_seed(0)
    embeddings, labels = torch.randn(16, 7, 64, generator=generator), torch.arange(16) % 7
    logits = torch.zeros(16, 7)
    totals = {}
    for terms in (("FD", "MD", "ED"), ("FD",), ("MD",), ("ED",)):
        method = dataclasses.replace(METHODS["ad-corre"], options={"terms": terms}, metric_weight=1.0)
        output = build_loss(method, 7)(logits, labels, embeddings)
        totals[terms] = float(output.total - output.parts["ce"])
    alone = sum(value for terms, value in totals.items() if len(terms) == 1)
    assert alone == pytest.approx(totals["FD", "MD", "ED"], rel=1e-5)
    for terms in ((), ("FD", "XD")):
        with pytest.raises(FerlabError, match="FD, MD, ED"):
            build_loss(dataclasses.replace(METHODS["ad-corre"], options={"terms": terms}), 7)


def test_another_backbone_and_a_larger_input():
    result = run("ce", epochs=1, backbone="resnet18", input_size=40)
    assert result.network.settings["backbone"] == "resnet18" and result.network.input_size == 40
    with pytest.raises(FerlabError, match="no backbone"):
        run("ce", epochs=1, backbone="resnet-18")
