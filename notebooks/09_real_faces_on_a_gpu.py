# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Real faces, on a GPU
#
# Rendered faces are clean: every label is right, no face stands in two splits. Photographs from the web are not. This notebook
# prepares a real data set, looks for what is wrong with it, trains on it, and asks what it would take to compare with a paper.
#
# **You will**
# - prepare FER-2013, RAF-DB, AffectNet or faces of your own, and check them before anything is trained;
# - find faces that stand in the training *and* in the test split;
# - train a small network in a minute, and work out what the papers' settings cost on your machine;
# - read a published number with the questions that it leaves open.
#
# **Time:** about 45 minutes, of which the computer needs two without a GPU; the papers' settings need a GPU, and time.
# **Assumed:** notebooks 00 and 08. **Needed:** nothing to read along; one of the data sets on your disk for
# the real thing.

# %% tags=["setup", "remove-cell"]
# Installs ferlab where it is missing, as on Colab; elsewhere this does nothing.
import importlib.util
import os

if importlib.util.find_spec("ferlab") is None:
    get_ipython().run_line_magic("pip", "install --quiet " + os.environ.get("FERLAB_SOURCE", ".."))

# %% tags=["parameters"]
dataset = "fer2013"  # or "rafdb", "affectnet", "affectnet-8", "folder": see section 1
root = ""  # its folder on your disk; empty: a stand-in for FER-2013 is made from the built-in faces
quick = True  # False: all faces and all epochs (on two CPU cores, several minutes with FER-2013)
run_folder = "runs/real_faces"  # where the results go; what an earlier run left there is replaced

# %%
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from IPython.display import Markdown, display

from ferlab.classroom import ask
from ferlab.figures import show

warnings.filterwarnings("ignore", category=DeprecationWarning)

# %% [markdown]
# ## 1. Getting the data
#
# | data set | faces | how to get it | its name here |
# |---|---|---|---|
# | [FER-2013](https://arxiv.org/abs/1307.0414) | 48 px, grey, found by web search | from Kaggle, with an account | `fer2013` |
# | [RAF-DB](https://doi.org/10.1109/CVPR.2017.277) | 100 px, aligned, labeled by many people | on request, for research | `rafdb` |
# | [AffectNet](https://arxiv.org/abs/1708.03985) | large and in color, with valence and arousal | on request, for research | `affectnet` (7 classes), `affectnet-8` |
#
# These are photographs of people who were not asked. Their licences forbid passing them on: do not put them into a repository, a
# shared drive or a public notebook, and delete outputs that show faces before you publish a notebook.
#
# What you were given, archives or lists, is unpacked and checked by one command (`--help` tells what each data set needs; what it
# does not need is not unpacked):
#
# ```bash
# python data_scripts/prepare_dataset.py fer2013 DOWNLOADED --root FOLDER
# ```
#
# Put the name and that folder into `dataset` and `root` at the top of this notebook. Faces of your own need no preparation: cropped to
# the face and sorted into one folder a class, `<class>/<image>`, they are the data set `folder`.
#
# Without a `root`, the next cell makes a **stand-in**: built-in faces, turned to grey, 48 pixels wide, in FER-2013's folder layout,
# so that everything below runs. Some of its test faces are planted in the training part, as they are in the real data set, where
# nobody planted them.


# %%
def make_stand_in(folder, counts):
    """Built-in faces as FER-2013 keeps its own: <split>/<class>/<Usage>_<number>.png."""
    from PIL import Image

    for split, usage in (("train", "Training"), ("test", "PublicTest")):
        faces = load_dataset("synthetic", split)
        images = list(zip(faces.images[: counts[split]], faces.labels, strict=False))
        if split == "train":
            test = load_dataset("synthetic", "test")
            images += list(zip(test.images[:40], test.labels, strict=False))
        for number, (image, label) in enumerate(images):
            path = folder / split / faces.classes[label] / f"{usage}_{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).convert("L").resize((48, 48)).save(path)


from ferlab.data import load_dataset

