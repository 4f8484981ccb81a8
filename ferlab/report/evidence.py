"""The report's tables behind the verdict: differences with intervals, recall of every class, accuracy on slices."""

from __future__ import annotations

from html import escape
from itertools import groupby

from ferlab.evaluation.significance import Comparison
from ferlab.figures.palette import method_color, method_label
from ferlab.report.run_folder import Run

# Measure, heading, digits, factor.
COMPARED = (
    ("accuracy", "accuracy, points", 1, 100),
    ("balanced_accuracy", "balanced accuracy, points", 1, 100),
    ("within_between_ratio", "within / between", 3, 1),
    ("silhouette", "silhouette", 3, 1),
    ("map_at_r", "MAP@R", 3, 1),
)


def comparison_table(run: Run) -> str:
    """Every method against its reference: mean difference, 95 % interval, corrected p; a sentence with one seed."""
    compared = {
        name: {measure: Comparison(**values) for measure, values in of.items()}
        for name, of in run.summary.get("comparisons", {}).items()
    }
    if not compared:
        return (
            '<p class="note">One seed, or no reference: differences have no interval. Run the comparison with '
            "<code>--seeds 3</code> or more.</p>"
        )
    head = "".join(f'<th scope="col">{escape(heading)}</th>' for _, heading, _, _ in COMPARED)
    rows = []
    for name, of in compared.items():
        cells = []
        for measure, _, digits, factor in COMPARED:
            found = of.get(measure)
            if found is None:
                cells.append('<td class="none">n/a</td>')
                continue
            numbers = [f"{factor * value:+.{digits}f}" for value in (found.difference, found.low, found.high)]
            p = "p &lt; .001" if found.p_corrected < 0.001 else f"p = {found.p_corrected:.3f}"
            mark = f"<b>{numbers[0]}</b>" if found.is_real else numbers[0]
            cells.append(f'<td>{mark}<span class="change">{numbers[1]} to {numbers[2]}<br>{p}</span></td>')
        against = escape(method_label(next(iter(of.values())).reference))
        rows.append(
            f'<tr><th scope="row">{_swatch(name)}{escape(method_label(name))}<span class="change">against {against}'
            f"</span></th>{''.join(cells)}</tr>"
        )
    seeds = max(found.seeds for of in compared.values() for found in of.values())
    return (
        f'<table class="metrics"><thead><tr><th scope="col">method</th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
        f'<p class="note">Mean difference over {seeds} seeds, its 95 % interval, and the p-value of a paired t-test '
        "over them, corrected for the number of methods (Holm). Bold: p below .05.</p>"
    )


def recall_table(run: Run) -> str:
    """Recall of every class, one row a method."""
    methods = {name: of["class_recall"] for name, of in run.summary["methods"].items() if of.get("class_recall")}
    if not methods:
        return '<p class="note">This run holds no recalls.</p>'
    classes = list(dict.fromkeys(c for of in methods.values() for c in of))
    head = "".join(f'<th scope="col">{escape(c)}</th>' for c in classes)
    rows = "".join(
        f'<tr><th scope="row">{_swatch(name)}{escape(method_label(name))}</th>'
        f"{''.join(_share(of.get(c)) for c in classes)}</tr>"
        for name, of in methods.items()
    )
    return _heat_table("method", head, rows)


def slice_table(run: Run) -> str:
    """Accuracy on parts of the test split, one column a method."""
    methods = {name: of["slices"] for name, of in run.summary["methods"].items() if of.get("slices")}
    if not methods:
        return '<p class="note">Nothing is known of these faces but their class, so there are no slices.</p>'
    head = '<th scope="col">faces</th>' + "".join(
        f'<th scope="col">{escape(method_label(name))}</th>' for name in methods
    )
    rows = []
    for kind, parts in groupby(enumerate(next(iter(methods.values()))), key=lambda item: item[1]["kind"]):
        rows.append(f'<tr class="kind"><th scope="rowgroup" colspan="{len(methods) + 2}">{escape(kind)}</th></tr>')
        for i, part in parts:
            cells = "".join(_share(of[i]["accuracy"]) for of in methods.values())
            rows.append(f'<tr><th scope="row">{escape(part["part"])}</th><td>{part["faces"]:,}</td>{cells}</tr>')
    return _heat_table("part", head, "".join(rows))


def _heat_table(corner: str, head: str, rows: str) -> str:
    return (
        f'<table class="metrics heat"><thead><tr><th scope="col">{corner}</th>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def _share(of: dict | None) -> str:
    if of is None:
        return '<td class="none">n/a</td>'
    strong = ' class="strong"' if of["mean"] > 0.5 else ""
    return f'<td{strong} style="--s:{of["mean"]:.3f}">{100 * of["mean"]:.0f} %</td>'


def _swatch(name: str) -> str:
    return f'<span class="line" style="--c:{method_color(name)}"></span>'
