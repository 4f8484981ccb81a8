"""The checks of the exercises: they say what is missing, and never raise.

>>> from ferlab.classroom.exercises import check_zero_loss
"""

from __future__ import annotations

from typing import Any

from ferlab.late import late

__all__ = [
    "check_chosen_dose",
    "check_claims",
    "check_common_neighbors",
    "check_continuity",
    "check_heads_disagree",
    "check_holm",
    "check_kappa",
    "check_least_disagreement",
    "check_little_movement",
    "check_lost_neighbor",
    "check_margin_shift",
    "check_mean_discriminator",
    "check_mixed_negative",
    "check_nearest_center",
    "check_right_but_scattered",
    "check_same_place",
    "check_selection",
    "check_semi_synthesized",
    "check_shared_images",
    "check_torn_apart",
    "check_weighted_distance",
    "check_within_between",
    "check_zero_loss",
]

# Where each check lies: a module for what it looks at.
_HOME = {
    "check_chosen_dose": "evidence",
    "check_claims": "evidence",
    "check_common_neighbors": "spaces",
    "check_continuity": "maps",
    "check_heads_disagree": "losses",
    "check_holm": "evidence",
    "check_kappa": "labels",
    "check_least_disagreement": "losses",
    "check_little_movement": "labels",
    "check_lost_neighbor": "maps",
    "check_margin_shift": "losses",
    "check_mean_discriminator": "losses",
    "check_mixed_negative": "losses",
    "check_nearest_center": "baseline",
    "check_right_but_scattered": "baseline",
    "check_same_place": "attention",
    "check_selection": "spaces",
    "check_semi_synthesized": "losses",
    "check_shared_images": "data",
    "check_torn_apart": "spaces",
    "check_weighted_distance": "attention",
    "check_within_between": "spaces",
    "check_zero_loss": "losses",
}

# Check -> its exercise, as the notebooks number it: by this a teacher's table knows a check wherever it was called.
EXERCISES = {
    "check_selection": "00-1",
    "check_within_between": "00-2",
    "check_kappa": "01-1",
    "check_little_movement": "01-2",
    "check_nearest_center": "02-1",
    "check_right_but_scattered": "02-2",
    "check_margin_shift": "03-1",
    "check_zero_loss": "03-2",
    "check_semi_synthesized": "04-1",
    "check_mixed_negative": "04-2",
    "check_weighted_distance": "05-1",
    "check_same_place": "05-2",
    "check_mean_discriminator": "06-1",
    "check_heads_disagree": "06-2",
    "check_least_disagreement": "06-2",
    "check_torn_apart": "07-1",
    "check_chosen_dose": "07-2",
    "check_common_neighbors": "07-3",
    "check_holm": "08-1",
    "check_claims": "08-2",
    "check_shared_images": "09-1",
    "check_continuity": "10-1",
    "check_lost_neighbor": "10-2",
}


def __getattr__(name: str) -> Any:
    # ipywidgets and jupyter-scatter are imported only when a check needs them.
    return late(__name__, _HOME, name)


def __dir__() -> list[str]:
    return __all__