is_stand_in = not root
dataset = "fer2013" if is_stand_in else dataset
title = {"fer2013": "FER-2013", "rafdb": "RAF-DB", "affectnet": "AffectNet, 7 classes"}.get(dataset, dataset)
data_folder = Path("runs/fer2013_stand_in") if is_stand_in else Path(root)
if is_stand_in and not data_folder.exists():
    beside = data_folder.with_name("fer2013_stand_in.partial")  # renamed when it is complete
    make_stand_in(beside, {"train": 3000, "test": 1000})
    beside.rename(data_folder)
splits = {name: load_dataset(dataset, name, data_folder) for name in ("train", "validation", "test")}
who = "stand-in from built-in faces: its numbers say nothing about people" if is_stand_in else title
Markdown(f"**{who}.** " + ", ".join(f"{len(faces):,} {name} faces" for name, faces in splits.items()) + ".")

# %% [markdown]
# ## 2. Look before you train

# %%
from ferlab.figures import class_counts, contact_sheet

train, test = splits["train"], splits["test"]
show(
    contact_sheet(test.images, test.labels, test.classes, columns=12, seed=0),
    alt="Test faces, twelve for each class, one class a row",
)

# %%
show(
    class_counts({name: faces.class_counts() for name, faces in splits.items()}),
    alt="Bars: number of training, validation and test faces in each class",
)

# %% [markdown]
# With real faces: find a picture that is no face, one with text across it, and one whose label you would not have given.
# How long did it take you? For FER-2013, **FER+** (Barsoum et al. 2016) had ten people label every face again; with its file
# `fer2013new.csv` in the folder, the metadata hold their votes:

# %%
votes = [name for name in test.metadata.columns if name.startswith("ferplus_")]
if votes:
    counted = test.metadata[[f"ferplus_{name}" for name in test.classes if f"ferplus_{name}" in votes]].dropna()
    named = counted.columns[counted.to_numpy().argmax(axis=1)].str.removeprefix("ferplus_")
    agree = (named == np.array(test.classes)[test.labels[counted.index]]).mean()
    text = (
        f"For {agree:.0%} of {len(counted):,} test faces the label is also the class that most of the ten people chose."
    )
else:
    text = "There are no votes of FER+ in this folder."
Markdown(text)

# %% [markdown]
# ## 3. The same face twice
#
# ### Exercise 1: leaks
#
# How many **test** faces stand, pixel by pixel, in the training split as well? Write it; `train_images` and `test_images` are
# `uint8` arrays (N, H, W, C).
#
# <details><summary>Hint</summary>
#
# `image.tobytes()` is something that a `set` can hold and find at once. Comparing every pair would take thousands of times longer.
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def shared_images(train_images, test_images):
#     known = {image.tobytes() for image in train_images}
#     return sum(image.tobytes() in known for image in test_images)
# ```
# </details>


# %%
def shared_images(train_images, test_images):
    """Number of test images that are identical to a training image."""
    ...  # your code


# %%
from ferlab.classroom.exercises import check_shared_images

print(check_shared_images(shared_images))

# %%
from ferlab.data import content_hash, duplicate_of_train


def found_in(images, others):
    """Mask of the images that stand among the others, by the package's way: with a number for each content."""
    one, all_others = (np.array([content_hash(image.tobytes()) for image in group]) for group in (images, others))
    return duplicate_of_train(one, all_others, within=False)


leaked = test.metadata["duplicate_of_train"].to_numpy()
chosen_on = found_in(test.images, splits["validation"].images).sum()
found = shared_images(train.images, test.images)
Markdown(
    f"Your function finds **{'nothing yet' if found is None else found}**. The reader, which looks for the same before anybody trains, "
    f"finds {leaked.sum():,} of {len(test):,} test faces ({leaked.mean():.1%}) in the training split"
    + (" (it compares files here, not pixels)" if dataset != "fer2013" else "")
    + f", and {chosen_on} more stand in the validation split, by which settings are "
    "chosen." + (" In the stand-in, 40 were planted." if is_stand_in else "")
)

