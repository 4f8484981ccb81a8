"""The report: one HTML file with everything in it."""

from __future__ import annotations

import base64
import io
import json
import math
from html import escape
from importlib import resources
from pathlib import Path

import numpy as np

from ferlab.data.dataset import FaceDataset, random_part
from ferlab.errors import FerlabError
from ferlab.figures.palette import class_colors, method_color, method_label, method_style
from ferlab.files import atomic_path
from ferlab.report.evidence import comparison_table, recall_table, slice_table
from ferlab.report.run_folder import Run, read_run
from ferlab.report.verdict import Verdict, verdict
from ferlab.training.methods import reference_of
from ferlab.training.runs import flatten

MAXIMUM_FACES = 3000
_TILE = 64

# Key, heading, is more better?, what it says. The last four are below `geometry`.
METRICS = (
    ("accuracy", "accuracy", True, "share of test faces classified right"),
    ("balanced_accuracy", "balanced accuracy", True, "recall, averaged over the classes"),
    ("macro_f1", "macro-F1", True, "F1, averaged over the classes"),
    (
        "within_between_ratio",
        "within / between",
        False,
        "distance to the own class center over the distance between class centers",
    ),
    ("silhouette", "silhouette", True, "how much closer a face is to its own class than to the next one, from -1 to 1"),
    ("knn_accuracy", "10-NN accuracy", True, "right by vote of the 10 nearest faces, without the classifier"),
    ("map_at_r", "MAP@R", True, "how well faces of the same class come first when searching with a face"),
)


def write_report(run_dir: str | Path, dataset: FaceDataset) -> Path:
    """Write `report.html` into a run folder: self-contained, it opens from disk without network or server.

    Args:
        run_dir: a run folder (see `ferlab.report.read_run`).
        dataset: the test split that was evaluated; its images become the faces under the cursor.

    Returns:
        The path of the report.

    Raises:
        FerlabError: the run folder is incomplete, or the data set is not the one of the run.

    Example:
        >>> from ferlab.data import load_dataset                            # doctest: +SKIP
        >>> write_report("runs/first", load_dataset("synthetic", "test"))   # doctest: +SKIP
        PosixPath('runs/first/report.html')
    """
    run = read_run(run_dir)
    points = run.map_points() if run.mapped_methods else {}
    shown = np.empty(0, dtype=np.int64)
    if points:
        first = next(iter(points.values()))
        chosen = np.arange(len(first))
        if len(chosen) > MAXIMUM_FACES:
            chosen = random_part(len(chosen), MAXIMUM_FACES)
            points = {name: of.iloc[chosen] for name, of in points.items()}
            first = next(iter(points.values()))
        shown = first["index"].to_numpy(dtype=np.int64)
        if len(shown) and (
            shown.max() >= len(dataset) or not (dataset.labels[shown] == first["label"].to_numpy()).all()
        ):
            raise FerlabError(
                f"The faces given ({dataset.name}, {dataset.split}) are not those of {run.path}; "
                f"load the test split of {run.summary.get('dataset', 'its data set')}."
            )
    text = _page(run, dataset, points, shown)
    target = run.path / "report.html"
    with atomic_path(target) as beside:
        beside.write_text(text, encoding="utf-8")
    return target


def _page(run: Run, dataset: FaceDataset, points: dict, shown: np.ndarray) -> str:
    sprite, columns = _sprite(dataset.images[shown]) if len(shown) else ("", 1)
    said = verdict(run)
    parts = {
        "TITLE": escape(f"ferlab: {_count(len(run.methods), 'method')} on {_dataset_label(run, dataset)}"),
        "LEAD": escape(_lead(run, dataset)),
        "HEADLINE": escape(said.headline),
        "SENTENCES": _sentences(said),
        "METRICS": _metric_table(run),
        "COMPARISONS": comparison_table(run),
        "RECALLS": recall_table(run),
        "SLICES": slice_table(run),
        "CONFUSION": _confusion_tables(run, dataset),
        "SETTINGS": _settings(run),
        "SPRITE": sprite,
        "DATA": _json(_payload(run, dataset, points, columns)),
        "CSS": _package_file("report.css"),
        "JS": _package_file("report.js"),
    }
    page = _package_file("template.html")
    # Split once, so that nothing that came from data is searched for placeholders again.
    pieces = page.split("%%")
    if len(pieces) % 2 == 0 or {*pieces[1::2]} - parts.keys():
        raise RuntimeError("template.html and writing.py do not fit together")
    return "".join(parts[piece] if i % 2 else piece for i, piece in enumerate(pieces))


def _sentences(said: Verdict) -> str:
    """The verdict's sentences; many are folded below those that sum them up, since a table says them in numbers."""
    few = said.sentences if len(said.sentences) <= 5 else said.sentences[:2]
    shown = said.short or few
    rest = [sentence for sentence in said.sentences if sentence not in shown]
    items = ["<ul>", *(f"<li>{escape(sentence)}</li>" for sentence in shown), "</ul>"]
    if rest:
        items += ["<details><summary>All comparisons in words</summary>", "<ul>"]
        items += [*(f"<li>{escape(sentence)}</li>" for sentence in rest), "</ul>", "</details>"]
    return "\n".join(items)


