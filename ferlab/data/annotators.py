"""People who name expressions, simulated: they see action units with errors and know the prototypes.

A model to think with, not of anybody: how real people name faces has to be asked of real people.
"""

from __future__ import annotations

import numpy as np

from ferlab.data.classes import CLASSES
from ferlab.errors import FerlabError

# How strong a pattern must look before an annotator names it: everybody's own, uniform in this range.
THRESHOLDS = (0.2, 0.45)


def simulate_annotators(
    action_units: np.ndarray, count: int = 10, own: float = 0.3, shared: float = 0.0, seed: int = 0
) -> np.ndarray:
    """What some annotators call each face.

    An annotator sees the intensity of every action unit with a normal error, finds the prototype (class, variant and
    intensity) that lies nearest to it, and names its class; where the best one is weaker than the annotator's own
    threshold, the answer is neutral. Errors come in two kinds: each annotator's `own`, and those that are `shared`, as
    when light or pose mislead everybody in the same way. The total error has the variance own² + shared².

    Args:
        action_units: float (N, U), intensities in the order of :data:`ferlab.rendering.ACTION_UNITS`.
        count: how many annotators.
        own, shared: standard deviations of the two errors, on the scale of the intensities.
        seed: same input and seed, same answers.

    Returns:
        int64 (N, count), class numbers in the order of :data:`ferlab.data.CLASSES`.

    Raises:
        FerlabError: not one column an action unit, no annotators, a negative error.

    Example:
        >>> from ferlab.rendering import ACTION_UNITS
        >>> smile = np.array([[1.0 if unit in ("AU6", "AU12") else 0.0 for unit in ACTION_UNITS]])
        >>> [CLASSES[k] for k in simulate_annotators(smile, count=3, own=0.0)[0]]
        ['happiness', 'happiness', 'happiness']
    """
    units = np.asarray(action_units, dtype=np.float64)
    patterns, classes = prototypes()
    if units.ndim != 2 or units.shape[1] != patterns.shape[1]:
        raise FerlabError(
            f"The action units must be a matrix (N, {patterns.shape[1]}), one column a unit, but have shape "
            f"{units.shape}."
        )
    if count < 1 or own < 0 or shared < 0:
        raise FerlabError(f"Give at least one annotator and errors of 0 or more, not {count}, {own} and {shared}.")
    rng = np.random.default_rng(seed)
    seen_by_all = units + rng.normal(0, shared, units.shape)
    answers = np.empty((len(units), count), dtype=np.int64)
    for annotator in range(count):
        threshold = rng.uniform(*THRESHOLDS)
        seen = seen_by_all + rng.normal(0, own, units.shape)
        nearest, strength = nearest_pattern(seen, patterns)
        answers[:, annotator] = np.where(strength < threshold, CLASSES.index("neutral"), classes[nearest])
    return answers


def prototypes() -> tuple[np.ndarray, np.ndarray]:
    """All variants of all classes but neutral: peak intensities, float64 (P, U), and class numbers, int64 (P,)."""
    from ferlab.rendering import ACTION_UNITS, EXPRESSIONS

    variants = [(name, units) for name, of in EXPRESSIONS.items() for units in of.values() if units]
    patterns = np.array([[units.get(unit, 0.0) for unit in ACTION_UNITS] for _, units in variants])
    return patterns, np.array([CLASSES.index(name) for name, _ in variants])


def nearest_pattern(seen: np.ndarray, patterns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pattern that comes nearest to each row when it is made as strong as fits best, 0 to 1.

    Args:
        seen: float (N, U).
        patterns: float (P, U), none of them zero.

    Returns:
        Number of the pattern, int64 (N,), and its best strength, float64 (N,).

    >>> nearest_pattern(np.array([[0.1, 0.4]]), np.eye(2))
    (array([1]), array([0.4]))
    """
    products, squares = seen @ patterns.T, (patterns**2).sum(axis=1)
    strengths = np.clip(products / squares, 0.0, 1.0)
    # |seen - t p|² without |seen|², which is the same for every pattern.
    nearest = (strengths**2 * squares - 2 * strengths * products).argmin(axis=1)
    return nearest, strengths[np.arange(len(seen)), nearest]