# %% [markdown]
# A network can know such a face by heart, if it was trained on it. Section 4 scores these faces apart from all others.
#
# ## 4. A small network, now

# %%
most = max(splits["test"].class_counts().values()) / len(splits["test"])
guess_real = ask(
    f"Always naming the commonest class would be right for {most:.0%} of the test faces. After a minute of training, a network is",
    ["less often right than that", "up to 20 points better than that", "more than 20 points better than that"],
)
guess_real

# %%
from ferlab.experiments import CompareSettings, run_compare

settings = CompareSettings(
    out=run_folder,
    dataset=dataset,
    root=data_folder,
    methods=("ce", "tcl-nearest"),
    quick=quick,
    epochs=6 if quick else None,
    overwrite=True,
    no_figures=True,  # they are drawn here
)
summary = run_compare(settings)

# %%
from ferlab.report import score_table
from ferlab.runs import load_splits, read_run

run = read_run(run_folder)
used, trained_on = load_splits(settings, ("test", "train")).values()
doubled = found_in(used.images, trained_on.images)
rows = {}
for name, results in run.embeddings.groupby("method", sort=False):
    right = (results.sort_values("index")["predicted"] == results.sort_values("index")["label"]).to_numpy()
    rows[name] = {
        "all test faces": right.mean(),
        f"the {doubled.sum()} it was trained on": right[doubled].mean() if doubled.any() else np.nan,
        "all others": right[~doubled].mean(),
    }
display(
    score_table(run).style.format("{:.3f}", na_rep="n/a"), pd.DataFrame(rows).T.style.format("{:.3f}", na_rep="none")
)
most = max(used.class_counts().values()) / len(used)
Markdown(
    f"Always naming the commonest class would be right for {most:.1%} of these. {doubled.sum()} of these {len(used)} test faces stand among "
    f"the {len(trained_on):,} faces that these networks were trained on. You guessed *{guess_real.value or 'nothing yet'}*."
    + (
        " Doubles are no random part of the test, so another accuracy on them need not be memory. A quick run takes a part of the training faces, so it has seen few of the doubles, too few to say what they do; and it "
        "says how the parts work together, not how good a method is."
        if quick
        else " Doubles are no random part of the test, so another accuracy on them need not be memory."
    )
)

# %% [markdown]
# ## 5. What the papers' settings cost
#
# The Ad-Corre paper trains Xception on faces of 224 pixels, with k embeddings; ResNet-18 is a usual, smaller choice, which we take
# for TCL. Here a backbone is chosen by its name. How long would one epoch of FER-2013 take *on this machine*?

# %%
guess_cost = ask(
    "One epoch of FER-2013 (28,709 faces) with Xception at 224 pixels, on this machine:",
    ["a minute", "ten minutes", "hours", "days"],
)
guess_cost

# %%
from ferlab.models import ExpressionNetwork

device = "cuda" if torch.cuda.is_available() else "cpu"


def seconds_a_face(backbone, input_size, heads, batch=4):
    """Forward and backward of one small batch, after one to warm up."""
    size = 64 if heads > 1 else 128
    network = ExpressionNetwork(7, size, heads, in_channels=1, backbone=backbone, input_size=input_size).to(device)
    images = torch.randint(0, 256, (batch, 1, 48, 48), dtype=torch.uint8, device=device)
    labels = torch.arange(batch, device=device) % 7
    for _ in range(2):
        started = time.perf_counter()
        loss = torch.nn.functional.cross_entropy(network(images).logits, labels)
        loss.backward()
        loss.item()  # a GPU answers before it has computed; asking for the number waits
        seconds = time.perf_counter() - started
    return seconds / batch, sum(weights.numel() for weights in network.parameters())


