"""No circle of imports among the modules of ferlab, also none closed by an import inside a function.

    python tests/check/circles.py

Which package may import which says the contract in pyproject.toml, ``[tool.importlinter]``; this looks within them too.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[2]


def imports_of(package: str, root: Path = ROOT) -> dict[str, set[str]]:
    """The modules of a package, each with those of the same package that it imports."""
    sys.path.insert(0, str(root))
    try:
        graph = grimp.build_graph(package, cache_dir=None)
    finally:
        sys.path.remove(str(root))
    return {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}


def circle(imports: Mapping[str, set[str]]) -> list[str]:
    """One circle, its first module once more at the end; empty where there is none.

    Example:
        >>> circle({"a": {"b"}, "b": {"c"}, "c": set()})
        []
        >>> sorted(set(circle({"a": {"b"}, "b": {"c"}, "c": {"b"}})))
        ['b', 'c']
    """
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


def main() -> int:
    found = circle(imports_of("ferlab"))
    if found:
        print("a circle of imports:", "\n    imports ".join(found))
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
