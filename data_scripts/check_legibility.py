"""Are the built-in faces legible to networks that have seen photographs only, and the other way round?

Four recognisers are trained on FER-2013, with the hard labels it was published with or with the votes of FER+
(``fer2013new.csv`` beside the images), in two architectures. Three are the judges by whom the numbers of the renderer
were chosen (on people of the training split); the fourth is kept aside. Each looks at the built-in test faces as grey
pictures of FER-2013's size, cropped to 70, 85 and 100 % of the side; scores are averages over the crops. The second
table is the other direction: a network trained on rendered faces alone is shown FER-2013's public test::

    python data_scripts/check_legibility.py FER2013_FOLDER --cache FOLDER
    python data_scripts/check_legibility.py FER2013_FOLDER --cache FOLDER --faces old=FOLDER_OF_PARQUET_FILES

The recognisers are trained once, in about ten minutes on two cores, and kept in the cache.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors.torch import load_file, save_file
from timm.models import register_model
from torch import Tensor, nn

from ferlab.data import FaceDataset, load_dataset
from ferlab.data.synthetic import FILES, load_synthetic
from ferlab.errors import FerlabError
from ferlab.evaluation import predict
from ferlab.methods import get_method
from ferlab.models import ExpressionNetwork
from ferlab.settings import TrainSettings
from ferlab.training import train

SIDE = 48  # of FER-2013's pictures
CROPS = (0.70, 0.85, 1.0)
LEAST_VOTES = 0.5  # share of FER+'s ten votes that name one of the seven classes
# A network trained with balanced weights calls what it does not know disgust, the class it met most rarely; one trained
# without hardly ever names it. With this power of the training shares its answers lie half-way.
PRIOR = 0.5
LIGHT_SKIN, DARK_SKIN = 0.3, 0.6  # of skin_tone, 0 light .. 1 dark
METHOD = get_method("ce")


@dataclass(frozen=True)
class Recogniser:
    """How a network that reads photographs is trained.

    Attributes:
        backbone: as in :class:`ferlab.settings.TrainSettings`.
        votes: with two labels a picture drawn from FER+'s votes, instead of the published one.
        epochs: passes over the pictures; one with votes counts double.
        seed: initial weights, order and drawn labels.
        judge: the renderer's numbers were chosen by it; the others were kept aside.
    """

    backbone: str
    votes: bool
    epochs: int
    seed: int
    judge: bool = True


RECOGNISERS = {
    "small, hard labels": Recogniser("small", False, 10, 1),
    "small, FER+ votes": Recogniser("small", True, 4, 2),
    "plain, hard labels": Recogniser("plain_convolutions", False, 8, 3),
    "kept aside: plain, FER+ votes": Recogniser("plain_convolutions", True, 4, 4, judge=False),
}


class PlainConvolutions(nn.Module):
    """Six convolutions in a row, nothing beside them: (B, C, H, W) to (B, 192, H/8, W/8)."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        widths = (in_channels, 32, 48, 96, 96, 192, 192)
        self.num_features = widths[-1]
        layers: list[nn.Module] = []
        for k in range(6):
            kernel, stride = (5, 2) if k == 0 else (3, 1)
            layers += [nn.Conv2d(widths[k], widths[k + 1], kernel, stride, kernel // 2, bias=False)]
            layers += [nn.BatchNorm2d(widths[k + 1]), nn.ReLU(inplace=True)]
            if k in (1, 3):
                layers.append(nn.MaxPool2d(2))
        self.layers = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        """The feature map of ``images``."""
        features: Tensor = self.layers(images)
        return features


@register_model  # so that the lab's training takes it by its name
def plain_convolutions(pretrained: bool = False, in_chans: int = 1, **kwargs: object) -> PlainConvolutions:
    """A second architecture, without shortcuts."""
    return PlainConvolutions(in_chans)


def as_fer2013(images: np.ndarray, crop: float) -> np.ndarray:
    """Central ``crop`` of every colour image as a grey one of FER-2013's size: uint8 (N, 48, 48, 1)."""
    side = images.shape[1]
    edge = side * (1 - crop) / 2
    box = (edge, edge, side - edge, side - edge)
    grey = [Image.fromarray(image).convert("L").resize((SIDE, SIDE), Image.BICUBIC, box) for image in images]
    return np.stack([np.asarray(image) for image in grey])[..., None]


def class_votes(faces: FaceDataset) -> np.ndarray:
    """FER+'s votes for the seven classes, float (N, 7); 0 throughout where too many named none of them.

    Raises:
        FerlabError: ``fer2013new.csv`` does not lie beside the images.
    """
    columns = [f"ferplus_{name}" for name in faces.classes]
    if not set(columns) <= set(faces.metadata):
        raise FerlabError("There are no votes of FER+: put its fer2013new.csv into the folder of FER-2013.")
    votes = faces.metadata[columns].fillna(0).to_numpy(dtype=float)
    return np.where(votes.sum(axis=1, keepdims=True) >= 10 * LEAST_VOTES, votes, 0.0)


def voted(faces: FaceDataset) -> FaceDataset:
    """The faces with the class most of FER+'s votes name, without those on which too few agree."""
    votes = class_votes(faces)
    labelled = replace(faces, labels=votes.argmax(axis=1))
    return labelled.subset(votes.max(axis=1) >= 10 * LEAST_VOTES)


def drawn_from_votes(faces: FaceDataset, seed: int, copies: int = 2) -> FaceDataset:
    """Every face ``copies`` times, each with a label drawn from FER+'s votes: soft labels in expectation."""
    votes = class_votes(faces)
    shown = np.repeat(np.flatnonzero(votes.sum(axis=1) > 0), copies)
    bounds = np.cumsum(votes[shown], axis=1)
    draws = np.random.default_rng(seed).random(len(shown)) * bounds[:, -1]
    return replace(faces.subset(shown), labels=(draws[:, None] >= bounds).sum(axis=1))


def keep_network(path: Path, train_set: FaceDataset, validation: FaceDataset, settings: TrainSettings) -> None:
    """Train a network and write its weights."""

    def tell(row: dict[str, float]) -> None:
        print(f"{path.stem}: " + ", ".join(f"{k} {v:.3f}" for k, v in row.items()), file=sys.stderr, flush=True)

    network = train(METHOD, train_set, validation, settings, on_epoch=tell).network
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: value.contiguous() for name, value in network.state_dict().items()}, path)


