"""What can be moved in FaceLab: names, groups, ranges, and checks of values that come from Python."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real

from ferlab.errors import FerlabError
from ferlab.rendering import ACTION_UNITS, EXPRESSIONS, Light
from ferlab.rendering.expressions import check_action_units

GROUPS: dict[str, tuple[str, ...]] = {
    "Brows": ("AU1", "AU2", "AU4"),
    "Eyes": ("AU5", "AU7", "AU43", "AU64"),
    "Cheeks and nose": ("AU6", "AU9"),
    "Lips": ("AU10", "AU16", "AU18", "AU22", "AU23", "AU24"),
    "Mouth corners": ("AU12", "AU14", "AU15", "AU20"),
    "Chin and jaw": ("AU17", "AU25", "AU26", "AU27"),
}
# name -> label, least, largest, step, unit. The ranges are those of the built-in faces: beyond them the networks have
# seen nothing.
POSE = {
    "yaw": ("turn (yaw)", -32, 32, 1, "°"),
    "pitch": ("nod (pitch)", -18, 16, 1, "°"),
    "roll": ("tilt (roll)", -13, 13, 1, "°"),
}
LIGHT = {
    "azimuth": ("light from the side", -75, 75, 1, "°"),
    "elevation": ("light from above", -8, 65, 1, "°"),
    "softness": ("softness", 0.1, 0.9, 0.05, ""),
    "warmth": ("warmth", -1, 1, 0.05, ""),
    "exposure": ("brightness", -0.7, 0.6, 0.05, ""),
}
NEUTRAL_POSE = dict.fromkeys(POSE, 0.0)
EVERYDAY_LIGHT = {name: float(getattr(Light(), name)) for name in LIGHT}


def prototype(expression: str, variant: str | None = None) -> dict[str, float]:
    """The action units of an expression's variant, the first one by default; a FerlabError names the known ones."""
    if expression not in EXPRESSIONS:
        raise FerlabError(f"There is no expression {expression!r}; choose one of: {', '.join(EXPRESSIONS)}.")
    variants = EXPRESSIONS[expression]
    if variant is not None and variant not in variants:
        raise FerlabError(f"{expression} has no variant {variant!r}; choose one of: {', '.join(variants)}.")
    return variants[next(iter(variants)) if variant is None else variant]


def checked_units(values: Mapping[str, float]) -> dict[str, float]:
    """Intensities of all action units, those not named 0; a FerlabError for what is no intensity."""
    units = check_action_units(_numbers("action units", values))
    if outside := [name for name, value in units.items() if not 0 <= value <= 1]:
        raise FerlabError(f"The intensity of {outside[0]} is {units[outside[0]]:g}: give a number between 0 and 1.")
    return {name: units.get(name, 0.0) for name in ACTION_UNITS}


def checked_pose(values: Mapping[str, float]) -> dict[str, float]:
    """All angles, those not named 0; a FerlabError for unknown ones and what lies out of the range."""
    return _within("pose", values, POSE, NEUTRAL_POSE)


def checked_light(values: Mapping[str, float]) -> dict[str, float]:
    """The whole light, what is not named as usual; a FerlabError for unknown parts and what lies out of the range."""
    return _within("light", values, LIGHT, EVERYDAY_LIGHT)


def _within(what: str, values: Mapping[str, float], ranges: Mapping, default: Mapping[str, float]) -> dict[str, float]:
    given = _numbers(what, values)
    for name, value in given.items():
        if name not in ranges:
            raise FerlabError(f"The {what} has no {name!r}; it takes: {', '.join(ranges)}.")
        _, least, largest, *_ = ranges[name]
        if not least <= value <= largest:
            raise FerlabError(f"The {name} is {value:g}: give a number between {least} and {largest}.")
    return {**default, **given}


def _numbers(what: str, values: Mapping[str, float]) -> dict[str, float]:
    if not isinstance(values, Mapping):
        raise FerlabError(f"The {what} must be names with numbers, such as a dict, not {type(values).__name__}.")
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, Real):
            raise FerlabError(f"The value of {name} is {value!r}: give a number.")
    return {name: float(value) for name, value in values.items()}
