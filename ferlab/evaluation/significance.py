"""Which differences are real: intervals, paired tests, correction for several comparisons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from ferlab.errors import FerlabError

LEVEL = 0.95


@dataclass(frozen=True)
class Comparison:
    """A method against its reference, in one measure, over seeds.

    Attributes:
        reference: name of the method compared with.
        seeds: how many seeds both have.
        difference: mean over the seeds of own minus reference.
        low, high: its 95 % interval.
        p: of the paired t-test.
        p_corrected: the same, corrected for the number of methods compared (Holm).
    """

    reference: str
    seeds: int
    difference: float
    low: float
    high: float
    p: float
    p_corrected: float

    @property
    def is_real(self) -> bool:
        """The corrected test rejects chance at 5 %."""
        return self.p_corrected < 1 - LEVEL


def paired_test(own: list[float], reference: list[float]) -> tuple[float, float, float, float]:
    """Mean of ``own - reference``, its 95 % interval, and the p-value of the paired t-test.

    A seed fixes initial weights and data order, so that two methods with one seed belong together; the seeds are the
    sample, and Student's t says how far their mean can be trusted. One seed cannot tell method from chance: at least
    two are needed.

    Example:
        >>> mean, low, high, p = paired_test([0.82, 0.83, 0.81], [0.80, 0.82, 0.80])
        >>> f"{mean:.4f}, {low:.4f} to {high:.4f}, p = {p:.3f}"
        '0.0133, -0.0010 to 0.0277, p = 0.057'
    """
    differences = np.subtract(own, reference)
    if len(differences) < 2:
        raise ValueError(f"A paired test needs at least two seeds, but got {len(differences)}.")
    mean, error = float(differences.mean()), float(differences.std(ddof=1) / np.sqrt(len(differences)))
    if error < 1e-12 * max(1.0, abs(mean)):
        # Apart by the same in every seed, which shares of some hundred faces easily are: no spread, so no claim.
        return mean, mean, mean, 1.0
    half = float(stats.t.ppf((1 + LEVEL) / 2, len(differences) - 1)) * error
    return mean, mean - half, mean + half, float(stats.ttest_rel(own, reference).pvalue)


def mean_interval(values: list[float]) -> tuple[float, float] | tuple[None, None]:
    """95 % interval of the mean over seeds, by Student's t; (None, None) with one seed.

    >>> low, high = mean_interval([0.80, 0.82, 0.84])
    >>> f"{low:.3f} to {high:.3f}", mean_interval([0.8])
    ('0.770 to 0.870', (None, None))
    """
    if len(values) < 2:
        return None, None
    half = float(stats.t.ppf((1 + LEVEL) / 2, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values)))
    return float(np.mean(values)) - half, float(np.mean(values)) + half


def comparisons(methods: dict[str, dict[str, Any]], references: dict[str, str]) -> dict[str, dict[str, Comparison]]:
    """Every method against its reference, in every measure that both have for at least two seeds.

    Args:
        methods: as in ``summary.json``: measures as ``{"mean", "std", "values"}``, those of the geometry below
            ``"geometry"``, and below ``"measures"`` those of the ``"train"`` and ``"test"`` faces.
        references: method -> the method that it is compared with.

    Returns:
        Method -> measure -> comparison; a measure below ``"measures"`` has its split before its name, as in
        ``train.silhouette``. The correction is for the methods compared in that measure.
    """
    flat = {name: _seed_values(scores) for name, scores in methods.items()}
    found: dict[str, dict[str, Comparison]] = {name: {} for name in references}
    for measure in dict.fromkeys(measure for values in flat.values() for measure in values):
        tests = {}
        for name, reference in references.items():
            own, other = flat[name].get(measure, []), flat[reference].get(measure, [])
            common = min(len(own), len(other))  # after an interruption one may have more
            if common >= 2:
                tests[name] = (common, *paired_test(own[:common], other[:common]))
        corrected = holm({name: p for name, (*_, p) in tests.items()})
        for name, test in tests.items():
            found[name][measure] = Comparison(references[name], *test, corrected[name])
    return {name: by_measure for name, by_measure in found.items() if by_measure}


def _seed_values(scores: dict[str, Any]) -> dict[str, list[float]]:
    """Measure -> values over the seeds, of one method in ``summary.json``."""
    spreads = {**scores, **scores.get("geometry", {})}
    for split, measures in scores.get("measures", {}).items():
        spreads |= {f"{split}.{name}": value for name, value in measures.items()}
    return {name: value["values"] for name, value in spreads.items() if isinstance(value, dict) and value.get("values")}


def holm(p_values: dict[str, float]) -> dict[str, float]:
    """p-values corrected for several comparisons (Holm, Scand. J. Statist. 1979).

    Example:
        >>> holm({"a": 0.01, "b": 0.04, "c": 0.03})
        {'a': 0.03, 'c': 0.06, 'b': 0.06}
    """
    corrected: dict[str, float] = {}
    largest = 0.0
    for rank, name in enumerate(sorted(p_values, key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[name]))
        corrected[name] = largest
    return corrected


def share_interval(count: int, total: int) -> tuple[float, float]:
    """95 % interval of a share from a count (Wilson, J. Amer. Statist. Assoc. 1927).

    For counts of independent faces or people. Unlike mean plus or minus two standard errors it stays within 0 and 1,
    and has a width also where all or none are counted. Of nothing at all, every share is possible.

    Example:
        >>> low, high = share_interval(9, 21)
        >>> f"{low:.3f} to {high:.3f}"
        '0.245 to 0.635'
    """
    if not total:
        return 0.0, 1.0
    found = stats.binomtest(int(count), int(total)).proportion_ci(LEVEL, method="wilson")
    return float(found.low), float(found.high)


def bootstrap_scores(
    labels: np.ndarray,
    predicted: np.ndarray,
    groups: np.ndarray,
    num_classes: int,
    resamples: int = 2000,
    seed: int = 0,
) -> dict[str, tuple[float, float]]:
    """95 % percentile intervals of accuracy, balanced accuracy and macro-F1 of a method.

    Seeds and people are drawn with replacement (people, not faces: the faces of one person are alike).

    Args:
        labels: int64 (N,).
        predicted: int64 (S, N), of S seeds.
        groups: (N,), the person in each face; all different where that is not known.
        num_classes: K, how many classes there are.
        resamples: number of draws.
        seed: of the draws; the same interval comes out every time.
    """
    rng = np.random.default_rng(seed)
    people, person = np.unique(groups, return_inverse=True)
    # (S, people, K * K): confusion counts of every person, so that a draw is a sum.
    cells = num_classes**2
    counts = np.zeros((len(predicted), len(people), cells))
    for run, own in zip(counts, predicted, strict=True):
        np.add.at(run, (person, labels * num_classes + own), 1)
    scores = np.empty((resamples, 3))
    for i in range(resamples):
        weights = np.bincount(rng.integers(len(people), size=len(people)), minlength=len(people))
        chosen = rng.integers(len(predicted), size=len(predicted))
        drawn = np.einsum("p,spc->sc", weights, counts[chosen]).reshape(-1, num_classes, num_classes)
        scores[i] = np.mean([_scores(confusion) for confusion in drawn], axis=0)
    low, high = np.quantile(scores, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    names = ("accuracy", "balanced_accuracy", "macro_f1")
    return {name: (float(a), float(b)) for name, a, b in zip(names, low, high, strict=True)}


def bootstrap_difference(
    right: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    groups: np.ndarray,
    labels: np.ndarray | None = None,
    shares: np.ndarray | None = None,
    resamples: int = 4000,
    seed: int = 0,
) -> tuple[float, np.ndarray]:
    """Difference of the shares of right answers in two parts of the faces, and the same with people drawn anew.

    Args:
        right: bool (N,), whether the answer to a face is right. To compare two networks on the same faces, put their
            answers one after the other, and their faces' people too.
        first: bool (N,), the faces of the first part.
        second: bool (N,), those of the second.
        groups: (N,), the person in each face; a person is drawn with all faces, in both parts.
        labels: int64 (N,), with ``shares`` only.
        shares: (K,), summing to 1: the recalls of each part are weighted with these shares of the classes, so that what
            remains is not the parts' mix of classes.
        resamples: number of draws.
        seed: of the draws.

    Returns:
        The difference, and (resamples,) differences of the draws; their quantiles are an interval. Draws without a face
        of a class that ``shares`` needs, or of a part, are left out.

    Raises:
        FerlabError: a part without faces, or without faces of a class that ``shares`` needs.

    Example:
        >>> right = np.array([True, True, False, True, False, False])
        >>> first = np.array([True, True, True, False, False, False])
        >>> value, drawn = bootstrap_difference(right, first, ~first, groups=np.array([0, 1, 2, 0, 1, 2]))
        >>> f"{value:.3f}, half of the draws from {np.quantile(drawn, 0.25):.3f} to {np.quantile(drawn, 0.75):.3f}"
        '0.333, half of the draws from 0.000 to 0.667'
    """
    people, person = np.unique(groups, return_inverse=True)
    kind = np.zeros(len(right), dtype=np.int64) if shares is None else np.asarray(labels)
    weights = np.ones(1) if shares is None else np.asarray(shares, dtype=float)
    # Of a person, in a part, of a class: how many faces, and how many are right; so a draw is a sum.
    counts = np.zeros((len(people), 2, len(weights), 2))
    for part, inside in enumerate((first, second)):
        np.add.at(counts[..., 0], (person[inside], part, kind[inside]), 1)
        np.add.at(counts[..., 1], (person[inside], part, kind[inside]), np.asarray(right)[inside])
    used = weights > 0
    if (counts[..., used, 0].sum(axis=0) == 0).any():
        raise FerlabError("A part has no faces, or none of a class that counts: compare larger parts, or other shares.")
    draws = np.random.default_rng(seed).multinomial(len(people), np.full(len(people), 1 / len(people)), size=resamples)
    sums = np.tensordot(np.vstack([np.ones(len(people)), draws]), counts[:, :, used], axes=1)
    sums = sums[(sums[..., 0] > 0).all(axis=(1, 2))]
    share = (sums[..., 1] / sums[..., 0]) @ weights[used]
    differences = share[:, 0] - share[:, 1]
    return float(differences[0]), differences[1:]


def _scores(confusion: np.ndarray) -> tuple[float, float, float]:
    """Accuracy, balanced accuracy and macro-F1 of a confusion matrix, over the classes present."""
    right, true, named = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    present = true > 0
    recall = right[present] / true[present]
    f1 = 2 * right[present] / (true + named)[present]
    return float(right.sum() / confusion.sum()), float(recall.mean()), float(f1.mean())
