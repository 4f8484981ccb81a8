"""A split batch on two processes against the whole batch on one, with real processes (gloo)."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as processes
from torch.nn.parallel import DistributedDataParallel

from ferlab.losses import AdCorreLoss, CenterLoss, DistributedLoss, JointLoss, TripletCenterLoss
from ferlab.samplers import FullySynthesizedNegative, NearestNegative, PredictedNegative, SemiSynthesizedNegative

WORLD, BATCH, CLASSES, HEADS, SIZE = 2, 12, 5, 3, 8
LOSSES = {
    "center": lambda: CenterLoss(CLASSES, HEADS * SIZE),
    "nearest": lambda: TripletCenterLoss(CLASSES, HEADS * SIZE, 30.0, NearestNegative()),
    "fully": lambda: TripletCenterLoss(CLASSES, HEADS * SIZE, 30.0, FullySynthesizedNegative()),
    "semi": lambda: TripletCenterLoss(CLASSES, HEADS * SIZE, 30.0, SemiSynthesizedNegative()),
    "predicted": lambda: TripletCenterLoss(CLASSES, HEADS * SIZE, 30.0, PredictedNegative()),
    "moving-average": lambda: TripletCenterLoss(CLASSES, HEADS * SIZE, 30.0, center_momentum=0.7),
    "ad-corre": lambda: AdCorreLoss(CLASSES, window=20),
}


class Network(torch.nn.Module):
    """Embeddings and logits from a linear map; batch-independent, so that splitting changes nothing by itself."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.embed = torch.nn.Linear(6, HEADS * SIZE)
        self.classify = torch.nn.Linear(HEADS * SIZE, CLASSES)

    def forward(self, inputs):
        embeddings = self.embed(inputs)
        logits = self.classify(embeddings)
        return embeddings.unflatten(1, (self.heads, -1)) if self.heads > 1 else embeddings, logits


def build(name: str) -> tuple[Network, JointLoss]:
    torch.manual_seed(0)
    network = Network(HEADS if name == "ad-corre" else 1).double()
    return network, JointLoss(CLASSES, LOSSES[name](), metric_weight=0.3).double()


def batches() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    return torch.randn(2, BATCH, 6, dtype=torch.float64), torch.randint(CLASSES, (2, BATCH))


def two_steps(network, loss, inputs, labels) -> dict:
    """Two steps of SGD on network and loss: values, gradients of the last one, and the state that results."""
    optimizer = torch.optim.SGD([*network.parameters(), *loss.parameters()], lr=0.05)
    values = []
    for x, y in zip(inputs, labels, strict=True):
        embeddings, logits = network(x)
        output = loss(logits, y, embeddings)
        optimizer.zero_grad()
        output.total.backward()
        optimizer.step()
        values.append(output.total.item())
    gradients = [p.grad.clone() for p in [*network.parameters(), *loss.parameters()] if p.grad is not None]
    return {"values": values, "gradients": gradients, "loss": copy.deepcopy(loss.state_dict())}


def one_process(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=WORLD)
    inputs, labels = batches()
    share = slice(rank * BATCH // WORLD, (rank + 1) * BATCH // WORLD)
    results = {}
    for name in LOSSES:
        network, loss = build(name)
        results[name] = two_steps(
            DistributedDataParallel(network), DistributedLoss(loss), inputs[:, share], labels[:, share]
        )
    torch.save(results, f"{folder}/{rank}.pt")
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def split_results(tmp_path_factory) -> list[dict]:
    folder = tmp_path_factory.mktemp("gloo")
    processes.spawn(one_process, args=(str(folder),), nprocs=WORLD)
    return [torch.load(Path(folder) / f"{rank}.pt", weights_only=True) for rank in range(WORLD)]


@pytest.mark.parametrize("name", LOSSES)
def test_split_batch_has_value_gradients_and_state_of_the_whole(name, split_results):
    whole = two_steps(*build(name), *batches())
    for share in split_results:
        torch.testing.assert_close(share[name]["values"], whole["values"], rtol=1e-10, atol=0)
        torch.testing.assert_close(share[name]["gradients"], whole["gradients"], rtol=1e-9, atol=1e-12)
        for key, value in whole["loss"].items():
            torch.testing.assert_close(share[name]["loss"][f"loss.{key}"], value, rtol=1e-9, atol=1e-12)


def test_without_processes_the_loss_is_computed_as_it_is():
    network, loss = build("nearest")
    inputs, labels = batches()
    embeddings, logits = network(inputs[0])
    alone = DistributedLoss(loss)(logits, labels[0], embeddings=embeddings)
    assert torch.equal(alone.total, loss(logits, labels[0], embeddings).total)
