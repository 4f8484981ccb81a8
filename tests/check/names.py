"""Names in prose are spelled as their owners spell them: Ad-Corre, not AdCorre; JupyterLab, not Jupyter Lab.

    python tests/check/names.py

Looked at is what people read: Markdown, docstrings, comments and the text of the notebooks. Code in it, marked by
backticks, is passed over, and other words are not spelled here.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLACES = ("*.md", "docs/**/*.md", "ferlab/**/*.py", "notebooks/*.py", "data_scripts/*.py", "benchmarks/*.py")
NAMES = (
    "Ad-Corre",
    "AffectNet",
    "FER-2013",
    "GitHub",
    "Gradescope",
    "ImageNet",
    "JupyterLab",
    "MathML",
    "NumPy",
    "OpenCV",
    "Optuna",
    "Otter",
    "PyTorch",
    "RAF-DB",
    "ResNet",
    "scikit-learn",
    "Slurm",
    "TensorBoard",
    "TorchScript",
    "WebGL",
    "Xception",
)
# All that a program reads, not a person.
CODE = re.compile(
    "|".join([
        r"```.*?```",
        r"``[^`]+``",
        r"`[^`]+`",
        r"<[^>\n]+>",
        r"\]\([^)]*\)",  # what a link leads to
        r"\S*[/_]\S*",  # addresses, files, identifiers
        r"\"[^\"\n]*\"",
        r"^ *>>> [^\n]*",
        r"^ {4,}(?:python|ferlab|make|pip) [^\n]*",
        r"--[\w-]+",
    ]),
    re.DOTALL | re.MULTILINE,
)  # fmt: skip


def misspelled(text: str) -> Iterator[tuple[int, str, str]]:
    """(line, word, right spelling) of every name in a text that is spelled in another way.

    Example:
        >>> list(misspelled("Trained on FER2013 with ad-corre, and with `ad-corre`."))
        [(1, 'ad-corre', 'Ad-Corre'), (1, 'FER2013', 'FER-2013')]
    """
    prose = CODE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
    for name in NAMES:
        for found in re.finditer(rf"(?<![\w.@-])(?:{_any_spelling(name)})(?![\w@(=-]|\.\w)", prose, re.IGNORECASE):
            if " ".join(found[0].split()) != name:
                yield prose.count("\n", 0, found.start()) + 1, found[0], name


def _any_spelling(name: str) -> str:
    """A pattern for a name that takes no notice of capitals, hyphens and spaces between its parts."""
    parts = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", name)
    return r"[-\s]?".join(map(re.escape, parts))


def prose_of_python(source: str) -> str:
    """Comments and docstrings of a program at their lines, all else left empty."""
    lines = [""] * (source.count("\n") + 2)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            lines[token.start[0] - 1] = token.string.lstrip("#")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            docstring = node.body[0]
            for offset, line in enumerate(ast.get_docstring(node, clean=False).split("\n")):
                lines[docstring.lineno - 1 + offset] = line
    return "\n".join(lines)


def main() -> int:
    wrong = []
    for path in sorted({path for place in PLACES for path in ROOT.glob(place)}):
        text = path.read_text(encoding="utf-8")
        prose = prose_of_python(text) if path.suffix == ".py" else text
        for line, word, name in misspelled(prose):
            wrong.append(f"{path.relative_to(ROOT)}:{line}: {' '.join(word.split())} is spelled {name}")
    print("\n".join(wrong), end="\n" if wrong else "")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
