"""The renderer: what each argument does to the picture, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from ferlab.errors import FerlabError
from ferlab.rendering import (
    ACTION_UNITS,
    EXPRESSIONS,
    Identity,
    Light,
    Pose,
    Scene,
    random_identity,
    random_light,
    random_take,
    render,
)
from ferlab.rendering.expressions import MOST, facial_actions, sided
from ferlab.rendering.hair import STYLES
from ferlab.rendering.head import expression_shape
from ferlab.rendering.identity import BEARD_STYLES, GLASSES, neutral_shape
from ferlab.rendering.paint import face_paint, metered
from ferlab.rendering.rig import load_rig

FACE = Identity(hair_style="short", seed=4)
FLAT = Light(azimuth=0, elevation=20)
SIZE = 96  # drawn with 3 x 3 samples a pixel


def picture(units=None, **arguments) -> np.ndarray:
    return render(FACE, units or {}, arguments.pop("pose", Pose()), FLAT, SIZE, **arguments).astype(float)


@cache
def relaxed() -> np.ndarray:
    return picture()


def change(units, **arguments) -> np.ndarray:
    """Mean absolute change (SIZE, SIZE) of the picture that some units make."""
    return np.abs(picture(units, **arguments) - relaxed()).mean(axis=2)


# rows of the frontal picture: the eyes sit at 37 %, the mouth at 72 % of its height
BROWS, EYES, NOSE, MOUTH = slice(8, 34), slice(28, 46), slice(20, 60), slice(56, 92)


@pytest.mark.parametrize(
    ("unit", "rows"),
    [
        ("AU1", BROWS),
        ("AU2", BROWS),
        ("AU4", BROWS),
        ("AU5", EYES),
        ("AU7", EYES),
        ("AU43", EYES),
        ("AU9", NOSE),
        ("AU12", MOUTH),
        ("AU15", MOUTH),
        ("AU17", MOUTH),
        ("AU20", MOUTH),
        ("AU25", MOUTH),
        ("AU26", MOUTH),
        ("AU27", MOUTH),
    ],
)
def test_action_unit_moves_its_own_region(unit, rows):
    moved = change({unit: 1.0})
    inside = np.zeros(SIZE, bool)
    inside[rows] = True
    assert moved[inside].mean() > 1.0
    assert moved[inside].mean() > 2 * moved[~inside].mean()


@pytest.mark.parametrize("unit", ACTION_UNITS)
def test_every_action_unit_shows_and_grows_with_intensity(unit):
    weak, strong = change({unit: 0.3}).mean(), change({unit: 1.0}).mean()
    assert 0 < weak < strong


def test_smile_lifts_and_frown_lowers_the_mouth_corners():
    rig = load_rig()
    lips = np.maximum(rig.lip_upper, rig.lip_lower) > 0.3
    corners = lips & (np.abs(rig.template[:, 0]) > 0.016)
    rest = neutral_shape(FACE)[corners, 1].mean()
    assert expression_shape(FACE, sided({"AU12": 1.0}))[corners, 1].mean() > rest + 0.003
    assert expression_shape(FACE, sided({"AU15": 1.0}))[corners, 1].mean() < rest - 0.002


def test_asymmetry_moves_one_side_only():
    # the person's left side is on the right of the picture
    moved = change({"AU12": 1.0}, asymmetry=1.0)[60:85]
    assert moved[:, SIZE // 2 + 6 :].mean() > 3 * moved[:, : SIZE // 2 - 6].mean()
    mirrored = change({"AU12": 1.0}, asymmetry={"AU12": -1.0})[60:85]
    assert mirrored[:, : SIZE // 2 - 6].mean() > 3 * mirrored[:, SIZE // 2 + 6 :].mean()


def test_same_arguments_same_pixels_and_size():
    take = random_take(np.random.default_rng(1), "fear")
    who = random_identity(np.random.default_rng(2))
    first, second = (
        render(who, take.action_units, take.pose, take.light, 48, asymmetry=take.asymmetry, scene=take.scene)
        for _ in range(2)
    )
    assert first.shape == (48, 48, 3) and first.dtype == np.uint8
    np.testing.assert_array_equal(first, second)


def test_identities_differ_and_are_repeatable():
    people = [random_identity(np.random.default_rng(k)) for k in range(30)]
    assert people[3] == random_identity(np.random.default_rng(3))
    assert len({person.skin_tone for person in people}) == 30
    assert {person.gender > 0.5 for person in people} == {True, False}
    shapes = np.stack([neutral_shape(person) for person in people[:8]])
    assert np.abs(shapes - shapes.mean(axis=0)).mean() > 1e-3  # millimetres apart, not micrometres


@pytest.mark.parametrize("style", list(STYLES))
def test_every_hair_style_is_drawn(style):
    bare = render(replace(FACE, hair_style="bald"), size=48).astype(float)
    dressed = render(replace(FACE, hair_style=style), size=48).astype(float)
    assert style == "bald" or np.abs(dressed - bare).mean() > 0.5


def test_beards_and_glasses_are_drawn():
    plain = render(FACE, size=64).astype(float)
    for beard in BEARD_STYLES[1:]:
        shaggy = np.abs(render(replace(FACE, beard=beard, beard_density=0.9), size=64) - plain).mean(axis=2)
        assert shaggy[38:].mean() > 5 * shaggy[:30].mean() and shaggy.max() > 15
    for glasses in GLASSES[1:]:
        worn = np.abs(render(replace(FACE, glasses=glasses), size=64) - plain).mean(axis=2)
        assert worn[14:36].mean() > 1.0 > worn[46:].mean()


@pytest.mark.parametrize(
    "pose",
    [
        Pose(yaw=90),
        Pose(yaw=-90),
        Pose(pitch=60),
        Pose(pitch=-60),
        Pose(roll=180),
        Pose(zoom=4),
        Pose(zoom=0.2),
        Pose(shift_x=3.0),
        Pose(yaw=180),
    ],
)
def test_edge_poses_are_drawn(pose):
    image = render(FACE, {"AU27": 1.0}, pose, size=32)
    assert image.shape == (32, 32, 3)


def test_yaw_turns_the_nose_to_its_side():
    right, left = picture(pose=Pose(yaw=25)), picture(pose=Pose(yaw=-25))
    face = np.abs(right - left).mean(axis=2)
    assert face.mean() > 5
    tip = int(np.argmax(load_rig().template[:, 2]))
    assert (load_rig().template[tip] @ Pose(yaw=25).rotation().T)[0] > 0.01


def test_light_comes_from_its_side():
    cheeks = slice(40, 60)
    from_right = render(FACE, light=Light(azimuth=70, elevation=5, ambient=0.2, fill=0.0), size=SIZE).astype(float)[
        cheeks
    ]
    from_left = render(FACE, light=Light(azimuth=-70, elevation=5, ambient=0.2, fill=0.0), size=SIZE).astype(float)[
        cheeks
    ]
    right_half, left_half = slice(56, 72), slice(24, 40)
    assert from_right[:, right_half].mean() > 1.3 * from_right[:, left_half].mean()
    assert from_left[:, left_half].mean() > 1.3 * from_left[:, right_half].mean()


def test_background_and_occluder_stay_where_they_belong():
    one, other = picture(scene=Scene(background=1)), picture(scene=Scene(background=2))
    assert np.abs(one - other)[40:60, 36:60].max() == 0  # the middle of the face
    assert np.abs(one - other)[2:30, :6].mean() > 2
    covered = picture(scene=Scene(background=1, occluder="band"))
    assert 0.02 < (np.abs(covered - one).mean(axis=2) > 8).mean() < 0.4


def test_bad_arguments_are_named():
    with pytest.raises(FerlabError, match="AU99"):
        render(FACE, {"AU99": 1.0})
    with pytest.raises(FerlabError, match="number"):
        render(FACE, {"AU12": float("nan")})
    with pytest.raises(FerlabError, match="size"):
        render(FACE, size=8)
    with pytest.raises(FerlabError, match="size"):
        render(FACE, size=5000)
    with pytest.raises(FerlabError, match="mohawk"):
        render(replace(FACE, hair_style="mohawk"))
    with pytest.raises(FerlabError, match="ecstasy"):
        random_take(np.random.default_rng(0), "ecstasy")


def test_prototypes_use_known_units_and_every_class():
    assert list(EXPRESSIONS) == ["surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral"]
    for variants in EXPRESSIONS.values():
        for units in variants.values():
            assert set(units) <= set(ACTION_UNITS) and all(0 < value <= 1 for value in units.values())
    names = load_rig().expression_names
    for unit in ACTION_UNITS:
        assert np.abs(facial_actions(sided({unit: 1.0}), names)).sum() > 0


def test_takes_stay_inside_their_ranges():
    rng = np.random.default_rng(0)
    takes = [random_take(rng, "anger", 0.3, 0.9) for _ in range(200)]
    assert all(0.3 <= take.intensity <= 0.9 for take in takes)
    assert {take.variant for take in takes} == set(EXPRESSIONS["anger"])
    assert all(0 <= value <= 1.1 for take in takes for value in take.action_units.values())
    assert random_take(rng, "neutral").intensity == 0
    assert all(-90 < random_light(rng).elevation < 90 for _ in range(50))


def test_some_faces_of_every_class_talk():
    rng = np.random.default_rng(0)
    for name in EXPRESSIONS:
        takes = [random_take(rng, name).action_units for _ in range(200)]
        assert sum(units.get("AU25", 0) + units.get("AU26", 0) + units.get("AU27", 0) > 0.1 for units in takes) > 20


def test_no_neutral_face_is_exactly_relaxed():
    rng = np.random.default_rng(1)
    takes = [random_take(rng, "neutral").action_units for _ in range(100)]
    assert all(sum(units.values()) > 0.005 for units in takes)
    assert np.median([sum(units.values()) for units in takes]) > 0.15


def test_units_that_add_up_keep_faces_natural():
    names = load_rig().expression_names
    both = facial_actions(sided({"AU4": 1.0, "AU9": 1.0, "AU10": 1.0, "AU12": 1.0, "AU6": 1.0}), names)
    assert all(both[names.index(stem + "Left")] <= most for stem, most in MOST.items())
    assert both[names.index("mouthSmileLeft")] == pytest.approx(MOST["mouthSmile"])


def test_squinting_lids_hide_the_eyeball():
    # where the ball shows through the lower lid, there is twice as much white
    white = 0
    for k in range(12):
        who = replace(random_identity(np.random.default_rng(k)), glasses="none", skin_tone=0.6)
        squint = render(who, {"AU6": 1.0, "AU7": 1.0, "AU12": 1.0}, Pose(yaw=10), FLAT, 192, supersample=1)
        white += int((squint[62:92, 40:152].min(axis=2) > 150).sum())
    assert 100 < white < 400


def test_dark_skin_is_exposed_longer_but_does_not_shine():
    fair, dark = (replace(FACE, skin_tone=tone) for tone in (0.1, 0.95))
    assert metered(dark) > 2 * metered(fair)
    sides, pose = sided({}), Pose()
    assert face_paint(dark, sides, pose).glare * metered(dark) < 1.5 * metered(fair)
    pictures = [render(who, light=FLAT, size=64)[20:50, 20:44].astype(float).mean() for who in (fair, dark)]
    assert 0.4 < pictures[1] / pictures[0] < 0.85  # lighter than in life, and still dark


def test_drawing_needs_neither_torch_nor_the_body_model():
    code = (
        "import sys; from ferlab.rendering import Identity, render; render(Identity(), {'AU12': 1.0}, size=32); "
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'torch', 'anny', 'warp', 'pandas', 'sklearn'}))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_missing_rig_is_explained(monkeypatch, tmp_path):
    import ferlab.rendering.rig as rig_module

    damaged = tmp_path / "rig.npz"
    damaged.write_bytes(rig_module.RIG_FILE.read_bytes()[:5000])
    monkeypatch.setattr(rig_module, "RIG_FILE", damaged)
    with pytest.raises(FerlabError, match="build_rig.py"):
        rig_module.load_rig.__wrapped__()