def _package_file(name: str) -> str:
    return (resources.files("ferlab.report") / name).read_text(encoding="utf-8")


def _json(value) -> str:
    """JSON that can stand in a script element whatever its strings hold."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026").replace("\u2028", "\\u2028")


def _sprite(images: np.ndarray) -> tuple[str, int]:
    """All faces on one sheet of 64 px tiles, as a data URI, and the number of columns."""
    from PIL import Image, features

    columns = max(1, math.ceil(math.sqrt(len(images))))
    sheet = Image.new("RGB", (columns * _TILE, math.ceil(len(images) / columns) * _TILE))
    for i, array in enumerate(images):
        face = Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array).convert("RGB")
        if face.size != (_TILE, _TILE):
            face = face.resize((_TILE, _TILE), Image.Resampling.LANCZOS)
        sheet.paste(face, (i % columns * _TILE, i // columns * _TILE))
    buffer = io.BytesIO()
    if features.check("webp"):
        sheet.save(buffer, "WEBP", quality=78, method=2)
        kind = "webp"
    else:
        sheet.save(buffer, "JPEG", quality=82)
        kind = "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}", columns


def _payload(run: Run, dataset: FaceDataset, points: dict, columns: int) -> dict:
    colors = class_colors(list(dataset.classes))
    maps = {}
    for name, of in points.items():
        maps[name] = {
            "x": [round(float(v), 4) for v in of["x"]],
            "y": [round(float(v), 4) for v in of["y"]],
            "predicted": of["predicted"].astype(int).tolist(),
            "confidence": [_rounded(v) for v in of["confidence"]],
        }
    labels = next(iter(points.values()))["label"].astype(int).tolist() if points else []
    indices = next(iter(points.values()))["index"].astype(int).tolist() if points else []
    preferred = [name for name in ("ce", "tcl-nearest", "ad-corre") if name in maps]
    panels = (preferred + [name for name in maps if name not in preferred])[:3]
    curves = []
    for name in run.methods:
        of_method = run.history[run.history["method"] == name]
        for seed, rows in of_method.groupby("seed", sort=True):
            rows = rows.sort_values("epoch")
            values = {
                column: [_rounded(v) for v in rows[column]]
                for column in rows.columns
                if column not in ("method", "seed", "epoch", "seconds")
                and np.issubdtype(rows[column].dtype, np.number)
                and rows[column].notna().any()
            }
            curves.append(
                {"method": name, "seed": int(seed), "epoch": rows["epoch"].astype(int).tolist(), "values": values}
            )
    return {
        "classes": [{"name": n, "color": c} for n, c in zip(dataset.classes, colors, strict=True)],
        "methods": {
            name: {"label": method_label(name), "color": method_color(name), "dash": _dash(name)}
            for name in run.methods
        },
        "panels": panels,
        "labels": labels,
        "indices": indices,
        "maps": maps,
        "sprite": {"columns": columns, "tile": _TILE},
        "curves": curves,
        "travel": _travel(run),
    }


def _travel(run: Run) -> dict:
    """Places of the followed validation faces after every epoch: method -> a list of x y x y .. an epoch."""
    if not len(run.epochs):
        return {"labels": [], "methods": {}}
    first = run.epochs[(run.epochs["method"] == run.epochs["method"].iloc[0]) & (run.epochs["epoch"] == 1)]
    methods = {
        name: [
            [round(float(v), 3) for v in rows[["x", "y"]].to_numpy().ravel()]
            for _, rows in of.groupby("epoch", sort=True)
        ]
        for name, of in run.epochs.groupby("method", sort=False)
    }
    return {"labels": first["label"].astype(int).tolist(), "methods": methods}


def _dash(name: str) -> str:
    return {"-": "", "--": "7 4", "-.": "7 3 2 3", ":": "2 3"}.get(method_style(name), "5 2 1 2")


def _rounded(value) -> float | None:
    return round(float(value), 4) if value is not None and np.isfinite(value) else None


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _dataset_label(run: Run, dataset: FaceDataset) -> str:
    return str(run.summary.get("dataset") or dataset.name)


def _lead(run: Run, dataset: FaceDataset) -> str:
    seeds, seconds, epochs = run.summary.get("seeds") or [], run.summary.get("seconds"), run.summary.get("epochs")
    parts = [
        f"Data set {_dataset_label(run, dataset)}",
        _count(len(dataset), "test face"),
        _count(len(run.methods), "method"),
    ]
    if isinstance(epochs, int):
        parts.append(_count(epochs, "epoch"))
    if seeds:
        parts.append(_count(len(seeds), "seed"))
    if isinstance(seconds, (int, float)):
        parts.append(f"{_duration(seconds)} in all")
    return " · ".join(parts)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def metric_of(of: dict, key: str) -> dict | None:
    """One metric of one method in summary.json, wherever it stands there; None when it is absent."""
    value = of.get(key) or of.get("geometry", {}).get(key)
    if not isinstance(value, dict) or value.get("mean") is None or not math.isfinite(value["mean"]):
        return None
    return value


def _metric_table(run: Run) -> str:
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


def _confusion_tables(run: Run, dataset: FaceDataset) -> str:
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


def _settings(run: Run) -> str:
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
