"""Render the built-in data set of faces from a seed.

    python data_scripts/render_synthetic.py                     # the whole set, as it ships
    python data_scripts/render_synthetic.py --limit 200 --out /tmp/faces
    python data_scripts/render_synthetic.py --contact-sheet docs/contact_sheet.png

Every image follows from (seed, split, index) and every person from (seed, split, identity) alone: the number
of workers changes nothing, and any image can be drawn again by itself with `draw`."""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import sys
import time
from dataclasses import asdict
from functools import cache, lru_cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ferlab.files import atomic_path, write_json  # noqa: E402
from ferlab.rendering import EXPRESSIONS, Identity, Take, random_identity, random_take, render  # noqa: E402
from ferlab.rendering.sampling import unit_columns  # noqa: E402

SEED = 20260
SIZE = 64
SPLITS = {"train": 9000, "validation": 1500, "test": 3000}
IMAGES_PER_IDENTITY = 6
# images of each class in RAF-DB's training set, whose imbalance the set repeats
RAFDB_TRAIN = {
    "surprise": 1290,
    "fear": 281,
    "disgust": 717,
    "happiness": 4772,
    "sadness": 1982,
    "anger": 705,
    "neutral": 2524,
}
TEST_LEAST = 250
INTENSITY = (0.2, 1.0)


def class_counts(split: str, total: int) -> dict[str, int]:
    """Images of each class: RAF-DB's shares, in the test split on top of TEST_LEAST scaled to the total."""
    least = round(TEST_LEAST * total / SPLITS["test"]) if split == "test" else 0
    shares = np.array(list(RAFDB_TRAIN.values()), dtype=float)
    exact = shares / shares.sum() * total
    if least:  # the floor for small classes is taken from the large ones
        small = exact < least
        exact = np.where(small, least, exact * (total - least * small.sum()) / exact[~small].sum())
    counts = np.floor(exact).astype(int)
    for i in np.argsort(counts - exact)[: total - counts.sum()]:
        counts[i] += 1
    return dict(zip(RAFDB_TRAIN, counts.tolist(), strict=True))


@cache
def plan(seed: int, split: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """(class, identity) of every image of a split; identities are numbered on through the splits."""
    number = list(SPLITS).index(split)
    rng = np.random.default_rng([seed, number, 0])
    labels = [name for name, count in class_counts(split, SPLITS[split]).items() for _ in range(count)]
    labels = [labels[i] for i in rng.permutation(len(labels))]
    first = sum(-(-count // IMAGES_PER_IDENTITY) for name, count in SPLITS.items() if list(SPLITS).index(name) < number)
    return tuple(labels), tuple(first + i // IMAGES_PER_IDENTITY for i in range(len(labels)))


@lru_cache(maxsize=8)
def person(seed: int, split: str, identity: int) -> Identity:
    return random_identity(np.random.default_rng([seed, list(SPLITS).index(split), 1, identity]))


def recipe(seed: int, split: str, index: int) -> tuple[int, Identity, Take]:
    """(identity number, person, take) of one image."""
    labels, identities = plan(seed, split)
    rng = np.random.default_rng([seed, list(SPLITS).index(split), 2, index])
    return (
        identities[index],
        person(seed, split, identities[index]),
        random_take(rng, labels[index], *INTENSITY),
    )


def draw(seed: int, split: str, index: int, size: int = SIZE) -> np.ndarray:
    """One image of the set, uint8 (size, size, 3), before encoding."""
    _, who, take = recipe(seed, split, index)
    return render(who, take.action_units, take.pose, take.light, size, asymmetry=take.asymmetry, scene=take.scene)


def encode(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="WEBP", quality=92, method=5)
    return buffer.getvalue()


def row(job: tuple[int, str, int]) -> dict:
    """The Parquet row of one image."""
    seed, split, index = job
    number, who, take = recipe(seed, split, index)
    columns = {
        "image": encode(draw(seed, split, index)),
        "class": take.expression,
        "identity": number,
        "variant": take.variant,
        "intensity": take.intensity,
    }
    columns.update(unit_columns(take.action_units))
    columns.update(asdict(take.pose))
    columns.update({f"light_{name}": value for name, value in asdict(take.light).items()})
    for name in (
        "age",
        "gender",
        "muscle",
        "weight",
        "african",
        "asian",
        "caucasian",
        "skin_tone",
        "hair_style",
        "beard",
        "glasses",
        "makeup",
    ):
        columns[name] = getattr(who, name)
    columns.update(
        {
            "occluder": take.scene.occluder,
            "blur": take.scene.blur,
            "noise": take.scene.noise,
            "background": take.scene.background,
            "seed": seed,
            "index": index,
        }
    )
    return columns


def write_split(rows: list[dict], path: Path) -> str:
    """Write the rows atomically; return the file's sha256."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pylist(rows)
    narrow = pa.schema(
        [field.with_type(pa.float32()) if pa.types.is_float64(field.type) else field for field in table.schema]
    )
    with atomic_path(path) as beside:
        pq.write_table(
            table.cast(narrow),
            beside,
            compression="zstd",
            compression_level=12,
            use_dictionary=["class", "variant", "hair_style", "beard", "glasses", "occluder"],
        )
    return hashlib.sha256(path.read_bytes()).hexdigest()


def contact_sheet(path: Path, columns: int = 12, scale: int = 2, seed: int = SEED) -> None:
    """Classes in rows, faces of the test split in columns, each as in the set and enlarged."""
    labels, identities = plan(seed, "test")
    left, edge = 96, SIZE * scale
    sheet = Image.new("RGB", (left + columns * edge, len(EXPRESSIONS) * edge), "white")
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(15)
    for r, name in enumerate(RAFDB_TRAIN):
        pen.text((8, r * edge + edge // 2 - 8), name, fill="black", font=font)
        chosen, seen = [], set()
        for i, label in enumerate(labels):  # one face a person
            if label == name and identities[i] not in seen and len(chosen) < columns:
                chosen.append(i)
                seen.add(identities[i])
        for c, i in enumerate(chosen):
            face = Image.fromarray(draw(seed, "test", i)).resize((edge, edge), Image.Resampling.BICUBIC)
            sheet.paste(face, (left + c * edge, r * edge))
    with atomic_path(path) as beside:
        sheet.save(beside, format="PNG", optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[1] / "ferlab" / "data" / "files")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--limit", type=int, help="draw only the first so many images of each split")
    parser.add_argument("--contact-sheet", type=Path, metavar="PNG", help="draw the contact sheet instead of the set")
    args = parser.parse_args()
    if args.contact_sheet:
        contact_sheet(args.contact_sheet, seed=args.seed)
        return
    args.out.mkdir(parents=True, exist_ok=True)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    draw(args.seed, "train", 0)  # compile once, before the workers start
    record = {"seed": args.seed, "files": {}}
    with get_context("spawn").Pool(args.workers) as pool:
        for split, total in SPLITS.items():
            count = min(total, args.limit or total)
            started = time.time()
            rows = pool.map(row, [(args.seed, split, i) for i in range(count)], chunksize=24)
            path = args.out / f"synthetic_{split}.parquet"
            record["files"][path.name] = {
                "sha256": write_split(rows, path),
                "rows": count,
                "bytes": path.stat().st_size,
            }
            print(
                f"{path}: {count} images, {path.stat().st_size / 1e6:.2f} MB, {time.time() - started:.0f} s",
                flush=True,
            )
    write_json(args.out / "synthetic.json", record)


if __name__ == "__main__":
    main()
