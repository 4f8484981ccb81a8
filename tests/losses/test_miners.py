"""A miner's tuple, and the trainers of pytorch-metric-learning, with the losses of ferlab."""

from __future__ import annotations

import pytest
import torch
from pytorch_metric_learning.losses import TripletMarginLoss
from pytorch_metric_learning.miners import BatchHardMiner, MultiSimilarityMiner
from pytorch_metric_learning.trainers import MetricLossOnly, TrainWithClassifier
from torch import nn
from torch.utils.data import TensorDataset

from ferlab.losses import AdCorreLoss, CenterLoss, DistributedLoss, PmlLoss, TripletCenterLoss
from ferlab.samplers import PredictedNegative


@pytest.fixture
def batch():
    rng = torch.Generator().manual_seed(0)
    return torch.randn(8, 4, generator=rng), torch.arange(8) % 3


CENTERED = {"tcl": TripletCenterLoss(3, 4, margin=20.0), "center": CenterLoss(3, 4)}
TRIPLETS = tuple(torch.tensor(places) for places in ([0, 0, 1], [3, 6, 4], [1, 1, 0]))
COUNTS = torch.tensor([3.0, 3, 0, 1, 1, 0, 1, 0]) / 3  # how often each is in there, the most frequent one once


@pytest.mark.parametrize("name", CENTERED)
@pytest.mark.parametrize("tuple_of", [TRIPLETS, (*TRIPLETS[:2], TRIPLETS[2], torch.tensor([], dtype=torch.int64))])
def test_a_sample_counts_as_often_as_it_was_mined(batch, name, tuple_of):
    embeddings, labels = batch
    loss = CENTERED[name]
    singly = torch.stack([loss(embeddings[i : i + 1], labels[i : i + 1]) for i in range(8)])
    mined = loss(embeddings, labels, tuple_of)
    kept = singly * COUNTS
    torch.testing.assert_close(mined, loss.reducer({"loss": {
        "losses": kept, "indices": torch.arange(8), "reduction_type": "element"}}, embeddings, labels))  # fmt: skip
    torch.testing.assert_close(loss(embeddings, labels, indices_tuple=tuple_of), mined)
    assert mined < loss(embeddings, labels)


def test_logits_and_a_tuple_go_together_by_name(batch):
    embeddings, labels = batch
    loss = TripletCenterLoss(3, 4, margin=20.0, negatives=PredictedNegative())
    logits = torch.randn(8, 3)
    assert 0 < loss(embeddings, labels, logits, indices_tuple=TRIPLETS) < loss(embeddings, labels, logits)


NOT_MINED = {
    "two": (TRIPLETS[:2], "what a miner answers, three or four tensors .* a tuple of 2"),
    "lists": (([0], [1], [2]), "what a miner answers.*list, list, list"),
    "floats": ((torch.zeros(1),) * 3, "what a miner answers"),
    "truths": ((torch.ones(8, dtype=torch.bool),) * 3, "what a miner answers"),
    "beyond": ((torch.tensor([8]),) * 3, "places 0..7 of the batch, but reaches from 8 to 8"),
    "before": ((torch.tensor([-1]),) * 3, "places 0..7 of the batch, but reaches from -1"),
}


@pytest.mark.parametrize("given", NOT_MINED)
@pytest.mark.parametrize("name", CENTERED)
def test_what_no_miner_answers_is_refused_by_its_name(batch, name, given):
    value, words = NOT_MINED[given]
    with pytest.raises(ValueError, match=f"indices_tuple must .*{words}"):
        CENTERED[name](*batch, value)


def test_two_tuples_are_refused(batch):
    with pytest.raises(ValueError, match="indices_tuple must be given once"):
        CENTERED["tcl"](*batch, TRIPLETS, indices_tuple=TRIPLETS)


def test_ad_corre_refuses_a_tuple_by_its_name(batch):
    loss = AdCorreLoss(3)
    for arguments, named in (((*batch, TRIPLETS), {}), (batch, {"indices_tuple": TRIPLETS})):
        with pytest.raises(
            ValueError, match="indices_tuple must be None: Ad-Corre compares all pairs .* the miner out"
        ):
            loss(*arguments, **named)


@pytest.mark.parametrize("name", CENTERED)
def test_references_are_refused_by_their_name(batch, name):
    loss = CENTERED[name]
    for refer in (lambda: loss(*batch, ref_emb=batch[0]), lambda: loss(*batch, None, *batch)):
        with pytest.raises(ValueError, match="ref_emb and ref_labels must be None"):
            refer()


def test_a_wrapped_loss_of_the_library_gets_its_tuple_and_references(batch):
    theirs = TripletMarginLoss()
    ours = PmlLoss(theirs)
    mined = BatchHardMiner()(*batch)
    assert torch.equal(ours(*batch, mined), theirs(*batch, mined)) and ours(*batch, mined) != ours(*batch)
    other = torch.randn(5, 4, dtype=torch.bfloat16), torch.arange(5) % 3
    expected = theirs(*batch, None, other[0].float(), other[1])
    torch.testing.assert_close(ours(*batch, None, *other), expected)


def test_several_processes_refuse_a_tuple(batch, monkeypatch):
    loss = DistributedLoss(CENTERED["tcl"])
    assert torch.equal(loss(*batch, TRIPLETS), CENTERED["tcl"](*batch, TRIPLETS))
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 2)
    with pytest.raises(ValueError, match="indices_tuple must be None with several processes"):
        loss(*batch, TRIPLETS)


class Heads(nn.Module):
    """(B, 6) to (B, 2, 4)."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(6, 8)

    def forward(self, x):
        return self.linear(x).unflatten(1, (2, 4))


@pytest.mark.parametrize(
    ("loss", "embedder", "miner"),
    [
        (TripletCenterLoss(3, 4), nn.Linear(6, 4), None),
        (TripletCenterLoss(3, 4), nn.Linear(6, 4), MultiSimilarityMiner()),
        (CenterLoss(3, 4), nn.Linear(6, 4), BatchHardMiner()),
        (AdCorreLoss(3), nn.Linear(6, 4), None),
        (AdCorreLoss(3), Heads(), None),
    ],
    ids=["tcl", "tcl, mined", "center, mined", "ad-corre", "ad-corre, heads"],
)
@pytest.mark.parametrize("with_classifier", [False, True])
def test_the_trainers_of_the_library_train(loss, embedder, miner, with_classifier):
    if with_classifier and isinstance(embedder, Heads):
        pytest.skip("a linear classifier reads one vector a face")
    torch.manual_seed(0)
    models = {"trunk": nn.Identity(), "embedder": embedder}
    losses = {"metric_loss": loss}
    if with_classifier:
        models["classifier"] = nn.Linear(4, 3)
        losses["classifier_loss"] = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD([p for part in (*models.values(), loss) for p in part.parameters()], lr=0.1)
    before = [parameter.detach().clone() for parameter in embedder.parameters()]
    trainer = (TrainWithClassifier if with_classifier else MetricLossOnly)(
        models=models,
        optimizers={"embedder_optimizer": optimizer},
        batch_size=12,
        loss_funcs=losses,
        mining_funcs={} if miner is None else {"tuple_miner": miner},
        dataset=TensorDataset(torch.randn(24, 6), torch.arange(24) % 3),
        data_device="cpu",
        dataloader_num_workers=0,
    )
    trainer.train(num_epochs=1)
    assert any(not torch.equal(old, new) for old, new in zip(before, embedder.parameters(), strict=True))
    assert all(parameter.isfinite().all() for parameter in (*embedder.parameters(), *loss.parameters()))
