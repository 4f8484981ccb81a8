"""Write the README's tables of results from the gallery, and draw its pictures: after the gallery was made anew.

python docs/readme_results.py
"""

from __future__ import annotations

import dataclasses
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from ferlab.data import load_dataset
from ferlab.evaluation import predict
from ferlab.figures import correlation_views, dose_panels, embedding_planes, low_spaces, triplet_planes
from ferlab.gallery import open_gallery, seeds_summary
from ferlab.methods import ALL_METHODS, method_label, reference_of, strength_of, without_strength
from ferlab.report import verdict
from ferlab.report.wording import in_words
from ferlab.runs import RunFolder, first_seed_spaces, read_run
from ferlab.vectors import random_part

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
RESULTS = re.compile(r"(?<=<!-- results, by docs/readme_results.py -->\n).*?(?=<!-- end of the results -->)", re.DOTALL)
IN_TABLE = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced",
    "within_between_ratio": "within/between ↓",
    "silhouette": "silhouette",
    "map_at_r": "MAP@R",
}
ASKED_BY = {
    "tcl-nearest": {"open_hinges": "open hinges ↓", "mean_margin": "mean margin ↓", "silhouette": "silhouette"},
    "ad-corre": {
        "correlation_between": "between classes ↓",
        "correlation_within": "within a class ↑",
        "correlation_of_heads": "between heads ↓",
        "within_between_ratio": "within/between ↓",
    },
}
CURVES = {
    "balanced_accuracy": "balanced accuracy",
    "within_between_ratio": "within / between",
    "open_hinges": "TCL: share of open hinges",
    "correlation_between": "Ad-Corre: correlation between",
}
IN_CURVES = ("tcl-nearest", "tcl-semi-synthesized", "ad-corre", "center")  # all six would hide each other
DPI = 90


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of a Markdown table, the first its head."""
    lines = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    return "".join(f"| {' | '.join(row)} |\n" for row in lines)


def methods_table(summary: Mapping[str, Any]) -> str:
    """Mean and standard deviation over the seeds of every method at its default strength."""

    def cell(scores: Mapping[str, Any]) -> str:
        return f"{scores['mean']:.3f} ± {scores['std']:.3f}"

    rows = [["method", *IN_TABLE.values()]]
    for name in [name for name in ALL_METHODS if name in summary["methods"]]:
        own = summary["methods"][name]
        measured = own["geometry"] | own
        rows.append([method_label(name), *(cell(measured[key]) for key in IN_TABLE)])
    return table(rows)


def doses_table(summary: Mapping[str, Any], name: str) -> str:
    """What a loss asks for, and accuracy, over its strengths on test faces: means over the seeds."""
    found = summary["doses"][name]
    measures = {"accuracy": "accuracy", **ASKED_BY[name]}
    rows = [["strength", *measures.values()]]
    for place, strength in enumerate(found["strengths"]):
        words = "0 (control)" if strength == 0 else f"{strength:g}"
        words += ", default" if strength == found["default"] else ""
        rows.append([words, *(f"{found['measures']['test'][key][place]['mean']:.3f}" for key in measures)])
    for lost, seeds in summary["diverged"].items():
        if without_strength(lost) == name:
            words = f"the network is lost, with {len(seeds)} of {len(summary['seeds'])} seeds"
            rows.append([f"{strength_of(lost):g}", words, *[""] * (len(measures) - 1)])
    return table(rows)


def lost(summary: Mapping[str, Any]) -> list[str]:
    """Which strengths lose their network, and which lose it with some seeds."""
    at: dict[float, list[str]] = {}
    for name in summary["diverged"]:
        at.setdefault(strength_of(name) or 0.0, []).append(method_label(without_strength(name)).removeprefix("CE + "))
    sentences = [f"At strength {strength:g} {in_words(names)} lose the network." for strength, names in at.items()]
    for name, of in summary["methods"].items():
        values = of["balanced_accuracy"]["values"]
        control = reference_of(name, summary["methods"])
        if control is None:
            continue
        least = 0.5 * summary["methods"][control]["balanced_accuracy"]["mean"]
        if broken := sum(value < least for value in values):
            sentences.append(f"{method_label(name)} loses it with {broken} of {len(values)} seeds.")
    return [" ".join(sentences) + "\n"] if sentences else []


def results(summary: Mapping[str, Any], headline: str) -> str:
    """All that stands between the marks."""
    seeds = len(summary["seeds"])
    parts = [
        f"**{headline}** ({seeds} seeds, test faces that no network has seen.)\n",
        f"Triplet-Center Loss with the nearest negative, means of {seeds} seeds:\n",
        doses_table(summary, "tcl-nearest"),
        f"Ad-Corre, against the same network with k heads without it, means of {seeds} seeds:\n",
        doses_table(summary, "ad-corre"),
        f"Every method at its default strength, mean ± standard deviation over {seeds} seeds:\n",
        methods_table(summary),
        *lost(summary),
    ]
    return "\n".join(["", *parts, ""])


def picture(name: str, draw: Callable[[], Any]) -> None:
    """Draw a figure into a file of at most 256 colors, a third as large as one of all that smooth edges have."""
    axes = np.asarray(draw()).ravel()
    axes[0].figure.savefig(IMAGES / name, dpi=DPI)
    plt.close(axes[0].figure)
    drawn = Image.open(IMAGES / name).convert("RGB")
    few = drawn.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(IMAGES / name, optimize=True)
    print(IMAGES / name)


def training_means(run: Path, method: str) -> np.ndarray:
    """Class means (K, D) of as many training faces as there are test faces: the ruler of the measures."""
    faces = load_dataset("synthetic", "train")
    faces = faces.subset(random_part(len(faces), len(load_dataset("synthetic", "test"))))
    embeddings = predict(RunFolder(run).network(method).network, faces.images).embeddings
    return np.stack([embeddings[faces.labels == k].mean(axis=0) for k in range(len(faces.classes))])


def draw_pictures(summary: Mapping[str, Any], opened: Path) -> None:
    """The losses' own views of the gallery's spaces, its planes, and the curves over the strengths."""
    test = load_dataset("synthetic", "test")
    folder = open_gallery(opened / "strengths", part="strengths")
    run = read_run(folder)
    (spaces, _), doses = first_seed_spaces(run), run.summary["doses"]
    tcl, ad_corre = (doses[name]["methods"] for name in ASKED_BY)
    shown = [*tcl[:2], tcl[-1]]
    picture(
        "reshaping_tcl.png",
        lambda: triplet_planes(
            {name: spaces[name] for name in shown},
            test.labels,
            test.classes,
            {name: training_means(folder, name) for name in shown},
        ),
    )
    shown_heads = {name: spaces[name] for name in (ad_corre[0], "ad-corre")}
    picture("reshaping_ad_corre.png", lambda: correlation_views(shown_heads, test.labels, test.classes))
    plane = read_run(open_gallery(opened / "plane", part="plane"))
    in_two = low_spaces(plane, load_dataset("synthetic", "train"))
    picture("two_dimensions.png", lambda: embedding_planes(in_two, test.classes))
    in_curves = {name: found for name, found in summary["doses"].items() if name in IN_CURVES}
    picture("doses.png", lambda: dose_panels(in_curves, CURVES, columns=2))


def main() -> None:
    summary = seeds_summary()
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    if RESULTS.search(text) is None:
        raise ValueError("README.md has lost the marks of its results")
    with tempfile.TemporaryDirectory() as opened:
        of_seeds = dataclasses.replace(read_run(open_gallery(Path(opened) / "methods")), summary=summary)
        written = RESULTS.sub(lambda _: results(summary, verdict(of_seeds).headline), text)
        readme.write_text(written, encoding="utf-8")
        draw_pictures(summary, Path(opened))


if __name__ == "__main__":
    main()
