"""The compact face rig: vertices, triangles, identity and expression shapes (see data_scripts/build_rig.py)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from ferlab.errors import FerlabError

RIG_FILE = Path(__file__).with_name("rig.npz")
SKIN, EYE, TEETH, TONGUE, LASHES = range(5)  # the materials of the rig's triangles


@dataclass(frozen=True)
class Rig:
    """Arrays of the rig. V vertices, T triangles, P shapes of the phenotype, L local ones.

    Metres, x right in the picture, y up, z towards the camera, origin midway between the eyes. Floats are float32.

    Attributes:
        template: (V, 3), the average adult.
        triangles: int32 (T, 3).
        material: (T,), one of SKIN, EYE, TEETH, TONGUE, LASHES.
        phenotype_corners: (4, 2, 3, 3, 3, P), scores at the corners of age, gender, muscle, weight, ancestry.
        phenotype_shapes: (P, V, 3), metres.
        local_shapes: (L, V, 3), metres.
        local_scale, local_mean: (L,), their statistics.
        expressions: (52, V, 3), metres, in the order of expression_names.
        expression_names: of the facial actions.
        ages: of the corners, 4 of them.
        lip_upper, lip_lower, ear: (V,), weights 0..1.
        cavity: bool (V,), inside of mouth and eye sockets.
        left_eye, right_eye, upper_teeth, lower_teeth: bool (V,), masks.
    """

    template: np.ndarray
    triangles: np.ndarray
    material: np.ndarray
    phenotype_corners: np.ndarray
    phenotype_shapes: np.ndarray
    local_shapes: np.ndarray
    local_scale: np.ndarray
    local_mean: np.ndarray
    expressions: np.ndarray
    expression_names: tuple[str, ...]
    ages: tuple[float, ...]
    lip_upper: np.ndarray
    lip_lower: np.ndarray
    ear: np.ndarray
    cavity: np.ndarray
    left_eye: np.ndarray
    right_eye: np.ndarray
    upper_teeth: np.ndarray
    lower_teeth: np.ndarray

    def expression_index(self, name: str) -> int:
        """Place of a facial action among the expressions."""
        return self.expression_names.index(name)


@lru_cache(maxsize=1)
def load_rig() -> Rig:
    """Read the rig once and keep it (float32, about 15 MB).

    Raises:
        FerlabError: a rig that is missing or damaged.
    """
    try:
        with np.load(RIG_FILE) as stored:
            arrays = {key: stored[key] for key in stored.files}
    except (OSError, ValueError, EOFError, KeyError, BadZipFile) as error:
        raise FerlabError(
            f"The face rig {RIG_FILE} is missing or damaged: restore it with `git checkout` or build it "
            "with data_scripts/build_rig.py."
        ) from error
    names = json.loads(str(arrays.pop("names")))
    for key, value in arrays.items():
        if value.dtype == np.float16:
            arrays[key] = value.astype(np.float32)
    arrays["triangles"] = arrays["triangles"].astype(np.int32)
    return Rig(**arrays, expression_names=tuple(names["expressions"]), ages=tuple(names["ages"]))
