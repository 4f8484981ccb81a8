"""Is everything in place? What ``ferlab doctor`` looks at."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ferlab.errors import FerlabError

NEEDED_DISK = 2e9  # bytes: a default comparison leaves about 100 MB, JupyterLab and caches some more
NEEDED_MEMORY = 3e9


@dataclass(frozen=True)
class Check:
    """One thing looked at: what was found, and what to do about it when it is not ``ok``."""

    name: str
    ok: bool
    found: str
    mend: str = ""


def checks(dataset: str | None = None, root: Path | None = None, self_test: bool = True) -> Iterator[Check]:
    """All checks, one after the other; the last one trains for about half a minute.

    Args:
        dataset, root: a data set to look for besides the built-in faces.
        self_test: train, measure and write a report in a temporary folder.
    """
    yield python()
    yield from torch_and_devices()
    yield from parts()
    yield faces("synthetic", None)
    if dataset is not None:
        yield faces(dataset, root)
    yield disk(Path.cwd())
    yield memory()
    if self_test:
        yield training()


def python() -> Check:
    """Whether Python is new enough."""
    return Check(
        "Python",
        sys.version_info >= (3, 11),
        f"{platform.python_version()} in {sys.prefix}",
        "Install Python 3.11 or newer and set ferlab up with it: make PYTHON=/path/to/python3.",
    )


def torch_and_devices() -> Iterator[Check]:
    """Whether PyTorch can be imported, and what it computes on."""
    try:
        import torch

        from ferlab.training.devices import choose_precision
    except (ImportError, OSError) as error:
        yield Check("PyTorch", False, str(error), "Install the packages again: pip install -r requirements.lock")
        return
    yield Check("PyTorch", True, f"{torch.__version__}, {torch.get_num_threads()} threads")
    devices = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    if not devices and torch.backends.mps.is_available():
        devices = ["Apple GPU"]
    yield Check("GPU", True, ", ".join(devices) or "none; none is needed for the built-in faces")
    yield Check("precision", True, f"{choose_precision()} is the fastest here")


def parts() -> Iterator[Check]:
    """Packages that come into play late, so that their absence would be noticed late."""
    packages = ("jupyterlab", "ipywidgets", "jscatter", "anywidget", "umap", "timm")
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    yield Check(
        "packages",
        not missing,
        f"missing: {', '.join(missing)}" if missing else "all there",
        "Install them: pip install -r requirements.lock in a clone, or pip install 'ferlab[lab]'",
    )


def faces(name: str, root: Path | None) -> Check:
    """Whether all splits of a data set can be read."""
    from ferlab.data import SPLITS, load_dataset

    try:
        sizes = [f"{len(load_dataset(name, split, root)):,} {split}" for split in SPLITS]
    except FerlabError as error:
        return Check(f"faces: {name}", False, str(error), "Mend that, or name another --root.")
    return Check(f"faces: {name}", True, ", ".join(sizes))


def disk(folder: Path) -> Check:
    """Whether the disk of ``folder`` has room for a run."""
    free = shutil.disk_usage(folder).free
    return Check("disk", free >= NEEDED_DISK, f"{free / 1e9:.1f} GB free in {folder}", "Free some space: 2 GB will do.")


def memory() -> Check:
    """Whether enough memory is free for a training."""
    import psutil

    free = psutil.virtual_memory().available
    return Check("memory", free >= NEEDED_MEMORY, f"{free / 1e9:.1f} GB free", "Close other programs: 3 GB will do.")


def training() -> Check:
    """A small comparison from faces to report."""
    from rich.console import Console

    from ferlab.experiments import CompareSettings, run_compare

    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        settings = CompareSettings(Path(folder) / "run", methods=("ce", "ad-corre"), epochs=1, quick=True)
        try:
            run_compare(settings, Console(quiet=True))
        except Exception as error:  # whatever it is, it is what the user came to learn
            return Check(
                "self-test", False, f"{type(error).__name__}: {error}", "Please report this with the line above."
            )
    return Check("self-test", True, f"trained, measured and reported in {time.perf_counter() - started:.0f} s")
