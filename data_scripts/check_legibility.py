"""Are the built-in faces legible to a network that has seen photographs only?

Takes a run on FER-2013 (48-pixel grey photographs), shows its cross-entropy network the built-in test faces, and prints
accuracy, recall a class and the confusion matrix, for all faces and for strong, nearly frontal ones. FER-2013 holds far
fewer disgusted than happy faces and a network learns these shares too, so recall is also given with the network's
training shares divided out of its probabilities::

    ferlab compare --dataset fer2013 --root DIR --methods ce --out runs/fer2013
    python data_scripts/check_legibility.py runs/fer2013 DIR
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from ferlab.data import FaceDataset, load_dataset
from ferlab.errors import FerlabError
from ferlab.evaluation import Predictions, classification_scores, confusion_counts, predict
from ferlab.runs import RunFolder

FER2013_SIDE = 48


def as_fer2013(images: np.ndarray, crop: float) -> np.ndarray:
    """Central ``crop`` of every colour image as a grey one of FER-2013's size: uint8 (N, 48, 48, 1)."""
    side = images.shape[1]
    edge = side * (1 - crop) / 2
    box = (edge, edge, side - edge, side - edge)
    grey = [Image.fromarray(image).convert("L").resize((FER2013_SIDE,) * 2, Image.BICUBIC, box) for image in images]
    return np.stack([np.asarray(image) for image in grey])[..., None]


def see(network, images: np.ndarray) -> Predictions:
    """Predictions averaged over an image and its mirror image."""
    first, second = predict(network, images), predict(network, images[:, :, ::-1].copy())
    return Predictions(first.embeddings, (first.probabilities + second.probabilities) / 2)


def without_prior(predictions: Predictions, shares: np.ndarray) -> Predictions:
    """What the network would say if it had seen every class equally often (Bayes' rule)."""
    weighed = predictions.probabilities / shares
    return Predictions(predictions.embeddings, weighed / weighed.sum(axis=1, keepdims=True))


def print_scores(title: str, faces: FaceDataset, predictions: Predictions) -> None:
    scores = classification_scores(faces.labels, predictions)
    print(f"\n{title}: {len(faces)} faces, " + ", ".join(f"{name} {value:.3f}" for name, value in scores.items()))
    print(f"{'true / named':>14}" + "".join(f"{name[:9]:>11}" for name in faces.classes) + "     recall")
    for name, row in zip(faces.classes, confusion_counts(faces.labels, predictions, len(faces.classes)), strict=True):
        print(
            f"{name:>14}"
            + "".join(f"{n:>11}" for n in row)
            + f"{row[faces.classes.index(name)] / max(row.sum(), 1):>11.2f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="run folder of a comparison on fer2013 with the method ce")
    parser.add_argument("root", type=Path, help="folder of FER-2013, for the class shares of its training split")
    parser.add_argument("--crop", type=float, default=0.8, help="share of the image's side that is shown (0.8)")
    arguments = parser.parse_args()
    network, classes, _ = RunFolder(arguments.run).network("ce")
    faces = load_dataset("synthetic", "test")
    if classes != faces.classes or network.in_channels != 1:
        raise FerlabError(f"{arguments.run} was not trained on FER-2013: name a run made with --dataset fer2013.")
    predictions = see(network, as_fer2013(faces.images, arguments.crop))
    print_scores("all test faces", faces, predictions)
    about = faces.metadata
    clear = ((about.intensity >= 0.7) | (faces.labels == classes.index("neutral"))) & (about.yaw.abs() <= 12)
    clear = np.flatnonzero(clear & (about.pitch.abs() <= 10) & (about.occluder == "none"))
    seen, chosen = Predictions(predictions.embeddings[clear], predictions.probabilities[clear]), faces.subset(clear)
    print_scores("strong, nearly frontal, nothing in front", chosen, seen)
    counts = load_dataset("fer2013", "train", arguments.root).class_counts()
    shares = np.array(list(counts.values())) / sum(counts.values())
    print_scores("the same, training shares divided out", chosen, without_prior(seen, shares))


if __name__ == "__main__":
    try:
        main()
    except FerlabError as error:
        sys.exit(f"check_legibility: {error}")
