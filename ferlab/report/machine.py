"""The machine and the versions that a result came from."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version


def machine_facts() -> dict[str, str]:
    """What matters for running ferlab here: name -> value, all text.

    >>> "Python" in machine_facts()
    True
    """
    import torch

    facts = {"Python": platform.python_version(), "System": f"{platform.system()} {platform.machine()}"}
    for label, package in (("ferlab", "ferlab"), ("PyTorch", "torch"), ("jupyter-scatter", "jupyter-scatter")):
        try:
            facts[label] = version(package)
        except PackageNotFoundError:
            from ferlab import __version__

            facts[label] = __version__ if package == "ferlab" else "not installed"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    facts["CPU cores"] = str(cores)
    try:
        import psutil

        facts["Memory"] = f"{psutil.virtual_memory().available / 2**30:.1f} GB free"
    except ImportError:
        pass
    facts["GPU"] = torch.cuda.get_device_name() if torch.cuda.is_available() else "none (none is needed)"
    return facts
