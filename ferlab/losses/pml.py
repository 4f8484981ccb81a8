"""Any embedding loss of pytorch-metric-learning, as a metric loss of the lab."""

from __future__ import annotations

import ast
import inspect
from typing import Any, Self

import torch
from pytorch_metric_learning import losses as pml
from pytorch_metric_learning.losses import BaseMetricLossFunction
from torch import Tensor

from ferlab.errors import FerlabError
from ferlab.losses.base import MetricLoss
from ferlab.losses.checks import Indices, widen


class PmlLoss(MetricLoss):
    """An embedding loss of ``pytorch_metric_learning`` with what the lab asks of a metric loss.

    Losses with class weights of their own (``ArcFaceLoss``, ``ProxyAnchorLoss``, ...) learn them beside the network.

    Args:
        loss: called as ``loss(embeddings, labels)``.

    Example:
        >>> loss = PmlLoss(pml.SupConLoss(temperature=0.1))
        >>> loss(torch.randn(8, 16), torch.arange(8) % 4).shape, list(loss.parts)
        (torch.Size([]), ['SupConLoss'])
    """

    def __init__(self, loss: BaseMetricLossFunction) -> None:
        super().__init__()
        self.loss = loss
        name = type(loss).__name__
        self.part_labels = {name: name}  # named after the loss it wraps

    @classmethod
    def for_method(cls, num_classes: int, embedding_size: int, **options: Any) -> Self:
        """The loss that ``options["expression"]`` names, see :func:`build_pml_loss`."""
        return cls(build_pml_loss(options["expression"], num_classes, embedding_size))

    def forward(
        self,
        embeddings: Tensor,
        labels: Tensor,
        indices_tuple: Indices | None = None,
        ref_emb: Tensor | None = None,
        ref_labels: Tensor | None = None,
    ) -> Tensor:
        """The loss of embeddings (B, D) with labels (B,): a scalar.

        Args:
            embeddings, labels: of the batch.
            indices_tuple, ref_emb, ref_labels: what the library's trainers and wrappers give; handed on as it is.
        """
        with torch.autocast(embeddings.device.type, enabled=False):
            value: Tensor = self.loss(widen(embeddings), labels, indices_tuple, widen(ref_emb), ref_labels)
        self.parts = dict.fromkeys(self.part_labels, value.detach())
        return value


def parse_pml(expression: str) -> tuple[type[BaseMetricLossFunction], dict[str, Any]]:
    """The class and the arguments that an expression such as ``SupConLoss(temperature=0.1)`` names.

    Only names of losses and plain values are read; nothing is evaluated.

    Raises:
        FerlabError: no such loss, or something else than a loss with plain keyword arguments.

    Example:
        >>> parse_pml("SupConLoss(temperature=0.1)")[1]
        {'temperature': 0.1}
    """
    try:
        node = ast.parse(expression.strip(), mode="eval").body
        call = node if isinstance(node, ast.Call) else ast.Call(func=node, args=[], keywords=[])
        if not isinstance(call.func, ast.Name) or call.args or any(keyword.arg is None for keyword in call.keywords):
            raise ValueError("arguments go by name")
        arguments = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}
    except (SyntaxError, ValueError) as error:
        raise FerlabError(
            f"pml:{expression} is no loss with plain arguments (arguments go by name, and are numbers, texts or "
            "truth values); write it as pml:SupConLoss(temperature=0.1)."
        ) from error
    found = getattr(pml, call.func.id, None)
    if not (isinstance(found, type) and issubclass(found, BaseMetricLossFunction)) or inspect.isabstract(found):
        raise FerlabError(
            f"pytorch-metric-learning has no embedding loss {call.func.id!r}; it has {', '.join(embedding_losses())}."
        )
    return found, arguments


def embedding_losses() -> list[str]:
    """Names of the losses of ``pytorch_metric_learning`` that take embeddings and labels.

    >>> "SupConLoss" in embedding_losses(), "CrossBatchMemory" in embedding_losses()
    (True, False)
    """
    return sorted(
        name
        for name, loss in vars(pml).items()
        if isinstance(loss, type)
        and issubclass(loss, BaseMetricLossFunction)
        and not name.startswith(("Base", "Generic"))
    )


def build_pml_loss(expression: str, num_classes: int, embedding_size: int) -> BaseMetricLossFunction:
    """The loss that an expression names; ``num_classes`` and ``embedding_size`` are filled in where it wants them.

    Raises:
        FerlabError: no such loss, arguments that it does not take, or a loss that needs more than embeddings and
            labels.
    """
    found, arguments = parse_pml(expression)
    known = {"num_classes": num_classes, "embedding_size": embedding_size}
    wanted = inspect.signature(found).parameters
    arguments = {name: value for name, value in known.items() if name in wanted} | arguments
    with torch.random.fork_rng(devices=[]):  # a trial that leaves the random numbers of a training alone
        torch.manual_seed(0)
        try:
            loss = found(**arguments)
            labels = torch.arange(2 * num_classes) % num_classes
            loss(torch.randn(len(labels), embedding_size, requires_grad=True), labels)
        except Exception as error:  # whatever the library says of these arguments
            raise FerlabError(f"pml:{expression} cannot be trained beside cross-entropy: {error}") from error
    return loss
