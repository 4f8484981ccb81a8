"""Draw docs/architecture.svg: the packages of ferlab in their layers, and who imports whom, read from the code.

    python docs/draw_architecture.py            # write it anew
    python docs/draw_architecture.py --check    # only say whether it is current, as make check does

The layers are those of the contract in pyproject.toml, ``[tool.importlinter]``. An arrow is left out where a longer way
along other arrows says the same already, and where it leads to the lowest layer, which everything may use.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import grimp

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "architecture.svg"
WIDTH, ROW, BOX_HEIGHT, GAP, MARGIN = 860, 76, 34, 24, 20
LETTER = 8.2  # width of a letter of the names, in pixels
LANE = 14  # width of the way that a long arrow takes through a row
STYLE = """
    text { font: 14px system-ui, sans-serif; fill: #1f2933; text-anchor: middle; }
    .ground { fill: #ffffff; }
    .box { fill: #e8f0f7; stroke: #33658a; }
    .arrow { stroke: #7d848c; stroke-width: 1.3; fill: none; }
    .head { fill: #7d848c; }
"""


@dataclass(frozen=True)
class Place:
    """Where something is drawn: its middle and its width, in pixels."""

    x: float
    y: float
    width: float


def layers(root: Path = ROOT) -> list[list[str]]:
    """The names in each layer, from the highest down."""
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    return [[name.strip() for name in row.replace(":", "|").split("|")] for row in settings["contracts"][0]["layers"]]


def package_imports(root: Path = ROOT) -> dict[str, set[str]]:
    """For each package or module right below ferlab those that it imports."""
    sys.path.insert(0, str(root))
    try:
        graph = grimp.build_graph("ferlab", cache_dir=None)
    finally:
        sys.path.remove(str(root))
    names = [module.split(".")[1] for module in graph.find_children("ferlab")]
    imports: dict[str, set[str]] = {name: set() for name in names}
    for module in graph.modules - {"ferlab"}:
        for other in graph.find_modules_directly_imported_by(module) - {"ferlab"}:
            imports[module.split(".")[1]].add(other.split(".")[1])
    return {name: others - {name} for name, others in imports.items()}


def without_detours(imports: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Only those imports that no longer way through other ones leads along already.

    Example:
        >>> without_detours({"a": {"b", "c"}, "b": {"c"}, "c": set()})
        {'a': {'b'}, 'b': {'c'}, 'c': set()}
    """

    def reached(name: str) -> set[str]:
        return imports[name].union(*map(reached, imports[name]))

    return {name: others - set().union(*map(reached, others)) for name, others in imports.items()}


def ways(arrows: Mapping[str, set[str]], rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """Each arrow as its start, a lane of its own through every row between, and its end."""
    number = {name: n for n, row in enumerate(rows) for name in row}
    return [
        [name, *(f"{name} > {other} in row {n}" for n in range(number[name] + 1, number[other])), other]
        for name in number
        for other in sorted(arrows[name], key=lambda other: (number[other], other))
    ]


def ordered(rows: Sequence[Sequence[str]], ways: Sequence[Sequence[str]]) -> list[list[str]]:
    """The rows with the lanes in them, everything near what it is joined to, so that few arrows cross."""
    first = {name: n for n, row in enumerate(rows) for name in row}
    ordered = [list(row) for row in rows]
    for way in ways:
        for step, lane in enumerate(way[1:-1], start=1):
            ordered[first[way[0]] + step].append(lane)
    joined: dict[str, list[str]] = {name: [] for row in ordered for name in row}
    for way in ways:
        for upper, lower in zip(way, way[1:], strict=False):
            joined[upper].append(lower)
            joined[lower].append(upper)
    for _ in range(12):
        at = {name: (n + 0.5) / len(row) for row in ordered for n, name in enumerate(row)}
        for row in ordered[:-1]:
            row.sort(key=lambda name: sum(at[other] for other in joined[name]) / max(1, len(joined[name])))
            at |= {name: (n + 0.5) / len(row) for n, name in enumerate(row)}
    return ordered


def places(rows: Sequence[Sequence[str]]) -> dict[str, Place]:
    """Each row in the middle of the picture."""
    found = {}
    for number, row in enumerate(rows):
        widths = [LANE if ">" in name else max(76.0, LETTER * len(name) + 22) for name in row]
        left = (WIDTH - sum(widths) - GAP * (len(row) - 1)) / 2
        for name, width in zip(row, widths, strict=True):
            found[name] = Place(left + width / 2, MARGIN + BOX_HEIGHT / 2 + number * ROW, width)
            left += width + GAP
    return found


def draw(root: Path = ROOT) -> str:
    """The picture as the text of an SVG file."""
    rows = [row for row in layers(root) if row != ["__main__"]]  # which only starts the command line
    imports = package_imports(root)
    if missing := sorted(set(imports) - {name for row in rows for name in row} - {"__main__"}):
        raise SystemExit(f"pyproject.toml, [tool.importlinter], gives no layer to: {', '.join(missing)}")
    arrows = {name: others - set(rows[-1]) for name, others in without_detours(imports).items()}
    drawn = ways(arrows, rows)
    placed = places(ordered(rows, drawn))
    height = 2 * MARGIN + (len(rows) - 1) * ROW + BOX_HEIGHT
    size = {"viewBox": f"0 0 {WIDTH} {height}", "width": str(WIDTH), "height": str(height)}
    svg = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "role": "img", **size})
    SubElement(svg, "title").text = "The packages of ferlab in their layers, and who imports whom"
    SubElement(svg, "style").text = STYLE
    SubElement(svg, "rect", {"class": "ground", "width": "100%", "height": "100%"})
    for way in drawn:
        _draw_arrow(svg, [placed[name] for name in way])
    for name in (name for row in rows for name in row):
        _draw_box(svg, name, placed[name])
    indent(svg)
    return tostring(svg, encoding="unicode") + "\n"


def _draw_arrow(svg: Element, way: Sequence[Place]) -> None:
    """A line from the lower edge of a box to the upper edge of another, upright wherever it passes a row."""
    x, y = way[0].x, way[0].y + BOX_HEIGHT / 2
    line = f"M{x:.0f},{y:.0f}"
    for place in way[1:]:
        end = place.y - BOX_HEIGHT / 2 - (6 if place is way[-1] else 0)
        middle = (y + end) / 2
        line += f" C{x:.0f},{middle:.0f} {place.x:.0f},{middle:.0f} {place.x:.0f},{end:.0f}"
        x, y = place.x, end
        if place is not way[-1]:
            y = place.y + BOX_HEIGHT / 2
            line += f" V{y:.0f}"
    SubElement(svg, "path", {"class": "arrow", "d": line})
    SubElement(
        svg, "polygon", {"class": "head", "points": f"{x - 4:.0f},{y:.0f} {x + 4:.0f},{y:.0f} {x:.0f},{y + 6:.0f}"}
    )


def _draw_box(svg: Element, name: str, place: Place) -> None:
    corner = {"x": f"{place.x - place.width / 2:.0f}", "y": f"{place.y - BOX_HEIGHT / 2:.0f}"}
    SubElement(
        svg, "rect", {"class": "box", **corner, "width": f"{place.width:.0f}", "height": f"{BOX_HEIGHT}", "rx": "5"}
    )
    SubElement(svg, "text", {"x": f"{place.x:.0f}", "y": f"{place.y + 5:.0f}"}).text = name


def main() -> int:
    picture = draw()
    if "--check" not in sys.argv[1:]:
        PICTURE.write_text(picture, encoding="utf-8")
        return 0
    current = PICTURE.is_file() and PICTURE.read_text(encoding="utf-8") == picture
    print("" if current else "docs/architecture.svg shows other packages or imports than the code has", end="")
    return not current


if __name__ == "__main__":
    sys.exit(main())
