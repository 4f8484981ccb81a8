"""A trained network, or a run's embeddings, for other programs."""

from __future__ import annotations

import csv
import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from ferlab.data import FaceDataset
from ferlab.errors import FerlabError
from ferlab.files import atomic_path, write_json
from ferlab.images import png_bytes, write_sprite
from ferlab.models import ExpressionNetwork
from ferlab.runs import RunFolder


class Exported(nn.Module):
    """The network with plain tensors as output, as other runtimes want them.

    Grey levels 0..255 (B, C, H, W) to the joined embeddings (B, D) or (B, k * D) and the class probabilities (B, K).
    """

    def __init__(self, network: ExpressionNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        output = self.network(images)
        return output.joined_embeddings, output.logits.softmax(dim=1)


def export_torchscript(run: Path, out: Path, method: str | None = None, seed: int = 0) -> None:
    """Write the network as TorchScript: ``torch.jit.load(out)(images)`` gives embeddings and probabilities."""
    network, example = _network_and_example(run, method, seed)
    with atomic_path(out) as beside, warnings.catch_warnings():
        # That checks of the input's shape are not traced, and that PyTorch will replace TorchScript one day.
        warnings.simplefilter("ignore")
        torch.jit.trace(network, example).save(str(beside))


def export_onnx(run: Path, out: Path, method: str | None = None, seed: int = 0) -> None:
    """Write the network as ONNX: input ``images``, outputs ``embeddings`` and ``probabilities``, any batch size.

    Raises:
        FerlabError: the packages that PyTorch needs for it are not installed.
    """
    network, example = _network_and_example(run, method, seed)
    try:
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise FerlabError("ONNX needs two more packages: pip install onnx onnxscript") from error
    with atomic_path(out) as beside:
        torch.onnx.export(
            network,
            (example,),
            beside,
            input_names=["images"],
            output_names=["embeddings", "probabilities"],
            dynamic_shapes={"images": {0: "batch"}},
            dynamo=True,
            external_data=False,
            verbose=False,
        )


def export_projector(run: Path, out: Path, faces: FaceDataset, method: str | None = None, seed: int = 0) -> None:
    """Write a folder for TensorFlow's Embedding Projector and for embedding-atlas.

    ``tensors.tsv``, ``metadata.tsv``, ``sprite.png`` and ``projector_config.pbtxt`` are the projector's
    (``tensorboard --logdir out``, or load the first two at projector.tensorflow.org); ``faces.parquet`` holds the same
    rows with map coordinates and image bytes, as ``embedding-atlas faces.parquet --x x --y y`` opens it.

    Args:
        run: run folder.
        out: folder to write.
        faces: the test split that the run was measured on.
        method, seed: which training; the run's first method by default.

    Raises:
        FerlabError: a training that is not finished, or faces that are not the run's.
    """
    folder = RunFolder(run)
    method = method or folder.first_method()
    training = folder.training(method, seed)
    if training.load() is None:
        raise FerlabError(f"{training.path} is not finished: go on with ferlab compare --resume.")
    rows = folder.read().embeddings
    rows = rows[(rows["method"] == method) & (rows["seed"] == seed)].sort_values("index").reset_index(drop=True)
    if len(rows) != len(faces) or (rows["label"].to_numpy() != faces.labels).any():
        raise FerlabError(f"The faces given ({faces.name}, {faces.split}) are not those of {run}.")
    about = pd.DataFrame(
        {
            "true": [faces.classes[i] for i in rows["label"]],
            "predicted": [faces.classes[i] for i in rows["predicted"]],
            "confidence": rows["confidence"].round(4),
        }
    )
    known = [name for name in ("identity", "variant", "intensity", "yaw", "pitch") if name in faces.metadata]
    about = pd.concat([about, faces.metadata[known].reset_index(drop=True)], axis=1)

    out.mkdir(parents=True, exist_ok=True)
    with atomic_path(out / "tensors.tsv") as beside:
        np.savetxt(beside, np.stack(rows["embedding"]), fmt="%.6g", delimiter="\t")
    with atomic_path(out / "metadata.tsv") as beside:
        about.to_csv(beside, sep="\t", index=False, quoting=csv.QUOTE_NONE, escapechar=" ")
    tile = write_sprite(out / "sprite.png", faces.images)
    with atomic_path(out / "projector_config.pbtxt") as beside:
        beside.write_text(
            f"embeddings {{\n  tensor_name: {json.dumps(f'{method}, seed {seed}')}\n"
            '  tensor_path: "tensors.tsv"\n'
            '  metadata_path: "metadata.tsv"\n'
            f'  sprite {{\n    image_path: "sprite.png"\n    single_image_dim: {tile}\n    single_image_dim: {tile}\n'
            "  }\n}\n",
            encoding="utf-8",
        )
    table = about.assign(
        image=[{"bytes": png_bytes(image), "path": f"{i:05d}.png"} for i, image in enumerate(faces.images)],
        x=rows["x"],
        y=rows["y"],
        embedding=rows["embedding"],
    )
    with atomic_path(out / "faces.parquet") as beside:
        table.to_parquet(beside, index=False)
    write_json(out / "source.json", {"run": str(run), "method": method, "seed": seed, "dataset": faces.name})


def _network_and_example(run: Path, method: str | None, seed: int) -> tuple[Exported, Tensor]:
    network, _, size = RunFolder(run).network(method, seed)
    # Two faces: with one, the exporters would take the batch size for a constant.
    return Exported(network).eval().requires_grad_(False), torch.zeros(2, network.in_channels, size, size)