def kept_network(path: Path, backbone: str, classes: int, input_size: int = 0) -> ExpressionNetwork:
    """The network of :func:`keep_network`."""
    network = ExpressionNetwork(classes, METHOD.embedding_size, in_channels=1, backbone=backbone, input_size=input_size)
    network.load_state_dict(load_file(path))
    return network.eval()


def recogniser(name: str, root: Path, cache: Path) -> tuple[ExpressionNetwork, np.ndarray]:
    """A recogniser of photographs, from the cache or trained now, and the class shares it was trained with.

    Args:
        name: a key of RECOGNISERS.
        root: folder of FER-2013.
        cache: folder of the weights.
    """
    recipe = RECOGNISERS[name]
    path = cache / (re.sub(r"[^a-z0-9+]+", "_", name.lower()) + ".safetensors")
    input_size = 64 if recipe.backbone == "small" else 0
    faces = load_dataset("fer2013", "train", root)
    if recipe.votes:
        faces = drawn_from_votes(faces, recipe.seed)
    if not path.exists():
        validation = load_dataset("fer2013", "validation", root)
        settings = TrainSettings(
            backbone=recipe.backbone,
            epochs=recipe.epochs,
            seed=recipe.seed,
            input_size=input_size,
            class_weights="balanced",
            label_smoothing=0.1,
        )
        keep_network(path, faces, voted(validation) if recipe.votes else validation, settings)
    return kept_network(path, recipe.backbone, len(faces.classes), input_size), class_shares(faces)


def strong_frontal(faces: FaceDataset) -> np.ndarray:
    """Which faces are easy to see, bool (N,): strong or neutral, nearly frontal, nothing in front of them."""
    about = faces.metadata
    shown = (about.intensity >= 0.7) | (faces.labels == faces.classes.index("neutral"))
    frontal = (about.yaw.abs() <= 12) & (about.pitch.abs() <= 10)
    return (shown & frontal & (about.occluder == "none")).to_numpy()


def recalls(labels: np.ndarray, named: np.ndarray, classes: int) -> np.ndarray:
    """Share of each class that is named right, float (classes,); NaN for a class without faces."""
    right = np.bincount(labels, weights=labels == named, minlength=classes)
    total = np.bincount(labels, minlength=classes)
    return np.divide(right, total, out=np.full(classes, np.nan), where=total > 0)


