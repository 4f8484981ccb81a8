"""The expression network: backbone, pooling under attention, embedding head, classifier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ferlab.arguments import check_count
from ferlab.models.attention import SelectiveAttention
from ferlab.models.backbones import create_backbone
from ferlab.models.heads import EmbeddingHead, MultiEmbeddingHead


@dataclass  # not frozen: Lightning Fabric converts the tensors of a network's output in place
class NetworkOutput:
    """What the network says of a batch.

    Attributes:
        embeddings: (B, D), or (B, k, D) for a network with k heads.
        logits: (B, K).
        pixel_attention: (B, 1, H', W') over the last feature map, or None without that attention.
        element_weights: (B, D), or (B, k * D) with heads, or None without that attention.
    """

    embeddings: Tensor
    logits: Tensor
    pixel_attention: Tensor | None = None
    element_weights: Tensor | None = None

    @property
    def joined_embeddings(self) -> Tensor:
        """(B, D) or (B, k * D): one vector a face, the heads side by side."""
        return self.embeddings.flatten(start_dim=1)


class ExpressionNetwork(nn.Module):
    """Faces to embeddings and class logits.

    Args:
        num_classes: K, how many classes there are.
        embedding_size: D of one embedding.
        heads: 1 for one embedding, k > 1 for Ad-Corre's k unit-length embeddings; the classifier reads them joined.
        in_channels: 1 (grey) or 3 (RGB).
        backbone: ``"small"``, or a name of timm such as ``"resnet18"``.
        pretrained: timm's pretrained weights.
        attention: parts of :class:`SelectiveAttention` to use: ``"pixel"``, ``"element"``, both, or none.
        input_size: side in pixels to which faces are scaled before the backbone sees them, since large backbones
            shrink an image by 32 (the Ad-Corre paper takes 224); 0 leaves them as they are.
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
        backbone: str = "small",
        pretrained: bool = False,
        attention: tuple[str, ...] = (),
        input_size: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        num_classes = check_count(num_classes, "num_classes", 2)
        embedding_size = check_count(embedding_size, "embedding_size")
        heads = check_count(heads, "heads")
        in_channels = check_count(in_channels, "in_channels")
        input_size = check_count(input_size, "input_size", 0)
        if unknown := set(attention) - {"pixel", "element"}:
            raise ValueError(f"attention takes 'pixel' and 'element', but holds {sorted(unknown)}.")
        # What a checkpoint needs to build the network again.
        self.settings = {
            "num_classes": num_classes,
            "embedding_size": embedding_size,
            "heads": heads,
            "in_channels": in_channels,
            "backbone": backbone,
            "attention": list(attention),
            "input_size": input_size,
        }
        self.in_channels, self.input_size = in_channels, input_size
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.backbone = create_backbone(backbone, in_channels, pretrained, input_size)
            features = cast(int, self.backbone.num_features)  # of timm's networks and ours
            torch.manual_seed(seed + 1)
            self.head: EmbeddingHead | MultiEmbeddingHead
            if heads == 1:
                self.head = EmbeddingHead(features, embedding_size)
            else:
                self.head = MultiEmbeddingHead(features, embedding_size, heads)
            self.classifier = nn.Linear(self.head.output_size, num_classes)
            if heads > 1:
                # Entries of a unit-length vector are about 1/sqrt(D): with usual weights the logits would start near
                # zero, and the backbone learn slowly.
                with torch.no_grad():
                    self.classifier.weight *= embedding_size**0.5
            # Last, so that networks with and without attention agree in all other weights.
            self.attention = SelectiveAttention(
                features, self.head.output_size, pixel="pixel" in attention, element="element" in attention
            )

    def forward(self, images: Tensor) -> NetworkOutput:
        """Embeddings and logits.

        Args:
            images: (B, C, H, W), grey levels 0..255 as uint8 or floating point.

        Raises:
            ValueError: wrong number of dimensions or channels.
        """
        if images.ndim != 4 or images.shape[1] != self.in_channels or not len(images):
            raise ValueError(f"images must have shape (B, {self.in_channels}, H, W), but have {tuple(images.shape)}.")
        # About zero mean and unit spread; channels last is the faster layout for convolutions on CPUs and GPUs.
        images = (images.to(self.classifier.weight.dtype) - 127.5) / 64
        if self.input_size and images.shape[-2:] != (self.input_size, self.input_size):
            images = F.interpolate(images, (self.input_size, self.input_size), mode="bilinear", antialias=False)
        images = images.contiguous(memory_format=torch.channels_last)
        attended = self.attention(self.backbone(images))
        embeddings = self.head(attended.features)
        joined = embeddings.flatten(start_dim=1)
        logits = self.classifier(joined if attended.element is None else joined * attended.element)
        return NetworkOutput(embeddings, logits, attended.pixel, attended.element)
