"""Speed and memory of the losses, side by side in one run with plain forms, pytorch-metric-learning and cross-entropy.

    python benchmarks/losses.py            # everything, about ten minutes on two cores
    python benchmarks/losses.py --only ad-corre

Every figure is forward and backward. Rivals run in turn, A B A B ..., and their ratio is the median over the turns, so
that it holds when the machine's speed drifts. Peak memory is what a fresh process allocates above what it held before
the first call.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import re
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from pytorch_metric_learning.losses import TripletMarginLoss

from ferlab.losses import AdCorreLoss, CenterLoss, TripletCenterLoss
from ferlab.losses.ad_corre import standardise
from ferlab.methods import ALL_METHODS, METHODS, build_loss
from ferlab.models import ExpressionNetwork
from ferlab.samplers import FullySynthesizedNegative, NearestNegative, PredictedNegative, SemiSynthesizedNegative

SAMPLERS = {
    "nearest": NearestNegative(),
    "fully-synthesized": FullySynthesizedNegative(),
    "semi-synthesized": SemiSynthesizedNegative(),
    "predicted": PredictedNegative(),
}
Step = Callable[[], None]


def ad_corre(batch: int, heads: int = 7, dim: int = 256, classes: int = 7) -> Step:
    loss, embeddings, labels, logits = AdCorreLoss(classes), *data(batch, (heads, dim), classes)
    return lambda: backward(loss(embeddings, labels, logits=logits), embeddings)


def ad_corre_pairwise(batch: int, heads: int = 7, dim: int = 256, classes: int = 7) -> Step:
    """The definitions as they stand: all B x B correlations of a head, K x K of the means, k x k of a face."""
    loss, embeddings, labels, logits = AdCorreLoss(classes), *data(batch, (heads, dim), classes)

    def step() -> None:
        loss.confusion.update(labels, logits.argmax(dim=1))
        difficulty = 1 - loss.confusion.matrix().diagonal()[labels]
        z = standardise(embeddings)
        omega = torch.where(labels[:, None] == labels, 1.0, -1.0)
        weights = 1 + difficulty[:, None] + difficulty
        weights.fill_diagonal_(0)
        correlations = torch.einsum("ihd,jhd->hij", z, z)
        fd = (weights * (omega - correlations).abs()).mean()
        present = labels.unique()
        means = standardise(torch.stack([embeddings[labels == c].mean(dim=0) for c in present], dim=1))
        md = ((1 + means @ means.transpose(1, 2)) * (1 - torch.eye(len(present)))).mean()
        ed = ((1 + z @ z.transpose(1, 2)) * (1 - torch.eye(heads))).mean()
        backward(fd + md + ed, embeddings)

    return step


def tcl(batch: int, classes: int, sampler: str, dim: int = 128) -> Step:
    embeddings, labels, logits = data(batch, (dim,), classes)
    loss = TripletCenterLoss(classes, dim, margin=float(dim), negatives=SAMPLERS[sampler])
    return lambda: backward(loss(embeddings, labels, logits=logits), embeddings)


def fully_synthesized_naive(batch: int, classes: int, dim: int = 128) -> Step:
    """Every embedding against every center in every dimension: a (B, K, D) tensor."""
    embeddings, labels, _ = data(batch, (dim,), classes)
    centers = torch.nn.Parameter(TripletCenterLoss(classes, dim).centers.detach().clone())

    def step() -> None:
        gaps = (embeddings.detach()[:, None] - centers.detach()).abs()
        gaps[torch.arange(batch), labels] = torch.inf
        negative = centers.gather(0, gaps.argmin(dim=1))
        to_own = (embeddings - centers[labels]).square().sum(dim=1)
        to_negative = (embeddings - negative).square().sum(dim=1)
        backward(torch.relu(to_own + dim - to_negative).mean(), embeddings)

    return step


def center(batch: int, classes: int, dim: int = 128) -> Step:
    loss, embeddings, labels, _ = CenterLoss(classes, dim), *data(batch, (dim,), classes)
    return lambda: backward(loss(embeddings, labels), embeddings)


def triplet_margin(batch: int, classes: int, dim: int = 128) -> Step:
    loss, embeddings, labels, _ = TripletMarginLoss(), *data(batch, (dim,), classes)
    return lambda: backward(loss(embeddings, labels), embeddings)


def cross_entropy(batch: int, classes: int, dim: int = 128) -> Step:
    """A linear classifier and its cross-entropy."""
    embeddings, labels, _ = data(batch, (dim,), classes)
    classifier = torch.nn.Linear(dim, classes)
    return lambda: backward(torch.nn.functional.cross_entropy(classifier(embeddings), labels), embeddings)


def data(batch: int, shape: tuple[int, ...], classes: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    embeddings = torch.randn(batch, *shape, generator=generator, requires_grad=True)
    labels = torch.randint(classes, (batch,), generator=generator)
    return embeddings, labels, torch.randn(batch, classes, generator=generator)


def backward(value: torch.Tensor, embeddings: torch.Tensor) -> None:
    embeddings.grad = None
    value.backward()


def seconds(steps: list[Step], budget: float = 4.0) -> list[list[float]]:
    """Times of every step, taken in turn until ``budget`` seconds are spent (at least 3 turns)."""
    for step in steps:
        step()
    times: list[list[float]] = [[] for _ in steps]
    end = time.perf_counter() + budget
    while len(times[0]) < 3 or (time.perf_counter() < end and len(times[0]) < 200):
        for step, own in zip(steps, times, strict=True):
            started = time.perf_counter()
            step()
            own.append(time.perf_counter() - started)
    return times


def peak_megabytes(make: Callable[..., Step], *arguments) -> float:
    """Memory that one step allocates at its peak, in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_peak, (make, arguments))


