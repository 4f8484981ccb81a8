"""The report's tables behind the verdict: differences with intervals, recall of every class, accuracy on slices."""

from __future__ import annotations

from html import escape
from itertools import groupby

import numpy as np

from ferlab.data.dataset import FaceDataset
from ferlab.evaluation.significance import Comparison
from ferlab.methods import reference_of
from ferlab.palette import method_color, method_label
from ferlab.report.measures import METRICS, metric_of
from ferlab.runs.folder import flatten
from ferlab.runs.reading import Run

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


def metric_table(run: Run) -> str:
    methods = run.summary["methods"]
    several = len(run.summary.get("seeds") or []) > 1
    head = "".join(
        f'<th scope="col" title="{escape(what)}">{escape(heading)} '
        f'<span class="way" aria-label="{"more" if more else "less"} is better">{"↑" if more else "↓"}</span></th>'
        for _, heading, more, what in METRICS
    )
    rows = []
    for name, of in methods.items():
        cells = []
        for key, _, _, _ in METRICS:
            value = metric_of(of, key)
            if value is None:
                cells.append('<td class="none">n/a</td>')
                continue
            spread = f" <small>± {value.get('std') or 0:.3f}</small>" if several else ""
            base = metric_of(methods.get("ce", {}), key) if name != "ce" else None
            change = f'<span class="change">{value["mean"] - base["mean"]:+.3f}</span>' if base else ""
            ends = [value.get(end) for end in ("low", "high")]
            interval = "" if None in ends else f'<span class="change">{ends[0]:.3f} to {ends[1]:.3f}</span>'
            cells.append(f"<td>{value['mean']:.3f}{spread}{interval}{change}</td>")
        swatch = f'<span class="line" style="--c:{method_color(name)}"></span>'
        rows.append(f'<tr><th scope="row">{swatch}{escape(method_label(name))}</th>{"".join(cells)}</tr>')
    note = "Mean over the seeds ± standard deviation. " if several else ""
    bounds = "From .. to: 95 % interval over the test faces (over their people, where they are known)"
    bounds += " and the seeds (bootstrap). " if several else " (bootstrap); another seed is not in it. "
    if not any("low" in of.get("accuracy", {}) for of in methods.values()):
        bounds = ""
    against = "Signed: change against cross-entropy. " if "ce" in methods and len(methods) > 1 else ""
    meanings = "".join(f"<dt>{escape(heading)}</dt><dd>{escape(what)}</dd>" for _, heading, _, what in METRICS)
    return (
        f'<table class="metrics"><thead><tr><th scope="col">method</th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
        f'<p class="note">{note}{bounds}{against}↑ more is better, ↓ less is better.</p>'
        f'<details><summary>What the columns mean</summary><dl class="meanings">{meanings}</dl></details>'
    )


def confusion_tables(run: Run, dataset: FaceDataset) -> str:
    """Shares and counts of the first seed; for a method with a reference also the change of each share, in points."""
    classes, tables = list(dataset.classes), []
    methods = run.summary["methods"]
    for name, of in methods.items():
        counts = np.asarray(of.get("confusion") or [])
        if counts.shape != (len(classes), len(classes)):
            continue
        reference = reference_of(name, methods)
        base = np.asarray(methods[reference].get("confusion") or []) if reference else np.empty(0)
        change = None if base.shape != counts.shape else 100 * (_row_shares(counts) - _row_shares(base))
        head = "".join(f'<th scope="col"><span>{escape(c)}</span></th>' for c in classes)
        rows = []
        for t, row in enumerate(counts):
            total = max(int(row.sum()), 1)
            cells = []
            for p, count in enumerate(row.tolist()):
                share = count / total
                label = f"true {classes[t]}, predicted {classes[p]}: {count} of {int(row.sum())}"
                kind = ' class="strong"' if share > 0.5 else ""
                inner = f"<b>{share:.0%}</b><small>{count}</small>" if count else ""
                moved = 0.0 if change is None else float(change[t, p])
                inner += f"<i>{moved:+.0f}</i>" if abs(moved) >= 0.5 else ""
                way = "more" if moved > 0 else "less"
                button = (
                    f'<button type="button" data-method="{escape(name)}" data-true="{t}" data-predicted="{p}" '
                    f'aria-label="{escape(label)}" title="{escape(label)}">{inner}</button>'
                )
                heat = f"--s:{min(share, 1):.3f};--d:{min(abs(moved) / 15, 1):.3f};--w:var(--{way})"
                cells.append(f'<td{kind} style="{heat}">{button}</td>')
            rows.append(f'<tr><th scope="row">{escape(classes[t])}</th>{"".join(cells)}</tr>')
        tables.append(
            f'<figure class="card{"" if change is None else " against"}"><figcaption>{escape(method_label(name))}'
            f"{'' if change is None else f'<span> minus {escape(method_label(reference))}</span>'}</figcaption>"
            f'<table class="confusion"><thead><tr><td class="corner">true \\ predicted</td>{head}</tr></thead>'
            f"<tbody>{''.join(rows)}</tbody></table></figure>"
        )
    return "".join(tables) or '<p class="note">This run holds no confusion matrices.</p>'


def _row_shares(counts: np.ndarray) -> np.ndarray:
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


def settings_tables(run: Run) -> str:
    groups: dict[str, list[tuple[str, str]]] = {}
    for key, value in run.config.items():
        if isinstance(value, dict):
            groups.setdefault(key, []).extend((name, _plain(of)) for name, of in flatten(value).items())
        else:
            groups.setdefault("run", []).append((key, _plain(value)))
    result = {
        k: run.summary.get(k) for k in ("dataset", "epochs", "seeds", "seconds") if run.summary.get(k) is not None
    }
    groups.setdefault("result", []).extend((k, _plain(v)) for k, v in result.items())
    tables = []
    for group, rows in groups.items():
        body = "".join(f'<tr><th scope="row">{_breakable(k)}</th><td>{escape(v)}</td></tr>' for k, v in rows)
        tables.append(
            f'<section class="card"><h3>{escape(group.replace("_", " "))}</h3>'
            f'<table class="plain"><tbody>{body}</tbody></table></section>'
        )
    return "".join(tables)


def _breakable(name: str) -> str:
    """A dotted_name, escaped, that may continue on the next line after a dot or underscore."""
    return escape(name).replace(".", ".<wbr>").replace("_", "_<wbr>")


def _plain(value) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(_plain(v) for v in value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    return "none" if value is None else str(value)
