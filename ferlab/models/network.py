"""The expression network: backbone, pooling, embedding head, classifier."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ferlab.models.heads import EmbeddingHead, MultiEmbeddingHead
from ferlab.models.small import SmallResNet


@dataclass  # not frozen: Lightning Fabric converts the tensors of a network's output in place
class NetworkOutput:
    """What the network says of a batch.

    Attributes:
        embeddings: (B, D), or (B, k, D) for a network with k heads.
        logits: (B, K).
    """

    embeddings: Tensor
    logits: Tensor

    @property
    def joined_embeddings(self) -> Tensor:
        """(B, D) or (B, k * D): one vector a face, the heads side by side."""
        return self.embeddings.flatten(start_dim=1)


class ExpressionNetwork(nn.Module):
    """Faces to embeddings and class logits.

    Args:
        num_classes: K.
        embedding_size: D of one embedding.
        heads: 1 for one embedding, k > 1 for Ad-Corre's k unit-length embeddings; the classifier reads them joined.
        in_channels: 1 (grey) or 3 (RGB).
        seed: initial weights. The parts draw from generators of their own, so networks that differ in the heads alone
            start with the same backbone, and equal networks start equal.

    Example:
        >>> network = ExpressionNetwork(num_classes=7, embedding_size=64, heads=7)
        >>> output = network(torch.zeros(2, 3, 64, 64, dtype=torch.uint8))
        >>> output.embeddings.shape, output.logits.shape
        (torch.Size([2, 7, 64]), torch.Size([2, 7]))
    """

    def __init__(
        self,
        num_classes: int,
        embedding_size: int = 128,
        heads: int = 1,
        in_channels: int = 3,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if heads < 1:
            raise ValueError(f"heads must be at least 1, but is {heads}.")
        # What a checkpoint needs to build the network again.
        self.settings = {
            "num_classes": num_classes,
            "embedding_size": embedding_size,
            "heads": heads,
            "in_channels": in_channels,
        }
        self.in_channels = in_channels
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.backbone = SmallResNet(in_channels)
            torch.manual_seed(seed + 1)
            features = self.backbone.num_features
            self.head: EmbeddingHead | MultiEmbeddingHead
            if heads == 1:
                self.head = EmbeddingHead(features, embedding_size)
            else:
                self.head = MultiEmbeddingHead(features, embedding_size, heads)
            self.classifier = nn.Linear(self.head.output_size, num_classes)

    def forward(self, images: Tensor) -> NetworkOutput:
        """Embeddings and logits.

        Args:
            images: (B, C, H, W), grey levels 0..255 as uint8 or floating point.

        Raises:
            ValueError: wrong number of dimensions or channels.
        """
        if images.ndim != 4 or images.shape[1] != self.in_channels:
            raise ValueError(f"images must have shape (B, {self.in_channels}, H, W), but have {tuple(images.shape)}.")
        # About zero mean and unit spread; channels last is the faster layout for convolutions on CPUs and GPUs.
        images = ((images.float() - 127.5) / 64).contiguous(memory_format=torch.channels_last)
        embeddings = self.head(self.backbone(images).mean(dim=(2, 3)))
        return NetworkOutput(embeddings, self.classifier(embeddings.flatten(start_dim=1)))