def _peak(make: Callable[..., Step], arguments: tuple) -> float:
    """Linux only, where a process can reset its high-water mark; elsewhere NaN."""
    status, reset = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if not reset.exists():
        return math.nan

    def kilobytes(field: str) -> int:
        return int(re.search(rf"{field}:\s+(\d+) kB", status.read_text()).group(1))

    make(8, *arguments[1:])()  # loads what the first call loads
    step = make(*arguments)
    reset.write_text("5")
    before = kilobytes("VmRSS")
    step()
    return (kilobytes("VmHWM") - before) * 1024 / 1e6


def compare_ad_corre() -> None:
    print("\nAd-Corre, k=7 heads of D=256, K=7: linear form against all pairs")
    print(f"{'batch':>7} {'linear ms':>11} {'pairs ms':>11} {'pairs/linear':>13} {'linear MB':>10} {'pairs MB':>10}")
    own: dict[int, float] = {}
    for batch in (64, 256, 1024, 4096, 16384):
        rivals = [ad_corre(batch)] + ([ad_corre_pairwise(batch)] if batch <= 4096 else [])
        times = seconds(rivals)
        own[batch] = statistics.median(times[0])
        row = f"{batch:>7} {own[batch] * 1e3:>11.2f}"
        memory = peak_megabytes(ad_corre, batch)
        if len(times) > 1:
            ratio = statistics.median(b / a for a, b in zip(*times, strict=True))
            row += f" {statistics.median(times[1]) * 1e3:>11.2f} {ratio:>13.1f} {memory:>10.0f}"
            row += f" {peak_megabytes(ad_corre_pairwise, batch):>10.0f}"
        else:
            row += f" {'-':>11} {'-':>13} {memory:>10.0f} {'-':>10}"
        print(row, flush=True)
    slope = math.log(own[16384] / own[1024]) / math.log(16)
    print(f"log-log slope of the linear form's time from 1,024 to 16,384: {slope:.2f}")


