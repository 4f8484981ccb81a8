"""Where a training computes, and in which precision."""

from __future__ import annotations

import logging

import torch
from lightning_fabric import Fabric
from lightning_fabric.utilities.exceptions import MisconfigurationException

from ferlab.errors import FerlabError
from ferlab.settings import TrainSettings

# Fabric announces its precision at every start; the run's config.json says it once.
logging.getLogger("lightning_fabric").setLevel(logging.WARNING)


def start_fabric(settings: TrainSettings) -> Fabric:
    """Lightning Fabric with the settings' devices, launched.

    With several devices the program is started again for each of the others, or was so by ``torchrun``.

    Raises:
        FerlabError: devices that are not there.
    """
    processes = settings.devices * settings.nodes
    try:
        fabric = Fabric(
            accelerator=settings.accelerator,
            devices=settings.devices,
            num_nodes=settings.nodes,
            strategy="ddp" if processes > 1 else "auto",
            precision=choose_precision(settings.precision, settings.accelerator),
        )
    except (ValueError, RuntimeError, MisconfigurationException) as error:
        raise FerlabError(f"These devices cannot be used: {error}") from error
    fabric.launch()
    return fabric


def choose_precision(precision: str = "auto", accelerator: str = "auto") -> str:
    """Lightning Fabric's name of a precision; ``"auto"`` is bf16 where the hardware computes in it, else float32."""
    if precision != "auto":
        return precision
    if torch.cuda.is_available() and accelerator != "cpu":
        return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "32-true"
    # Without AVX-512 or AMX instructions for it, bf16 on a CPU is emulated and slower than float32.
    capabilities = torch.cpu.get_capabilities()
    return "bf16-mixed" if capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") else "32-true"
