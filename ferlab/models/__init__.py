"""Networks that turn faces into embeddings and logits."""

from ferlab.models.attention import Attended, SelectiveAttention
from ferlab.models.backbones import create_backbone
from ferlab.models.heads import EmbeddingHead, MultiEmbeddingHead
from ferlab.models.network import ExpressionNetwork, NetworkOutput
from ferlab.models.small import SmallResNet

__all__ = [
    "Attended",
    "EmbeddingHead",
    "ExpressionNetwork",
    "MultiEmbeddingHead",
    "NetworkOutput",
    "SelectiveAttention",
    "SmallResNet",
    "create_backbone",
]
