"""Names of a package whose modules are imported only when they are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any


def late(package: str, homes: Mapping[str, str], name: str) -> Any:
    """What ``__getattr__`` of a package answers, for packages whose modules take long to import.

    Args:
        package: its name, ``__name__`` within it.
        homes: public name -> the module below the package that defines it.
        name: what is asked for.

    Raises:
        AttributeError: it is none of them.

    Example:
        >>> late("ferlab.figures", {"show": "showing"}, "show").__name__
        'show'
    """
    if name in homes:
        return getattr(import_module(f"{package}.{homes[name]}"), name)
    raise AttributeError(f"module {package!r} has no attribute {name!r}")
