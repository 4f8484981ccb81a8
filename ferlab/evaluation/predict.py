"""Run a network over a split."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from lightning_fabric import Fabric

from ferlab.models import ExpressionNetwork


@dataclass(frozen=True)
class Predictions:
    """What a network says of N faces.

    Attributes:
        embeddings: float32 (N, D); of a network with k heads (N, k * D), the heads side by side.
        probabilities: float32 (N, K).
    """

    embeddings: np.ndarray
    probabilities: np.ndarray

    @property
    def predicted(self) -> np.ndarray:
        """int64 (N,)."""
        return self.probabilities.argmax(axis=1)

    @property
    def confidence(self) -> np.ndarray:
        """float32 (N,): the largest probability."""
        return self.probabilities.max(axis=1)


@torch.no_grad()
def predict(
    network: ExpressionNetwork, images: np.ndarray, batch_size: int = 128, fabric: Fabric | None = None
) -> Predictions:
    """Embeddings and class probabilities of uint8 ``images`` (N, H, W, C), in evaluation mode.

    With ``fabric`` the network runs in its precision, on the network's device. A CPU is fastest with batches that its
    caches hold.
    """
    was_training = network.training
    network.eval()
    device = next(network.parameters()).device
    embeddings, probabilities = [], []
    for start in range(0, len(images), batch_size):
        batch = torch.from_numpy(images[start : start + batch_size]).permute(0, 3, 1, 2).to(device)
        with fabric.autocast() if fabric else nullcontext():
            output = network(batch)
        embeddings.append(output.joined_embeddings.float().cpu())
        probabilities.append(output.logits.float().softmax(dim=1).cpu())
    network.train(was_training)
    return Predictions(torch.cat(embeddings).numpy(), torch.cat(probabilities).numpy())
