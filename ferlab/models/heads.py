"""From pooled features to embeddings: one vector a face, or k of them."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class EmbeddingHead(nn.Module):
    """Pooled features (B, F) to one embedding (B, D), a linear map."""

    def __init__(self, in_features: int, embedding_size: int) -> None:
        super().__init__()
        self.heads = 1
        self.output_size = embedding_size
        self.linear = nn.Linear(in_features, embedding_size)

    def forward(self, features: Tensor) -> Tensor:
        """Embeddings (B, D) of features (B, F)."""
        embeddings: Tensor = self.linear(features)
        return embeddings


class MultiEmbeddingHead(nn.Module):
    """Pooled features (B, F) to k embeddings (B, k, D), each of unit length (Ad-Corre, section III-A)."""

    def __init__(self, in_features: int, embedding_size: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.output_size = heads * embedding_size
        self.linear = nn.Linear(in_features, self.output_size)

    def forward(self, features: Tensor) -> Tensor:
        """Embeddings (B, k, D) of features (B, F)."""
        return F.normalize(self.linear(features).unflatten(1, (self.heads, -1)), dim=-1)