def compare_fully_synthesized() -> None:
    print("\nTCL with the fully-synthesized negative, B=256, D=128: sorted centers against the (B, K, D) tensor")
    print(f"{'K':>7} {'sorted ms':>11} {'tensor ms':>11} {'tensor/sorted':>14} {'sorted MB':>10} {'tensor MB':>10}")
    for classes in (7, 100, 1000, 10_000):
        times = seconds([tcl(256, classes, "fully-synthesized"), fully_synthesized_naive(256, classes)])
        ratio = statistics.median(b / a for a, b in zip(*times, strict=True))
        memory = (
            peak_megabytes(tcl, 256, classes, "fully-synthesized"),
            peak_megabytes(fully_synthesized_naive, 256, classes),
        )
        print(
            f"{classes:>7} {statistics.median(times[0]) * 1e3:>11.2f} {statistics.median(times[1]) * 1e3:>11.2f}"
            f" {ratio:>14.1f} {memory[0]:>10.0f} {memory[1]:>10.0f}",
            flush=True,
        )


def compare_losses() -> None:
    print(
        "\nOne step, D=128 (Ad-Corre: 7 x 64): milliseconds, below them peak MB; 'triplets' is "
        "pytorch-metric-learning's TripletMarginLoss"
    )
    names = ["cross-entropy", "center", *SAMPLERS, "ad-corre", "triplets"]
    print(f"{'batch':>7} {'K':>7} " + " ".join(f"{name:>17}" for name in names))
    for batch, classes in [(64, 7), (256, 7), (1024, 7), (4096, 7), (16384, 7), (256, 100), (256, 1000), (256, 10_000)]:
        makers: list[tuple] = [(cross_entropy, batch, classes), (center, batch, classes)]
        makers += [(tcl, batch, classes, sampler) for sampler in SAMPLERS]
        makers.append((ad_corre, batch, 7, 64, classes))
        # All triplets of a batch of 1,024 in 7 classes are 130 million: their number grows with the batch cubed.
        if batch <= 256:
            makers.append((triplet_margin, batch, classes))
        times = seconds([make(*arguments) for make, *arguments in makers])
        cells = [f"{statistics.median(own) * 1e3:>14.2f} ms" for own in times] + [f"{'-':>17}"] * (batch > 256)
        print(f"{batch:>7} {classes:>7} " + " ".join(cells), flush=True)
        memory = [f"{peak_megabytes(*maker):>14.0f} MB" for maker in makers] + [f"{'-':>17}"] * (batch > 256)
        print(" " * 16 + " ".join(memory), flush=True)


def compare_with_training_step() -> None:
    print("\nShare of a training step of the default network (batch 128, 64 x 64 RGB, float32) that the loss takes")
    for name in ALL_METHODS:
        method = METHODS[name]
        if method.loss is None:
            continue
        network = ExpressionNetwork(7, method.embedding_size, method.heads).to(memory_format=torch.channels_last)
        objective = build_loss(method, 7)
        optimizer = torch.optim.SGD([*network.parameters(), *objective.parameters()], lr=1e-3, momentum=0.9)
        images, labels = torch.randint(256, (128, 3, 64, 64), dtype=torch.uint8), torch.arange(128) % 7
        output = network(images)
        embeddings, logits = output.embeddings.detach().requires_grad_(), output.logits.detach()

        def whole(network=network, objective=objective, optimizer=optimizer, images=images, labels=labels) -> None:
            output = network(images)
            loss = objective(output.logits, labels, output.embeddings).total
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

        def alone(metric=objective.metric_loss, embeddings=embeddings, labels=labels, logits=logits) -> None:
            backward(metric(embeddings, labels, logits=logits), embeddings)

        times = seconds([whole, alone])
        share = statistics.median(b / a for a, b in zip(*times, strict=True))
        print(
            f"{name:>22} {statistics.median(times[1]) * 1e3:>7.2f} ms of {statistics.median(times[0]) * 1e3:>7.1f} ms: "
            f"{share:.1%}"
        )


PARTS = {
    "ad-corre": compare_ad_corre,
    "fully-synthesized": compare_fully_synthesized,
    "losses": compare_losses,
    "training-step": compare_with_training_step,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=PARTS, help="one part of the benchmark")
    only = parser.parse_args().only
    print(
        f"torch {torch.__version__}, {torch.get_num_threads()} threads, {torch.cpu.get_capabilities().get('cpu_name')}"
    )
    for part in [only] if only else PARTS:
        PARTS[part]()
