"""No file uses a private name (``_name``) of another: a public one says what others may rely on.

    python tests/check/private_names.py

Found are ``thing._name``, ``from module import _name``, ``setattr(thing, "_name", ...)``, and ``thing._name`` within a
string, such as the code of a cell that a test gives to a kernel. A name that the file itself defines is its own.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLACES = ("ferlab", "tests", "notebooks", "benchmarks", "data_scripts", "docs")
# Public in spite of their form: of named tuples, and what IPython asks every object for.
KNOWN = {"_asdict", "_fields", "_make", "_replace", "_repr_html_", "_repr_mimebundle_", "_repr_png_"}
KNOWN |= {"_python_dispatch"}  # where PyTorch keeps TorchDispatchMode, which its documentation names
KNOWN |= {"_exit"}  # of os: the end of a forked process
EXAMPLES = "tests/project/test_checks.py"  # holds such names as examples of what is found
# Calls whose second argument is a name.
BY_STRING = {"delattr", "getattr", "hasattr", "setattr"}
IN_STRING = re.compile(r"\b(?!self\b|cls\b)\w+(?:\(\))?\.(_[a-z]\w*)")


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__") and name != "_" and name not in KNOWN


def own_names(tree: ast.Module) -> set[str]:
    """All that the file itself gives a name: functions, classes, variables, attributes of its objects."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and is_of_itself(node):
            names.add(node.attr)
    return names


def is_of_itself(node: ast.Attribute) -> bool:
    """Whether it is an attribute of ``self``, ``cls`` or ``super()``."""
    if isinstance(node.value, ast.Call):
        return isinstance(node.value.func, ast.Name) and node.value.func.id == "super"
    return isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")


def names_used(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, name) of all attributes of others, imported names, and names within strings that are not docstrings."""
    passed_over = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and not is_of_itself(node):
            yield node.lineno, node.attr
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in passed_over:
            yield from ((node.lineno, name) for name in IN_STRING.findall(node.value))
        elif isinstance(node, ast.Call) and len(node.args) > 1 and isinstance(node.args[1], ast.Constant):
            function = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if function in BY_STRING:
                yield node.lineno, str(node.args[1].value)


def foreign(source: str) -> list[tuple[int, str]]:
    """(line, name) of every private name of another file in a program.

    Example:
        >>> foreign("import lab\\nlab.widget._state\\nclass Own:\\n    def do(self): self._state")
        [(2, '_state')]
    """
    tree = ast.parse(source)
    own = own_names(tree)
    return sorted({(line, name) for line, name in names_used(tree) if is_private(name) and name not in own})


def main() -> int:
    found = []
    for path in sorted(path for place in PLACES for path in (ROOT / place).rglob("*.py")):
        below = path.relative_to(ROOT)
        if below.as_posix() != EXAMPLES and not any(part.startswith(".") for part in below.parts):
            for line, name in foreign(path.read_text(encoding="utf-8")):
                found.append(f"{below}:{line}: {name} is a private name of another module")
    print("\n".join(found), end="\n" if found else "")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