costs = {
    "small network, 48 px": seconds_a_face("small", 0, 1, batch=64),
    "ResNet-18, 224 px": seconds_a_face("resnet18", 224, 1),
    "Xception, 224 px, 7 heads": seconds_a_face("legacy_xception", 224, 7),
}
table = pd.DataFrame(
    {
        name: {
            "million weights": count / 1e6,
            "ms a face": 1000 * each,
            "minutes an epoch": each * 28_709 / 60,
            "days for 40 epochs, 2 methods, 3 seeds": each * 28_709 * 40 * 2 * 3 / 86_400,
        }
        for name, (each, count) in costs.items()
    }
).T
display(table.style.format("{:.1f}"))
Markdown(
    f"On this machine ({device}), single precision, small batches. You guessed *{guess_cost.value or 'nothing yet'}*."
)

# %% [markdown]
# The last column is what the first command below asks for. On a GPU the same is a matter of options, nothing else changes; a run that is interrupted goes on with `--resume`:
#
# ```bash
# ferlab compare --dataset fer2013 --root FOLDER --out runs/xception \
#     --methods ce-heads,ad-corre --backbone legacy_xception --input-size 224 --pretrained \
#     --epochs 40 --batch-size 64 --optimizer adamw --learning-rate 0.001 --schedule cosine --precision bf16-mixed --seeds 3
# ferlab compare --dataset fer2013 --root FOLDER --out runs/resnet18 \
#     --methods ce,tcl-nearest,tcl-fully-synthesized,tcl-semi-synthesized,tcl-predicted --backbone resnet18 --input-size 224 \
#     --epochs 40 --batch-size 128 --precision bf16-mixed --seeds 3
# ```
#
# Xception at 224 pixels and the k embeddings are the Ad-Corre paper's idea. The number and size of our embeddings (7 of 64
# entries), the weight of the loss (`ferlab.methods`) and all other numbers are not: they are ordinary ones to begin
# with. Choose yours on validation, with the same budget for each method (`ferlab tune`). `--pretrained` downloads the backbone's weights once.
#
# ## 6. Beside the papers

# %%
reported = {
    ("Ad-Corre (Fard & Mahoor 2022)", "RAF-DB"): 86.96,
    ("Ad-Corre (Fard & Mahoor 2022)", "AffectNet, 7 classes"): 63.36,
    ("Ad-Corre (Fard & Mahoor 2022)", "FER-2013"): 72.03,
}
papers = pd.Series(reported, name="reported accuracy, %").to_frame()
papers["CE + TCL in this notebook, %"] = [
    f"{100 * summary['methods']['tcl-nearest']['accuracy']['mean']:.1f}" + (" (quick)" if quick else "")
    if data == title and not is_stand_in
    else "other faces"
    for _, data in reported
]
papers

# %% [markdown]
# Before one number is held against another: the same test split? FER-2013 has two, public and private; FER+ or the old labels? The same input size,
# pretraining, augmentation? The mean of how many seeds, or the best epoch on the test? Were the faces that stand in both
# splits left out?
#
# ## What to remember
#
# - Look at a data set before you train on it: counts, faces, labels, doubles.
# - Faces in both splits make a test partly a memory test. Score with and without them.
# - Work out the cost of a setting from one batch before you start it.
# - A published number comes with a setting; two numbers compare only where the settings do.
#
# **To discuss.** Who gave the labels, and what were they asked: what the person feels, or what the face shows? Who is rarely found by
# a web search for "happy face"? May a network that was trained on such faces judge a job interview?
#
# ## Where to read on
#
# - Goodfellow et al., *Challenges in Representation Learning*, ICONIP 2013, [arXiv:1307.0414](https://arxiv.org/abs/1307.0414).
# - Barsoum, Zhang, Canton Ferrer, Zhang, *Training Deep Networks for Facial Expression Recognition with Crowd-Sourced Label
#   Distribution*, ICMI 2016, [arXiv:1608.01041](https://arxiv.org/abs/1608.01041).
# - Fard & Mahoor, *Ad-Corre*, IEEE Access 2022, [doi:10.1109/ACCESS.2022.3156598](https://doi.org/10.1109/ACCESS.2022.3156598).
# - Rajoli et al., CISS 2023, [arXiv:2302.04108](https://arxiv.org/abs/2302.04108).
