"""Images a second of ferlab's training loop, side by side in one run with a bare PyTorch loop.

    python benchmarks/training.py

Both train the same network on the same built-in faces with the same batches, augmentation, optimizer and precision; the
bare loop has no Fabric, no checks, no record of loss parts, no progress. They run in turn, A B A B ..., and the ratio
is the median over the turns, so that it holds when the machine's speed drifts. Timed from the end of the first step to
the end of the last one: setting up and validation are left out in both.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F

from ferlab.data import FaceDataset, load_dataset
from ferlab.data.transforms import augment
from ferlab.methods import METHODS
from ferlab.models import ExpressionNetwork
from ferlab.training import TrainSettings, train
from ferlab.training.devices import choose_precision


def ferlab_steps(method: str, faces: FaceDataset, few: FaceDataset, settings: TrainSettings) -> list[float]:
    ends: list[float] = []
    train(METHODS[method], faces, few, settings, on_batch=lambda batch: ends.append(time.perf_counter()))
    return ends


def bare_steps(faces: FaceDataset, settings: TrainSettings) -> list[float]:
    torch.manual_seed(settings.seed)
    network = ExpressionNetwork(len(faces.classes)).to(memory_format=torch.channels_last).train()
    steps = len(faces) // settings.batch_size
    optimizer = torch.optim.SGD(
        network.parameters(),
        lr=settings.learning_rate,
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
        nesterov=True,
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, settings.learning_rate, total_steps=steps)
    images = torch.from_numpy(faces.images).permute(0, 3, 1, 2).contiguous()
    labels = torch.from_numpy(faces.labels)
    generator = torch.Generator().manual_seed(settings.seed)
    bf16 = choose_precision(settings.precision) == "bf16-mixed"
    ends: list[float] = []
    for batch in batches(len(faces), settings.batch_size, generator):
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            logits = network(augment(images[batch], settings.augmentation, generator)).logits
        loss = F.cross_entropy(logits.float(), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        ends.append(time.perf_counter())
    return ends


def batches(images: int, size: int, generator: torch.Generator) -> Iterator[torch.Tensor]:
    order = torch.randperm(images, generator=generator)
    return iter(order[: images // size * size].view(-1, size))


def images_per_second(ends: list[float], batch_size: int) -> float:
    return (len(ends) - 1) * batch_size / (ends[-1] - ends[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=int, default=4096, help="training faces of one turn (4096)")
    parser.add_argument("--turns", type=int, default=5, help="turns (5)")
    arguments = parser.parse_args()
    faces = load_dataset("synthetic", "train").subset(np.arange(arguments.faces))
    few = load_dataset("synthetic", "validation").subset(np.arange(64))
    settings = TrainSettings(epochs=1, accelerator="cpu", learning_rate=0.07, weight_decay=0.0017)
    processor = torch.cpu.get_capabilities().get("cpu_name")
    print(
        f"torch {torch.__version__}, {torch.get_num_threads()} threads, {processor}, "
        f"{choose_precision(settings.precision)}, batch {settings.batch_size}, {arguments.faces} faces a turn"
    )
    rates: dict[str, list[float]] = {"bare PyTorch": [], "ferlab, ce": []}
    bare_steps(faces.subset(np.arange(1024)), settings)  # warm up
    for _ in range(arguments.turns):
        rates["bare PyTorch"].append(images_per_second(bare_steps(faces, settings), settings.batch_size))
        rates["ferlab, ce"].append(images_per_second(ferlab_steps("ce", faces, few, settings), settings.batch_size))
    for name, values in rates.items():
        print(f"{name:>14}: {statistics.median(values):>7.0f} images/s (from {min(values):.0f} to {max(values):.0f})")
    ratios = [own / bare for bare, own in zip(*rates.values(), strict=True)]
    print(f"ferlab / bare: {statistics.median(ratios):.3f} (from {min(ratios):.3f} to {max(ratios):.3f})")


if __name__ == "__main__":
    main()