def named(network: ExpressionNetwork, images: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """The class that a network names, from the mean over an image and its mirror image.

    Args:
        network: trained with balanced class weights.
        images: uint8 (N, 48, 48, 1).
        shares: (7,), of the classes in its training, see PRIOR.
    """
    first, second = predict(network, images), predict(network, images[:, :, ::-1].copy())
    return ((first.probabilities + second.probabilities) * shares**PRIOR).argmax(axis=1)


def class_shares(faces: FaceDataset) -> np.ndarray:
    """Share of each class, float (classes,)."""
    return np.bincount(faces.labels, minlength=len(faces.classes)) / len(faces)


def seen_recalls(network: ExpressionNetwork, shares: np.ndarray, faces: FaceDataset) -> tuple[np.ndarray, np.ndarray]:
    """Recall of each class on rendered faces, mean over the crops: of all, and of the strong frontal ones."""
    classes, clear = len(faces.classes), strong_frontal(faces)
    answers = [named(network, as_fer2013(faces.images, crop), shares) for crop in CROPS]
    return (
        np.mean([recalls(faces.labels, answer, classes) for answer in answers], axis=0),
        np.mean([recalls(faces.labels[clear], answer[clear], classes) for answer in answers], axis=0),
    )


def print_table(head: list[str], rows: list[list[object]]) -> None:
    """Print a table in Markdown; floats with three digits."""
    print("\n| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row) + " |")


def print_legibility(rendered: dict[str, Path], root: Path, cache: Path) -> None:
    """Recognisers of photographs shown rendered faces: balanced accuracy each, and the judges' mean recall a class."""
    photographs = load_dataset("fer2013", "validation", root)
    sets = {name: load_synthetic("test", folder) for name, folder in rendered.items()}
    rows: list[list[object]] = []
    judged: list[list[np.ndarray]] = []
    for name, recipe in RECOGNISERS.items():
        network, shares = recogniser(name, root, cache)
        public = voted(photographs) if recipe.votes else photographs
        columns = [recalls(public.labels, named(network, public.images, shares), len(public.classes))]
        for faces in sets.values():
            columns += seen_recalls(network, shares, faces)
        rows.append([name, *(float(column.mean()) for column in columns)])
        if recipe.judge:
            judged.append(columns)
    mean = np.mean(judged, axis=0)
    rows.insert(len(judged), ["**mean of the judges**", *(float(column.mean()) for column in mean)])
    head = ["photographs", *(f"{name}, {which}" for name in sets for which in ("all", "strong frontal"))]
    print("\nBalanced accuracy of networks that have seen photographs only:")
    print_table(["recogniser", *head], rows)
    print("\nRecall of each class, mean of the judges:")
    print_table(["class", *head], [[c, *map(float, mean[:, k])] for k, c in enumerate(photographs.classes)])


def rendered_network(folder: Path, cache: Path) -> tuple[ExpressionNetwork, np.ndarray]:
    """The small network trained on rendered faces alone, grey and of FER-2013's size, and their class shares."""
    record = hashlib.sha256((folder / "synthetic.json").read_bytes()).hexdigest()[:12]
    path = cache / f"rendered_{record}.safetensors"
    train_set, validation = (
        replace(faces, images=as_fer2013(faces.images, 0.85))
        for faces in (load_synthetic(split, folder) for split in ("train", "validation"))
    )
    if not path.exists():
        keep_network(path, train_set, validation, TrainSettings(class_weights="balanced"))
    return kept_network(path, "small", len(train_set.classes)), class_shares(train_set)


def print_transfer(rendered: dict[str, Path], root: Path, cache: Path) -> None:
    """Networks that have seen rendered faces only, shown FER-2013's public test and the rendered test split."""
    photographs = load_dataset("fer2013", "validation", root)
    rows: list[list[object]] = []
    for name, folder in rendered.items():
        (network, shares), faces = rendered_network(folder, cache), load_synthetic("test", folder)
        classes = len(faces.classes)
        answer = named(network, photographs.images, shares)
        own = named(network, as_fer2013(faces.images, 0.85), shares)
        tone = faces.metadata["skin_tone"].to_numpy()
        rows.append(
            [
                name,
                float((answer == photographs.labels).mean()),
                float(recalls(photographs.labels, answer, classes).mean()),
                *(
                    float(recalls(faces.labels[group], own[group], classes).mean())
                    for group in (tone >= 0, tone <= LIGHT_SKIN, tone >= DARK_SKIN)
                ),
            ]
        )
    print("\nThe small network trained on rendered faces alone:")
    head = ["trained on", "photographs, accuracy", "photographs, balanced"]
    print_table([*head, "rendered test, balanced", "of these light skin", "dark skin"], rows)


def named_folder(text: str) -> tuple[str, Path]:
    """``"old=/tmp/faces"`` to ``("old", Path("/tmp/faces"))``."""
    name, equals, folder = text.partition("=")
    if not (name and equals and folder):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=FOLDER")
    return name, Path(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, help="folder of FER-2013, with FER+'s fer2013new.csv")
    parser.add_argument("--cache", type=Path, required=True, help="folder in which trained networks are kept")
    parser.add_argument(
        "--faces",
        type=named_folder,
        action="append",
        default=[],
        metavar="NAME=FOLDER",
        help="other rendered faces to compare the built-in ones with; may be repeated",
    )
    arguments = parser.parse_args()
    rendered = {**dict(arguments.faces), "built in": FILES}
    print_legibility(rendered, arguments.root, arguments.cache)
    print_transfer(rendered, arguments.root, arguments.cache)


if __name__ == "__main__":
    try:
        main()
    except FerlabError as error:
        sys.exit(f"check_legibility: {error}")
