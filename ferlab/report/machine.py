"""The machine and the versions that a result came from."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

import psutil
import torch

from ferlab import __version__


def machine_facts() -> dict[str, str]:
    """What matters for running ferlab here: name -> value, all text.

    >>> "Python" in machine_facts()
    True
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {
        "Python": platform.python_version(),
        "System": f"{platform.system()} {platform.machine()}",
        "ferlab": _version("ferlab") or __version__,
        "PyTorch": _version("torch") or "not installed",
        "jupyter-scatter": _version("jupyter-scatter") or "not installed",
        "CPU cores": str(cores),
        "Memory": f"{psutil.virtual_memory().available / 2**30:.1f} GB free",
        "GPU": torch.cuda.get_device_name() if torch.cuda.is_available() else "none (none is needed)",
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
