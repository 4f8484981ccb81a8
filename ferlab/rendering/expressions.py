"""Action units of the Facial Action Coding System (FACS): what moves, and the prototypes of seven expressions.

An action unit (AU) is given by an intensity, 0 (absent) to 1 (FACS level E). It drives two things: facial actions of
the mesh under their ARKit names, and skin folds that the mesh is too coarse to show (see folds.py). The prototypes
follow EMFACS; they are posed patterns, not statements about what anyone feels.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ferlab.errors import FerlabError

# AU -> {facial action: gain}; "Left"/"Right" are added where the action is paired. Gains above 1 mend shapes
# that stay too small to read in a 64-pixel picture.
ACTIONS: dict[str, dict[str, float]] = {
    "AU1": {"browInnerUp": 1.6},
    "AU2": {"browOuterUp": 1.3},
    "AU4": {"browDown": 1.6, "noseSneer": 0.35, "browOuterUp": 0.26, "browInnerUp": -0.19},
    "AU5": {"eyeWide": 1.8, "browOuterUp": -0.2},
    "AU6": {"cheekSquint": 1.15, "eyeSquint": 0.54},
    "AU7": {"eyeSquint": 0.73, "eyeBlink": 0.04},
    "AU9": {"noseSneer": 1.7, "browDown": 0.25, "mouthUpperUp": 0.16, "eyeSquint": 0.15, "browInnerUp": -0.16},
    "AU10": {"mouthUpperUp": 1.56, "cheekSquint": 0.21, "mouthSmile": 0.2},
    "AU12": {"mouthSmile": 1.6, "mouthStretch": 0.3, "cheekSquint": -0.18},
    "AU14": {"mouthDimple": 1.2},
    "AU15": {"mouthFrown": 1.6, "mouthStretch": 0.32},
    "AU16": {"mouthLowerDown": 0.94},
    "AU17": {"mouthShrugLower": 0.78, "mouthShrugUpper": 0.54},
    "AU18": {"mouthPucker": 1.0},
    "AU20": {"mouthStretch": 1.9},
    "AU22": {"mouthFunnel": 1.0},
    "AU23": {"mouthRollLower": 0.55, "mouthRollUpper": 0.55, "mouthPucker": 0.22, "mouthFrown": 0.15},
    "AU24": {
        "mouthPress": 0.55,
        "mouthRollLower": 0.5,
        "mouthRollUpper": 0.32,
        "mouthFrown": 0.3,
        "mouthStretch": 0.24,
    },
    "AU25": {"mouthLowerDown": 0.4, "mouthUpperUp": 0.4, "jawOpen": 0.08},
    "AU26": {"jawOpen": 0.35},
    "AU27": {"jawOpen": 0.8},
    "AU43": {"eyeBlink": 0.55},
    "AU64": {"eyeLookDown": 1.0},
}
# where units add up, paired actions go no further: beyond, faces turn into caricatures
MOST = {"cheekSquint": 1.0, "mouthSmile": 1.6, "mouthUpperUp": 1.45, "browDown": 1.7}
ACTION_UNITS = tuple(ACTIONS)
# the rig's relaxed mouth looks sullen: what it takes to look at ease
REST: dict[str, float] = {"mouthSmile": 0.21}
DESCRIPTIONS: dict[str, str] = {
    "AU1": "inner brow raiser",
    "AU2": "outer brow raiser",
    "AU4": "brow lowerer",
    "AU5": "upper lid raiser",
    "AU6": "cheek raiser",
    "AU7": "lid tightener",
    "AU9": "nose wrinkler",
    "AU10": "upper lip raiser",
    "AU12": "lip corner puller",
    "AU14": "dimpler",
    "AU15": "lip corner depressor",
    "AU16": "lower lip depressor",
    "AU17": "chin raiser",
    "AU18": "lip pucker",
    "AU20": "lip stretcher",
    "AU22": "lip funneler",
    "AU23": "lip tightener",
    "AU24": "lip pressor",
    "AU25": "lips part",
    "AU26": "jaw drop",
    "AU27": "mouth stretch",
    "AU43": "eyes closed (half)",
    "AU64": "eyes down",
}

# class -> variants -> {AU: peak intensity}
EXPRESSIONS: dict[str, dict[str, dict[str, float]]] = {}


def _variant(text: str) -> dict[str, float]:
    """`"1+2(.4)+26"` to `{"AU1": 1.0, "AU2": 0.4, "AU26": 1.0}`."""
    units: dict[str, float] = {}
    for part in filter(None, text.split("+")):
        number, _, peak = part.partition("(")
        units["AU" + number] = float(peak.rstrip(")")) if peak else 1.0
    return units


for _name, _texts in {
    "surprise": (
        "1+2+5+25+26+27(.3)",
        "1+2+5+27",
        "1+2+5+25+27(.9)",
    ),
    "fear": (
        "1+2(.1)+4+5+10(.7)+16(.7)+20+25+26",
        "1+2(.1)+4(.7)+5+10(.4)+20+25(.7)+26(.4)",
        "1+2(.1)+4+5+10(.3)+20+25+27",
    ),
    "disgust": (
        "4(.6)+6(.4)+7(.8)+9+10+17",
        "4(.6)+6+7(.6)+9+10(.7)+15(.4)+20(.3)+25",
        "6(.4)+7(.7)+9+10(.8)+15+16(.3)+17(.6)+25(.3)+43(.3)",
        "4(.6)+6(.5)+7+9+10+16(.6)+20(.4)+25+26(.1)+43(.3)",
    ),
    "happiness": (
        "6+10(.6)+12+26(.4)",
        "6+10(.6)+12+25",
        "6+7+10(.6)+12+25+26(.6)",
        "10(.6)+12+25+26(.2)",
    ),
    "sadness": (
        "1+4(.9)+6(.4)+7(.9)+15+20(.8)+24(.2)+43(.4)+64(.2)",
        "1+4+7(.8)+15+17+20(.4)+43(.2)+64(.2)",
        "1+4+15+43+64",
        "1+4+6(.7)+7+15+17(.7)+20(.4)+24(.4)+43(.4)+64(.2)",
    ),
    "anger": (
        "4+5(.6)+7+9(.6)+10(.8)+23+27(.9)",
        "4+5(.8)+7(.6)+9(.6)+17+24",
        "4+5(.7)+7+9(.6)+10+16+20(.3)+22(.4)+25+27(.8)",
        "4+5(.5)+7+9(.6)+10(.7)+16(.6)+25+26(.3)+27(.9)",
    ),
    "neutral": ("",),
}.items():
    EXPRESSIONS[_name] = {text: _variant(text) for text in _texts}


def check_action_units(action_units: Mapping[str, float]) -> dict[str, float]:
    """The same units as floats.

    Args:
        action_units: intensity 0..1 of each unit.

    Raises:
        FerlabError: a name that is not one of ACTION_UNITS, or a value that is no number.
    """
    checked = {}
    for name, value in action_units.items():
        if name not in ACTIONS:
            raise FerlabError(f"Unknown action unit {name!r}: choose among {', '.join(ACTION_UNITS)}.")
        if not np.isfinite(value):
            raise FerlabError(f"The intensity of {name} is {value!r}: give a number between 0 and 1.")
        checked[name] = float(value)
    return checked


def sided(
    action_units: Mapping[str, float], asymmetry: Mapping[str, float] | float = 0.0
) -> dict[str, tuple[float, float]]:
    """Intensity of each unit on the (left, right) side of the face.

    Args:
        action_units: intensity 0..1 of each unit.
        asymmetry: -1..1, of all units or of each by name; positive weakens the right side, negative the left, each by
            that share.

    Raises:
        FerlabError: an unknown unit, or a value that is no number.

    Example:
        >>> sided({"AU12": 1.0}, asymmetry=0.25)
        {'AU12': (1.0, 0.75)}
    """
    result = {}
    for name, value in check_action_units(action_units).items():
        tilt = asymmetry if isinstance(asymmetry, (int, float)) else asymmetry.get(name, 0.0)
        tilt = float(np.clip(tilt, -1.0, 1.0))
        result[name] = (value * (1.0 + min(tilt, 0.0)), value * (1.0 - max(tilt, 0.0)))
    return result


def facial_actions(sides: Mapping[str, tuple[float, float]], names: tuple[str, ...]) -> np.ndarray:
    """How strongly each facial action of the mesh is driven.

    Args:
        sides: (left, right) intensity of each unit, from :func:`sided`.
        names: of the mesh's facial actions, A of them.

    Returns:
        Coefficients, float32 (A,), of the shapes; 1 is a whole one.
    """
    index = {name: i for i, name in enumerate(names)}
    coefficients = np.zeros(len(names), dtype=np.float32)
    for action, gain in REST.items():
        coefficients[[index[action + "Left"], index[action + "Right"]]] += gain
    for unit, (left, right) in sides.items():
        for action, gain in ACTIONS[unit].items():
            if action in index:
                coefficients[index[action]] += gain * 0.5 * (left + right)
            else:
                coefficients[index[action + "Left"]] += gain * left
                coefficients[index[action + "Right"]] += gain * right
    # shapes that share muscles saturate together: squint and blink close one pair of lids
    for side in ("Left", "Right"):
        squint, blink, wide = (index[stem + side] for stem in ("eyeSquint", "eyeBlink", "eyeWide"))
        coefficients[blink] = min(coefficients[blink], 1.0 - 0.25 * min(coefficients[squint], 1.0))
        coefficients[squint] = min(coefficients[squint], 1.1)
        for stem, most in MOST.items():
            coefficients[index[stem + side]] = min(coefficients[index[stem + side]], most)
        coefficients[wide] *= 1.0 - 0.35 * min(coefficients[squint], 1.0)
    coefficients[index["jawOpen"]] = min(coefficients[index["jawOpen"]], 1.0)
    return coefficients
