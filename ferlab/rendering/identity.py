"""Who is drawn: shape, skin, hair, brows, beard, eyes, glasses and clothes of one imaginary person."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from ferlab.rendering.rig import Rig, load_rig

HAIR_STYLES = (
    "bald",
    "horseshoe",
    "buzz",
    "short",
    "side part",
    "quiff",
    "curly",
    "afro",
    "bob",
    "fringe bob",
    "long",
    "tied back",
    "bun",
    "beanie",
    "headscarf",
)
BEARD_STYLES = ("none", "stubble", "moustache", "goatee", "full")
GLASSES = ("none", "thin", "thick", "round")
# sRGB, from light to dark skin
SKIN_TONES = np.array(
    [
        (0.965, 0.835, 0.760),
        (0.925, 0.755, 0.655),
        (0.855, 0.660, 0.535),
        (0.755, 0.545, 0.415),
        (0.615, 0.420, 0.310),
        (0.465, 0.305, 0.225),
        (0.340, 0.220, 0.165),
    ]
)
HAIR_COLORS = {
    "black": (0.085, 0.070, 0.065),
    "dark brown": (0.17, 0.115, 0.085),
    "brown": (0.30, 0.20, 0.135),
    "light brown": (0.44, 0.315, 0.21),
    "blond": (0.68, 0.53, 0.34),
    "red": (0.50, 0.235, 0.12),
    "gray": (0.52, 0.51, 0.50),
    "white": (0.78, 0.77, 0.75),
}
EYE_COLORS = {
    "dark brown": (0.16, 0.085, 0.05),
    "brown": (0.30, 0.17, 0.09),
    "hazel": (0.38, 0.29, 0.14),
    "green": (0.34, 0.43, 0.28),
    "blue": (0.36, 0.50, 0.62),
    "gray": (0.47, 0.51, 0.53),
}
CLOTH_COLORS = (
    (0.12, 0.13, 0.16),
    (0.85, 0.85, 0.83),
    (0.16, 0.22, 0.36),
    (0.45, 0.13, 0.15),
    (0.20, 0.32, 0.25),
    (0.55, 0.52, 0.46),
    (0.33, 0.33, 0.36),
    (0.70, 0.60, 0.42),
    (0.36, 0.24, 0.36),
    (0.25, 0.42, 0.50),
)


@dataclass(frozen=True)
class Identity:
    """One imaginary person. Colors are sRGB 0..1.

    Attributes:
        age: 1/3 child, 2/3 young adult, 1 old.
        gender: 0 male, 1 female.
        muscle, weight: 0..1.
        african, asian, caucasian: shares of the body model's three ancestry shapes.
        local: components of the local shape, in standard deviations.
        skin_tone: 0 light .. 1 dark.
        undertone: -1 cool .. 1 warm.
        hair_style: one of HAIR_STYLES.
        hair_color: also of brows and beard.
        hairline: -1 low forehead .. 1 receding temples.
        brow_thickness, brow_darkness: 0..1.
        brow_arch, brow_height: -1..1.
        beard: one of BEARD_STYLES.
        beard_density: 0..1.
        eye_color: of the iris.
        lip_redness, makeup, freckles: 0..1.
        glasses: one of GLASSES.
        cloth_color: of the clothes.
        cover_color: of hat or headscarf.
        seed: fixes the noise of skin and hair.
    """

    age: float = 2 / 3
    gender: float = 0.5
    muscle: float = 0.5
    weight: float = 0.5
    african: float = 1 / 3
    asian: float = 1 / 3
    caucasian: float = 1 / 3
    local: tuple[float, ...] = ()
    skin_tone: float = 0.35
    undertone: float = 0.0
    hair_style: str = "short"
    hair_color: tuple[float, float, float] = HAIR_COLORS["dark brown"]
    hairline: float = 0.0
    brow_thickness: float = 0.5
    brow_darkness: float = 0.6
    brow_arch: float = 0.0
    brow_height: float = 0.0
    beard: str = "none"
    beard_density: float = 0.0
    eye_color: tuple[float, float, float] = EYE_COLORS["brown"]
    lip_redness: float = 0.3
    makeup: float = 0.0
    freckles: float = 0.0
    glasses: str = "none"
    cloth_color: tuple[float, float, float] = CLOTH_COLORS[0]
    cover_color: tuple[float, float, float] = CLOTH_COLORS[2]
    seed: int = field(default=0, compare=True)

    def skin_color(self) -> np.ndarray:
        """sRGB 0..1, float64 (3,), of the bare skin."""
        position = float(np.clip(self.skin_tone, 0, 1)) * (len(SKIN_TONES) - 1)
        low = min(int(position), len(SKIN_TONES) - 2)
        color = SKIN_TONES[low] + (SKIN_TONES[low + 1] - SKIN_TONES[low]) * (position - low)
        return np.clip(color + self.undertone * np.array([0.012, 0.008, -0.022]), 0, 1)


def _interpolate(table: np.ndarray, anchors: np.ndarray, value: float) -> np.ndarray:
    value = float(np.clip(value, anchors[0], anchors[-1]))
    high = int(np.clip(np.searchsorted(anchors, value), 1, len(anchors) - 1))
    share = (value - anchors[high - 1]) / (anchors[high] - anchors[high - 1])
    return table[high - 1] * (1 - share) + table[high] * share


def phenotype_scores(rig: Rig, identity: Identity) -> np.ndarray:
    """How much of each shape of the body model a person has, by the model's own multilinear rule.

    Args:
        rig: the face rig, with P shapes.
        identity: who.

    Returns:
        Scores, float64 (P,).
    """
    scores = _interpolate(rig.phenotype_corners, np.asarray(rig.ages), identity.age)
    scores = _interpolate(scores, np.array([0.0, 1.0]), identity.gender)
    scores = _interpolate(scores, np.array([0.0, 0.5, 1.0]), identity.muscle)
    scores = _interpolate(scores, np.array([0.0, 0.5, 1.0]), identity.weight)
    shares = np.array([identity.african, identity.asian, identity.caucasian], dtype=np.float64)
    shares = shares / shares.sum() if shares.sum() > 0 else np.full(3, 1 / 3)
    return shares @ scores


@lru_cache(maxsize=64)
def neutral_shape(identity: Identity) -> np.ndarray:
    """The relaxed face. Kept for the last few identities; do not write into it.

    Args:
        identity: who.

    Returns:
        Vertices, float32 (V, 3), metres from the middle between the eyes.
    """
    rig = load_rig()
    vertices = rig.template + np.tensordot(phenotype_scores(rig, identity).astype(np.float32), rig.phenotype_shapes, 1)
    if identity.local:
        count = min(len(identity.local), len(rig.local_scale))
        scores = np.asarray(identity.local[:count], dtype=np.float32) * rig.local_scale[:count]
        vertices = vertices + np.tensordot(scores, rig.local_shapes[:count], 1)
    eyes = vertices[rig.left_eye | rig.right_eye].mean(axis=0)
    vertices = (vertices - eyes).astype(np.float32)
    vertices.setflags(write=False)
    return vertices


def _rgb(color: np.ndarray) -> tuple[float, float, float]:
    red, green, blue = color.tolist()
    return red, green, blue


def random_skin_tone(rng: np.random.Generator, african: float, asian: float, caucasian: float) -> float:
    """Draw a skin tone, 0 light .. 1 dark, for shares of the three ancestry shapes."""
    return float(
        np.clip(
            african * rng.uniform(0.62, 1.0)
            + asian * rng.uniform(0.12, 0.52)
            + caucasian * rng.uniform(0.0, 0.36)
            + rng.normal(0, 0.03),
            0,
            1,
        )
    )


def random_hair_color(rng: np.random.Generator, age: float, fair: bool) -> tuple[float, float, float]:
    """Draw a hair color, sRGB 0..1, graying with age."""
    names = list(HAIR_COLORS)
    chances = np.array(
        [0.12, 0.24, 0.24, 0.16, 0.14, 0.07, 0, 0] if fair else [0.62, 0.27, 0.08, 0.01, 0.01, 0.01, 0, 0]
    )
    color = np.array(HAIR_COLORS[names[rng.choice(len(names), p=chances / chances.sum())]])
    gray = np.clip((age - 0.80) / 0.15 + rng.normal(0, 0.25), 0, 1) if age > 0.76 else 0.0
    color = color + (np.array(HAIR_COLORS["white" if rng.random() < 0.4 else "gray"]) - color) * gray
    return _rgb(np.clip(color * rng.uniform(0.85, 1.15), 0, 1))


def random_hair_style(rng: np.random.Generator, age: float, female: bool, african: float) -> str:
    """Draw one of HAIR_STYLES; african: share of that ancestry shape."""
    if female:
        styles = {
            "bob": 2,
            "fringe bob": 1.6,
            "long": 2.6,
            "tied back": 1.8,
            "bun": 1.3,
            "side part": 0.7,
            "curly": 0.8,
            "afro": 1.6 * african,
            "headscarf": 0.7,
            "beanie": 0.35,
            "short": 0.4,
        }
    else:
        styles = {
            "short": 2.6,
            "side part": 1.8,
            "quiff": 1.4,
            "buzz": 1.3 + african,
            "curly": 0.9,
            "afro": 0.7 * african,
            "bald": 0.45 + 0.6 * (age > 0.75),
            "horseshoe": 1.2 * (age > 0.78),
            "beanie": 0.4,
            "long": 0.25,
        }
    weights = np.array(list(styles.values()))
    return str(rng.choice(list(styles), p=weights / weights.sum()))


def random_eye_color(rng: np.random.Generator, fair: bool) -> tuple[float, float, float]:
    """Draw the color of the iris, sRGB 0..1."""
    names = list(EYE_COLORS)
    chances = [0.1, 0.22, 0.16, 0.14, 0.26, 0.12] if fair else [0.62, 0.33, 0.05, 0, 0, 0]
    return _rgb(np.clip(np.array(EYE_COLORS[names[rng.choice(6, p=chances)]]) * rng.uniform(0.85, 1.15), 0, 1))


def random_identity(rng: np.random.Generator) -> Identity:
    """Draw a person: age, gender, ancestry, build, coloring, hair, beard, glasses, clothes.

    Args:
        rng: where chance comes from; the same state gives the same person.
    """
    # The shipped people come back from their seeds: the draws, also those of the call below, keep their order.
    gender = float(np.clip(rng.choice([0.08, 0.97]) + rng.normal(0, 0.10), 0, 1))
    female = gender > 0.5
    age = float(
        rng.choice([rng.uniform(0.42, 0.60), rng.uniform(0.60, 0.78), rng.uniform(0.78, 0.97)], p=[0.12, 0.58, 0.30])
    )
    shares = rng.dirichlet([0.35, 0.35, 0.45])
    african, asian, caucasian = (float(value) for value in shares)
    skin_tone = random_skin_tone(rng, african, asian, caucasian)
    fair = caucasian > 0.6 and skin_tone < 0.35
    hair_color = random_hair_color(rng, age, fair)
    hair_style = random_hair_style(rng, age, female, african)
    beard = "none"
    if not female and age > 0.6:
        beard = str(rng.choice(BEARD_STYLES, p=[0.46, 0.24, 0.07, 0.08, 0.15]))
    makeup = float(rng.uniform(0.2, 1.0)) if female and age > 0.55 and rng.random() < 0.55 else 0.0
    wears = rng.random() < (0.14 + 0.12 * (age > 0.8))
    return Identity(
        age=age,
        gender=gender,
        muscle=float(rng.uniform(0.25, 0.75)),
        weight=float(np.clip(rng.normal(0.48, 0.2), 0.05, 0.95)),
        african=african,
        asian=asian,
        caucasian=caucasian,
        local=tuple(float(value) for value in np.clip(rng.normal(0, 0.85, len(load_rig().local_scale)), -2, 2)),
        skin_tone=skin_tone,
        undertone=float(rng.uniform(-1, 1)),
        hair_style=hair_style,
        hair_color=hair_color,
        hairline=float(np.clip(rng.normal(0, 0.6), -1, 1)),
        brow_thickness=float(np.clip(rng.normal(0.40 if female else 0.62, 0.15), 0.15, 1)),
        brow_darkness=float(rng.uniform(0.55, 0.95)),
        brow_arch=float(np.clip(rng.normal(0.25 if female else -0.1, 0.4), -1, 1)),
        brow_height=float(np.clip(rng.normal(0.1, 0.4), -1, 1)),
        beard=beard,
        beard_density=0.0 if beard == "none" else float(rng.uniform(0.55, 1.0)),
        eye_color=random_eye_color(rng, fair),
        lip_redness=float(rng.uniform(0.1, 0.5)) + 0.35 * makeup,
        makeup=makeup,
        freckles=float(rng.uniform(0.3, 1)) if fair and rng.random() < 0.25 else 0.0,
        glasses=str(rng.choice(GLASSES[1:])) if wears else "none",
        cloth_color=CLOTH_COLORS[rng.integers(len(CLOTH_COLORS))],
        cover_color=CLOTH_COLORS[rng.integers(len(CLOTH_COLORS))],
        seed=int(rng.integers(1 << 30)),
    )
