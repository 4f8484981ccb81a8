"""Networks that turn faces into embeddings and logits."""

from ferlab.models.heads import EmbeddingHead, MultiEmbeddingHead
from ferlab.models.network import ExpressionNetwork, NetworkOutput
from ferlab.models.small import SmallResNet

__all__ = ["EmbeddingHead", "ExpressionNetwork", "MultiEmbeddingHead", "NetworkOutput", "SmallResNet"]
