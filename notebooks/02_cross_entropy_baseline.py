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
# # The cross-entropy baseline
#
# To see what a new loss changes, know the old one well. Here you train a network with cross-entropy alone,
# look at the space that it makes, and measure it.
#
# **You will**
# - follow a face through the network, from pixels to an answer, and train it with a loop of twelve lines;
# - watch a training live, pause it, and read its curves;
# - find with pencil and paper what cross-entropy does to an embedding, and into how many directions it can pull;
# - write out the numbers that describe a space, and see where a map of it misleads;
# - see why classes can be told apart perfectly and still not lie together;
# - look at the test faces, once.
#
# **Time:** about 90 minutes, of which the computer needs one or two. **Assumed:** notebook 00; matrix products; the chain
# rule. **Needed:** no GPU, no network, no data of your own.

# %% tags=["setup", "remove-cell"]
# Installs ferlab where it is missing, as on Colab; elsewhere this does nothing.
import importlib.util
import os

if importlib.util.find_spec("ferlab") is None:
    get_ipython().run_line_magic("pip", "install --quiet " + os.environ.get("FERLAB_SOURCE", ".."))

# %% tags=["parameters"]
quick = True  # False: all built-in faces, not only strong and nearly frontal ones (several minutes)

# %%
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from IPython.display import Markdown, display
from scipy.spatial.distance import cdist, pdist

from ferlab.classroom import ask
from ferlab.figures import class_colors, method_color, show

warnings.filterwarnings("ignore", category=DeprecationWarning)

# %% [markdown]
# ## 1. From a picture to an answer
#
# The built-in faces come in three parts, and no person is in two of them: **train** to learn from, **validation** to
# look at as often as you like, **test** to look at once, at the very end. (Other notebooks show test faces of networks
# that are finished; nothing is chosen by them there.)

# %%
from ferlab.data import load_dataset
from ferlab.runs import quick_part

splits = {name: load_dataset("synthetic", split=name) for name in ("train", "validation", "test")}
if quick:
    splits = {name: quick_part(faces, size=4000) for name, faces in splits.items()}
train_faces, validation_faces = splits["train"], splits["validation"]
classes = train_faces.classes
pd.DataFrame({name: faces.class_counts() for name, faces in splits.items()}).T

# %% [markdown]
# The network has three parts. The **backbone**, a small residual network, turns a picture into a *feature map*: a
# coarse grid of places with many numbers each. Their mean over all places goes through a linear map, the **head**: that
# gives the *embedding*. A second linear map, the **classifier**, gives one score a class, the *logits*.
#
# All three are full of numbers to learn, the weights.

# %%
guess_weights = ask("Where are most of the weights?", ["in the backbone", "in the head", "in the classifier"])
guess_weights

# %%
from ferlab.models import ExpressionNetwork

untrained = ExpressionNetwork(num_classes=len(classes), embedding_size=128, seed=0).eval()
images = torch.from_numpy(train_faces.images[:16]).permute(0, 3, 1, 2)  # channels before height and width
with torch.no_grad():
    scaled = (images.float() - 127.5) / 64  # about zero mean and unit spread
    feature_map = untrained.backbone(scaled)
    pooled = feature_map.mean(dim=(2, 3))
    embeddings = untrained.head(pooled)
    logits = untrained.classifier(embeddings)
    probabilities = logits.softmax(dim=1)
    assert torch.allclose(logits, untrained(images).logits, atol=1e-4)  # the same as in one call

stages = {
    "pictures": ("(B, C, H, W)", images),
    "feature map": ("(B, F, H/16, W/16)", feature_map),
    "pooled": ("(B, F)", pooled),
    "embeddings": ("(B, D)", embeddings),
    "logits": ("(B, K)", logits),
    "probabilities": ("(B, K)", probabilities),
}
weights = {
    name: sum(weight.numel() for weight in getattr(untrained, name).parameters())
    for name in ("backbone", "head", "classifier")
}
display(
    pd.DataFrame(
        {name: (shape, tuple(tensor.shape)) for name, (shape, tensor) in stages.items()}, index=["shape", "here"]
    ).T
)
Markdown(
    "Weights: "
    + ", ".join(f"{count:,} in the {name}" for name, count in weights.items())
    + f". You guessed *{guess_weights.value or 'nothing yet'}*."
)

# %% [markdown]
# One face on its way through the untrained network: the picture, eight channels of its feature map, its embedding, and the
# seven probabilities.

# %%
figure = plt.figure(figsize=(11, 2.6), layout="constrained")
panels = figure.subplot_mosaic(
    [["face", "0", "1", "2", "3", "vector", "answer"], ["face", "4", "5", "6", "7", "vector", "answer"]],
    width_ratios=[2, 1, 1, 1, 1, 3, 2],
)
panels["face"].imshow(train_faces.images[0])
for channel in range(8):
    panels[str(channel)].imshow(feature_map[0, channel], cmap="gray")
for name in ("face", *"01234567"):
    panels[name].set(xticks=[], yticks=[])
panels["vector"].bar(range(128), embeddings[0], color=method_color("ce"), width=1)
panels["vector"].set(title="embedding, 128 entries", xticks=[])
panels["answer"].barh(classes, probabilities[0], color=class_colors(classes))
panels["answer"].set(title="probabilities", xlim=(0, 1))
panels["answer"].invert_yaxis()
show(
    figure,
    alt="A face, eight coarse gray grids of four by four places, the 128 entries of its embedding as bars, and seven "
    "probabilities as bars",
)

# %% [markdown]
# ## 2. A training loop in twelve lines
#
# **Cross-entropy** of a face is $-\log p_y$: the negative logarithm of the probability that the network gives the right
# class. A network that knows nothing gives all classes about the same.

# %%
guess_first = ask(
    f"What is the cross-entropy of {len(classes)} classes, about, before the first step?",
    ["0", f"1/{len(classes)}", f"log {len(classes)}", f"{len(classes)}"],
)
guess_first


# %%
def train_by_hand(network, images, labels, epochs, batch_size=32, learning_rate=0.02):
    """The cross-entropy of every step."""
    losses = []
    optimizer = torch.optim.SGD(network.parameters(), lr=learning_rate, momentum=0.9)
    network.train()
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(batch_size):
            loss = F.cross_entropy(network(images[batch]).logits, labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return losses


# %%
torch.manual_seed(0)
some_images = torch.from_numpy(train_faces.images[:640]).permute(0, 3, 1, 2)
some_labels = torch.from_numpy(train_faces.labels[:640])
small = ExpressionNetwork(num_classes=len(classes), seed=0)
losses = train_by_hand(small, some_images, some_labels, epochs=8)

figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
axes.plot(range(1, len(losses) + 1), losses, color=method_color("ce"), label="cross-entropy of a batch")
axes.axhline(np.log(len(classes)), color="0.3", linestyle=":", label=f"log {len(classes)}")
axes.set(xlabel="step", ylim=(0, None))
axes.legend(frameon=False)
show(
    axes,
    alt="Cross-entropy over the steps of the small training, and a dotted line at the logarithm of the number of classes",
)

# %%
from ferlab.evaluation import predict

known = (predict(small, train_faces.images[:640]).predicted == train_faces.labels[:640]).mean()
right = (predict(small, validation_faces.images).predicted == validation_faces.labels).mean()
most = np.bincount(validation_faces.labels).max() / len(validation_faces)
Markdown(
    f"The first batch: {losses[0]:.2f}; log {len(classes)} is {np.log(len(classes)):.2f}. You guessed "
    f"*{guess_first.value or 'nothing yet'}*. After {len(losses)} steps the mean of the last ten is "
    f"{np.mean(losses[-10:]):.2f}. Of the {len(some_labels)} faces that it learned from it names {known:.0%} right, of "
    f"the validation faces {right:.0%}; always naming the most frequent class would get {most:.0%}."
)

# %% [markdown]
# This is the whole idea. What the package's loop adds: more faces; they are mirrored, turned and shifted a little each
# time, so that the network cannot learn pictures by heart; the learning rate rises and then falls; large weights cost
# something (weight decay); and after every epoch the validation faces are measured and a checkpoint is written.
#
# ## 3. Watch a training
#
# Two predictions first. Look at the table of section 1 again: some classes are rare. *Accuracy* is the share of all
# faces that are right. *Balanced accuracy* is the mean of the classes' **recalls**, the share of each class that is
# right, so that every class counts alike.

# %%
guess_balanced = ask(
    "At the end, on the validation faces: which is higher?", ["accuracy", "balanced accuracy", "they are equal"]
)
guess_recall = ask("Which class will have the lowest recall?", list(classes))
display(guess_balanced, guess_recall)

# %% [markdown]
# Run the next two cells. The training goes on in the background; the second cell waits for it, and the buttons work
# meanwhile. Press **Pause**, look, **Resume**. Move back to an earlier epoch. If you press **Stop**, run the second
# cell again: it goes on behind the last whole epoch.

# %%
from ferlab.training import TrainSettings
from ferlab.widgets import TrainingMonitor

settings = TrainSettings(epochs=6, batch_size=32) if quick else TrainSettings()
monitor = TrainingMonitor("ce", settings, train_faces, validation_faces)
monitor

# %%
if monitor.status in ("waiting", "stopped"):
    monitor.start()
await monitor

# %%
last = monitor.history.iloc[-1]
recalls = last.filter(like="recall_").astype(float)
fewest = min(validation_faces.class_counts(), key=validation_faces.class_counts().get)
count = validation_faces.class_counts()[fewest]
Markdown(
    f"On the validation faces: accuracy {last['validation_accuracy']:.1%}, balanced accuracy "
    f"{last['validation_balanced_accuracy']:.1%}; you guessed *{guess_balanced.value or 'nothing yet'}*. Lowest "
    f"recall: {recalls.idxmin().removeprefix('recall_')}, {recalls.min():.0%}; you guessed "
    f"*{guess_recall.value or 'nothing yet'}*.\n\nOn training faces, while learning: accuracy "
    f"{last['train_accuracy']:.1%}."
)

# %% [markdown]
# **How to read such curves**
#
# - *The loss falls, but not smoothly*: every batch is another sample of faces. The drawing smooths it.
# - *Training against validation*. Training accuracy is counted on altered faces and while the network still changes, so
#   it may well lie below that of validation early on. What to watch for is a gap that *opens*: training rises,
#   validation stays.
# - *The end matters most*. The learning rate falls towards zero, and the noise with it. Comparing two trainings halfway
#   compares two noisy points.
# - *Rare classes jump*:

# %%
Markdown(
    f"There are {count} validation faces of {fewest}. One of them more or less moves the recall of {fewest} by "
    f"{100 / count:.1f} points and balanced accuracy by {100 / count / len(classes):.1f}; one face of any class moves "
    f"accuracy by {100 / len(validation_faces):.1f}."
)

# %% [markdown]
# ## 4. What cross-entropy pulls on
#
# The classifier's weights $W$ have one row $w_c$ a class; the logits of an embedding $f$ are $z = Wf + b$, and
# $p = \operatorname{softmax}(z)$.
#
# **With pencil and paper:** what is the gradient of $-\log p_y$ with respect to $z$? And with respect to $f$?
#
# <details><summary>The gradients</summary>
#
# $-\log p_y = -z_y + \log \sum_c e^{z_c}$, so $\partial / \partial z_c$ is $p_c$, minus 1 where $c = y$; as a vector,
# $p - e_y$ with a 1 at $y$ in $e_y$ and 0 elsewhere. By the chain rule $\partial / \partial f = W^\top (p - e_y)$.
# Gradient descent goes the other way: towards $w_y$, and away from the rows of the classes that the network believes in
# wrongly, each with the strength of its belief.
# </details>
#
# An embedding has 128 entries. Look at the formula before you answer:

# %%
guess_directions = ask(
    "In how many independent directions can this gradient pull the embeddings?", ["128", "7", "6", "1"]
)
guess_directions

# %%
network = monitor.network
seen = predict(network, validation_faces.images)
labels = validation_faces.labels
W, b = network.classifier.weight.detach(), network.classifier.bias.detach()

f = torch.from_numpy(seen.embeddings).requires_grad_()
F.cross_entropy(f @ W.T + b, torch.from_numpy(labels), reduction="sum").backward()

with torch.no_grad():
    p = (f @ W.T + b).softmax(dim=1)
    by_hand = (p - F.one_hot(torch.from_numpy(labels), len(classes))) @ W
assert torch.allclose(f.grad, by_hand, atol=1e-4)
strengths = torch.linalg.svdvals(by_hand)
Markdown(
    f"By hand and by autograd: the largest difference is {(f.grad - by_hand).abs().max():.0e}. The gradients of all "
    f"{len(labels)} faces together span **{int((strengths > 1e-4 * strengths[0]).sum())}** directions. You guessed "
    f"*{guess_directions.value or 'nothing yet'}*."
)

# %% [markdown]
# The entries of $p - e_y$ sum to zero, so the gradient is made of *differences* of rows of $W$, and $K$ rows have $K -
# 1$ independent differences. In all other directions an embedding may lie where it likes: the answer stays the same,
# and nothing pulls.
#
# How strong is the pull?

# %%
pull = by_hand.norm(dim=1).numpy()
sure = p[torch.arange(len(labels)), torch.from_numpy(labels)].numpy()
figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
axes.scatter(sure, pull, s=8, color=method_color("ce"), alpha=0.7)
axes.set(xlabel="probability of the right class", ylabel="length of the gradient")
show(
    axes,
    alt="Every validation face: the length of its gradient falls to zero as the probability of its class goes to one",
)
content = sure > 0.95
Markdown(
    f"{content.mean():.0%} of the faces have their class at more than 95 %. Together they make up "
    f"{pull[content].sum() / pull.sum():.0%} of all pulling."
)

# %% [markdown]
# (Two faces with the same probability need not be pulled alike. What matters besides is the class that they are taken
# for: rows that are alike have a short difference.)
#
# A face that is right and sure is left alone, *wherever it lies*. So much for one embedding by itself. In a network all
# embeddings come out of the same weights. Take the differences of the faces to their class means, the **scatter**:

# %%
guess_scatter = ask(
    "How much of the scatter within the classes lies in those few directions?",
    ["a small part, they are few of 128", "about half", "nearly all"],
)
guess_scatter


# %%
def seen_share(network, predictions):
    """Share of the squared scatter around the class means that lies where the classifier can see it."""
    rows = network.classifier.weight.detach().numpy()
    directions = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)[2][: len(rows) - 1]
    means = np.stack([predictions.embeddings[labels == c].mean(axis=0) for c in range(len(rows))])
    scatter = predictions.embeddings - means[labels]
    return ((scatter @ directions.T) ** 2).sum() / (scatter**2).sum()


seen_untrained = predict(untrained, validation_faces.images)
Markdown(
    f"Before training: {seen_share(untrained, seen_untrained):.0%}. After: {seen_share(network, seen):.0%}. You "
    f"guessed *{guess_scatter.value or 'nothing yet'}*."
)

# %% [markdown]
# What the head learns, it learns through those gradients, so what changes in an embedding changes where the classifier
# looks; in the other directions there is what the random start left, and weight decay shrinks that. The scatter that
# you measure below is therefore not hidden from the classifier. The classifier could see it, and cross-entropy does not
# ask for less of it.
#
# ## 5. A map, and what it does not say
#
# Two maps of the same embeddings of the validation faces. **PCA** is a shadow: it turns the space so that as much as
# possible of its spread lies in the plane, and drops the rest. **UMAP** keeps neighbors together and is free to bend
# everything else. Rings mark faces that are classified wrong.
#
# The **silhouette** of a face compares its mean distance to its own class, $a$, with that to the next class, $b$: $(b -
# a) / \max(a, b)$. 1 is a tight class far from others, 0 is a border. It can be computed in any space, also in the
# plane of a map.

# %%
guess_map = ask("Where will the silhouette be highest?", ["in the full space", "on the PCA map", "on the UMAP map"])
guess_map


# %%
def silhouette(points, labels):
    """Mean over all points."""
    counts = np.bincount(labels)
    to_class = cdist(points, points) @ np.eye(len(counts))[labels]  # (N, K) sums of distances
    rows = np.arange(len(labels))
    own = to_class[rows, labels] / (counts[labels] - 1)  # the distance to itself is 0
    to_class = to_class / counts
    to_class[rows, labels] = np.inf
    nearest = to_class.min(axis=1)
    return ((nearest - own) / np.maximum(nearest, own)).mean()


# %%
from ferlab.figures import embedding_map
from ferlab.projection import aligned_layouts, map_quality, pca_layouts

unit = seen.embeddings / np.linalg.norm(seen.embeddings, axis=1, keepdims=True)
maps = pca_layouts({"PCA": unit}) | aligned_layouts({"UMAP": unit}, seed=0)
figure, axes = plt.subplots(1, 2, figsize=(9.6, 4.8), layout="constrained")
for ax, (name, points) in zip(axes, maps.items(), strict=True):
    embedding_map(points, labels, classes, ax, name, wrong=seen.predicted != labels)
show(
    axes,
    alt="Two maps of the validation faces in class colors, PCA and UMAP, with rings around faces classified wrong",
)
found = {"full space": silhouette(unit, labels)} | {
    f"{name} map": silhouette(layout, labels) for name, layout in maps.items()
}
kept = {name: map_quality(unit, layout).trustworthiness for name, layout in maps.items()}
silhouettes = ", ".join(f"**{value:.3f}** ({name})" for name, value in found.items())
neighbors = ", ".join(f"{value:.2f} {name}" for name, value in kept.items())
Markdown(
    f"Silhouette: {silhouettes}. Highest: {max(found, key=found.get)}; you guessed *{guess_map.value or 'nothing yet'}*."
    f"\n\nShare of neighbors on the map that are neighbors in the space (trustworthiness): {neighbors}."
)

# %% [markdown]
# Three answers about the same faces; only the first is about the space. A map is for finding questions. From here on
# all numbers come from the full space.
#
# ## 6. Geometry in numbers
#
# All measures first scale every embedding to length 1 (`unit` above), so that spaces of different size can be compared
# with one ruler. `silhouette` is one of them. Here are the others, each in a line or three:
#
# - **within / between**: mean distance of a face to its class mean, over the mean distance of two class means;
# - **alignment** (Wang & Isola 2020): mean squared distance of two faces of one class;
# - **uniformity** (the same paper): logarithm of the mean of $e^{-2 d^2}$ over all pairs of faces; the lower, the more
#   evenly the sphere is used;
# - **effective rank** (Roy & Vetterli 2007): how many directions are in use, counted softly: the exponential of the
#   entropy of the singular values.


# %%
def within_between(unit, labels):
    means = np.stack([unit[labels == c].mean(axis=0) for c in np.unique(labels)])
    return np.linalg.norm(unit - means[labels], axis=1).mean() / pdist(means).mean()


def alignment(unit, labels):
    return np.concatenate([pdist(unit[labels == c], "sqeuclidean") for c in np.unique(labels)]).mean()


def uniformity(unit):
    return np.log(np.exp(-2 * pdist(unit, "sqeuclidean")).mean())


def effective_rank(unit):
    values = np.linalg.svd(unit - unit.mean(axis=0), compute_uv=False)
    shares = values[values > 0] / values.sum()
    return np.exp(-(shares * np.log(shares)).sum())


# %% [markdown]
# To read a number one needs another one beside it. The untrained network has a space too. Which way will training move it?

# %%
guess_uniform = ask(
    "After training, is the sphere used ...", ["more evenly than before", "less evenly than before", "as before"]
)
guess_rank = ask("And how many directions are in use?", ["more than before", "fewer than before", "as many"])
display(guess_uniform, guess_rank)

# %%
from ferlab.evaluation import geometry_scores

ours = {
    "within_between_ratio": within_between(unit, labels),
    "silhouette": silhouette(unit, labels),
    "alignment": alignment(unit, labels),
    "uniformity": uniformity(unit),
    "effective_rank": effective_rank(unit),
}
theirs = geometry_scores(seen.embeddings, labels)
assert all(np.isclose(ours[name], theirs[name], rtol=1e-3, atol=1e-4) for name in ours)
before = geometry_scores(seen_untrained.embeddings, labels)
display(
    pd.DataFrame({"untrained": before, "trained": theirs, "trained, by our lines": ours})
    .loc[list(theirs)]
    .style.format("{:.3f}", na_rep="")
)
even = "more" if theirs["uniformity"] < before["uniformity"] else "less"
rank = "more" if theirs["effective_rank"] > before["effective_rank"] else "fewer"
Markdown(
    f"After training the sphere is used {even} evenly than before (you guessed "
    f"*{guess_uniform.value or 'nothing yet'}*), and {rank} directions are in use (you guessed "
    f"*{guess_rank.value or 'nothing yet'}*).\n\nNo number alone says what is good: by alignment the "
    f"{'untrained' if before['alignment'] < theirs['alignment'] else 'trained'} network would be the better one. What "
    "does alignment not look at?"
)

# %% [markdown]
# Nearest-center accuracy, 10-NN accuracy, precision at 1 and MAP@R ask what the *neighborhood* of a face says about it,
# without any classifier. One of them is yours.
#
# ### Exercise 1: nearest center
#
# Write the share of faces that are nearer to the mean of their own class than to any other class mean. One trap: a face
# is part of its own class's mean, and pulls it closer. **Leave the face out of that mean.** `embeddings` is (N, D) with
# rows of length 1, `labels` (N,).
#
# <details><summary>Hint</summary>
#
# Start with the distances to all class means, `cdist(embeddings, means)`. Then replace, for every face, the distance to
# its own mean: without the face that mean is `(sum - face) / (count - 1)`. A loop over the faces is fine.
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def nearest_center(embeddings, labels):
#     sums = np.stack([embeddings[labels == c].sum(axis=0) for c in np.unique(labels)])
#     counts = np.bincount(labels)
#     right = []
#     for face, label in zip(embeddings, labels):
#         means = sums / counts[:, None]
#         means[label] = (sums[label] - face) / (counts[label] - 1)
#         right.append(np.linalg.norm(means - face, axis=1).argmin() == label)
#     return np.mean(right)
# ```
# </details>


# %%
def nearest_center(embeddings, labels):
    """A share, 0 to 1."""
    ...  # your code


# %%
from ferlab.classroom.exercises import check_nearest_center

print(check_nearest_center(nearest_center, unit, labels))

# %% [markdown]
# ## 7. Separable is not compact
#
# Two made-up spaces of two dimensions, three classes each. In the **fan** every class lies on a ray from the origin,
# near or far. In the **strips** the classes lie beside each other, long and thin.

# %%
random = np.random.default_rng(0)
three = np.arange(240) % 3
angle, length = 2 * np.pi * three / 3 + random.uniform(-0.2, 0.2, 240), random.uniform(0.5, 12, 240)
fan = length[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
strips = np.stack([3 * (three - 1) + random.uniform(-0.8, 0.8, 240), random.uniform(-12, 12, 240)], axis=1)

figure, axes = plt.subplots(1, 2, figsize=(9, 4.2), layout="constrained")
for ax, (name, points) in zip(axes, (("fan", fan), ("strips", strips)), strict=True):
    embedding_map(points, three, classes[:3], ax, name)
    ax.plot(0, 0, "+", color="black", markersize=12)
show(axes, alt="Left three classes on three rays from the origin, right three classes in long thin strips side by side")

# %%
guess_low = ask(
    "A linear classifier separates both perfectly. Where is the silhouette low?",
    ["in the fan", "in the strips", "in both", "in neither"],
)
guess_low

# %%
from sklearn.linear_model import LogisticRegression


def scaled_to_one(points):
    return points / np.linalg.norm(points, axis=1, keepdims=True)


classifier = LogisticRegression(C=100, max_iter=5000)
made_up = {
    name: {
        "accuracy of a linear classifier": classifier.fit(points, three).score(points, three),
        "silhouette as they lie": silhouette(points, three),
        "silhouette, scaled to length 1": silhouette(scaled_to_one(points), three),
    }
    for name, points in (("fan", fan), ("strips", strips))
}
display(pd.DataFrame(made_up).T.style.format("{:.3f}"))
Markdown(f"You guessed *{guess_low.value or 'nothing yet'}*.")

# %% [markdown]
# In the fan the points of a class differ in *length*: in how sure the classifier is. Scaling to length 1 takes that
# away, and the classes become tight. That is one reason why the measures scale first. In the strips they differ
# *sideways*, and no scaling takes that away. Cross-entropy treats both cases alike.
#
# And the trained network? Take the **training faces that it names right**. For them the classifier makes no mistake, so
# their classes are separated perfectly, by construction. Then move each of them three quarters of the way to its class
# mean: what happens to the answers, what to the numbers?

# %%
guess_shrunk = ask(
    "Every face three quarters of the way closer to its class mean. The accuracy ...",
    ["stays at 100 %", "falls a little", "falls much"],
)
guess_shrunk

# %%
of_train = predict(network, train_faces.images)
named_right = of_train.predicted == train_faces.labels
space, of_class = of_train.embeddings[named_right], train_faces.labels[named_right]
class_means = np.stack([space[of_class == c].mean(axis=0) for c in range(len(classes))])
tight = class_means[of_class] + 0.25 * (space - class_means[of_class])


def described(points):
    answers = (points @ W.numpy().T + b.numpy()).argmax(axis=1)
    points = scaled_to_one(points)
    ratio, sharp = within_between(points, of_class), silhouette(points, of_class)
    return {"accuracy": (answers == of_class).mean(), "silhouette": sharp, "within / between": ratio}


shrunk = {"as the network has them": described(space), "moved to their means": described(tight)}
display(pd.DataFrame(shrunk).T.style.format("{:.3f}"))
Markdown(
    f"These are {named_right.mean():.0%} of the training faces. You guessed *{guess_shrunk.value or 'nothing yet'}*: "
    f"the accuracy went from {shrunk['as the network has them']['accuracy']:.1%} to "
    f"{shrunk['moved to their means']['accuracy']:.1%}, the silhouette from "
    f"{shrunk['as the network has them']['silhouette']:.2f} to {shrunk['moved to their means']['silhouette']:.2f}."
)

# %% [markdown]
# It had to stay. The points to which a linear classifier gives one answer form a *convex* region: with the faces of a
# class it holds everything between them, their mean too. So there is a more compact space next to this one that answers
# the same, and cross-entropy had no reason to go there. The losses of the next notebooks give one.
#
# In which directions do the faces of a class differ? Split the scatter in three: along the *own row* of the classifier
# (how sure), in the *other directions that the classifier sees* (which other class it comes near), and in all the rest.

# %%
centered_rows = (W - W.mean(dim=0)).numpy()
seen_directions = np.linalg.svd(centered_rows, full_matrices=False)[2][: len(classes) - 1]
scatter = space - class_means[of_class]
total = (scatter**2).sum()
along = ((scatter * scaled_to_one(centered_rows)[of_class]).sum(axis=1) ** 2).sum() / total
visible = ((scatter @ seen_directions.T) ** 2).sum() / total
centered_means = class_means - class_means.mean(axis=0)
cosines = scaled_to_one(centered_means) @ scaled_to_one(centered_rows).T
Markdown(
    f"Along the own row: {along:.0%}. In the {len(classes) - 2} other directions that the classifier sees: "
    f"{visible - along:.0%}. In the {W.shape[1] - len(classes) + 1} that it does not see: {1 - visible:.0%}."
    "\n\nAnd do the rows point towards the class means? The cosine between a class's mean and its row (both minus their "
    f"averages) lies between {np.diag(cosines).min():.2f} and {np.diag(cosines).max():.2f}; with the rows of other "
    f"classes it is {cosines[~np.eye(len(classes), dtype=bool)].mean():.2f} on average."
)

# %% [markdown]
# ### Exercise 2: right, and scattered
#
# Twelve points of three classes, and a classifier without bias: the logit of a point for a class is its dot product
# with that class's row. Change the array `moved` such that **every point stays right** and **within / between** (as the
# points lie, not scaled) becomes **at least 0.8**.

# %%
rows = np.stack([np.cos(2 * np.pi * np.arange(3) / 3), np.sin(2 * np.pi * np.arange(3) / 3)], axis=1)
twelve = np.arange(12) % 3
points = 3 * rows[twelve] + 0.3 * np.random.default_rng(0).normal(size=(12, 2))
moved = points.copy()
...  # your code: other values for moved
moved.shape

# %% [markdown]
# <details><summary>Hint</summary>
#
# Between which two angles may a point of class 0 lie, whose row is (1, 0)? How far out? Put half of each class near one
# border and half near the other.
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# sideways = np.stack([-rows[:, 1], rows[:, 0]], axis=1)  # at a right angle to each row
# side = np.where(np.arange(12) < 6, 1, -1)[:, None]
# moved = rows[twelve] + 1.6 * side * sideways[twelve]
# ```
#
# The borders lie 60 degrees to either side of a row, and the tangent of 60 degrees is 1.73: with 1.6 the points stay
# just inside.
# </details>

# %%
from ferlab.classroom.exercises import check_right_but_scattered

figure, axes = plt.subplots(figsize=(4.6, 4.6), layout="constrained")
embedding_map(moved, twelve, classes[:3], axes, names=False)
reach = 1.1 * np.abs(moved).max()
for border in -rows:
    axes.plot(*np.stack([0 * border, reach * border], axis=1), color="0.3", linestyle="--", linewidth=1)
for c, row in enumerate(rows):
    axes.text(*(0.4 * reach * row), classes[c], ha="center", va="center", fontweight="bold")
show(
    axes,
    alt="The twelve points of three classes, and the three borders between the classes as dashed lines from the origin",
)
print(check_right_but_scattered(moved, points, twelve, rows))

# %% [markdown]
# ## 8. The test faces, once
#
# So far only validation faces were measured, and every choice may be made by looking at them: how many epochs, which
# learning rate, which seed. Why not on the test faces?
#
# Fifty networks, all equally good: each names 80 % of all the faces in the world. You measure each on as many
# validation faces as there are here, and keep the one that does best.

# %%
guess_best = ask(
    "What accuracy on the validation faces will the chosen one have, on average?",
    ["80 %, they are all alike", "some points more than 80 %", "more than 90 %"],
)
guess_best

# %%
random = np.random.default_rng(0)
many = len(validation_faces)
measured = random.binomial(many, 0.8, size=(2000, 50)) / many  # 2,000 times fifty networks
fresh = random.binomial(many, 0.8, size=2000) / many
Markdown(
    f"On the faces on which it was chosen: {measured.max(axis=1).mean():.1%}. On as many fresh ones: "
    f"{fresh.mean():.1%}. You guessed *{guess_best.value or 'nothing yet'}*."
)

# %% [markdown]
# Whoever chooses by a number can no longer believe that number. The difference is *not* a property of the chosen
# network; it is the choosing. So the test faces are kept aside and looked at once, when nothing is left to choose. Now.
#
# (The validation scores may differ from the monitor's in a face or two: it measures in the precision of the training,
# which is a shorter one on some machines.)

# %%
from ferlab.evaluation import class_recalls, classification_scores, confusion_counts

guess_test = ask(
    "Compared with validation, accuracy on the test faces will be ...", ["higher", "lower", "much the same"]
)
guess_test

# %%
test_faces = splits["test"]
of_test = predict(network, test_faces.images)
both = {
    "validation": classification_scores(validation_faces.labels, seen),
    "test": classification_scores(test_faces.labels, of_test),
}
display(pd.DataFrame(both).T.style.format("{:.3f}"))
mix = np.bincount(test_faces.labels) / len(test_faces)
expected = np.dot(class_recalls(validation_faces.labels, seen, len(classes)), mix)
Markdown(
    f"You guessed *{guess_test.value or 'nothing yet'}*. Is it only the mix of classes? With the recalls of the "
    "validation faces, and the classes as frequent as among the test faces, accuracy would be "
    f"{expected:.1%} instead of {both['validation']['accuracy']:.1%}; it is {both['test']['accuracy']:.1%}."
)

# %% [markdown]
# An accuracy belongs to a mix of classes. Look at every class by itself: what is taken for what, and is it the rare
# classes that suffer?

# %%
from ferlab.figures import confusion_matrix

counts = confusion_counts(test_faces.labels, of_test, len(classes))
show(
    confusion_matrix(counts, classes, title="Test faces"),
    alt="Confusion matrix of the test faces: rows are true classes, columns predicted ones",
)

# %%
from ferlab.figures import recall_bars

test_recalls = np.array(class_recalls(test_faces.labels, of_test, len(classes)), dtype=float)
frequency = np.array(list(train_faces.class_counts().values()))
order = np.argsort(-frequency)
axes = recall_bars(
    test_recalls[order], [classes[k] for k in order], title="Recall on the test faces, frequent classes first"
)
axes.set_yticks(range(len(classes)), [f"{classes[k]} ({frequency[k]:,} to learn from)" for k in order])
show(axes, alt="Bars: recall of every class on the test faces, sorted by the number of training faces of the class")
ranks = pd.Series(frequency).corr(pd.Series(test_recalls), method="spearman")
Markdown(
    f"Rank correlation of the number of training faces and recall: {ranks:.2f}, over {len(classes)} classes. Lowest "
    f"recall: {classes[test_recalls.argmin()]}, {test_recalls.min():.0%}. In section 3 you guessed, for the validation "
    f"faces, *{guess_recall.value or 'nothing yet'}*."
)

# %% [markdown]
# Rare is one reason for a low recall, alike is another: the confusion matrix says with what. Try
# `batches="class-balanced"` in the settings of section 3: every class then comes equally often. Which recalls rise, and
# at whose cost?
#
# Last: is the network as sure as it should be? Of the faces that it names with 80 % probability, 80 % should be right.

# %%
guess_sure = ask(
    "On test faces, compared with how often it is right, the network is ...",
    ["surer", "less sure", "about as sure, within a point"],
)
guess_sure

# %%
from ferlab.evaluation import calibration_error

hits = of_test.predicted == test_faces.labels
tens = np.minimum((10 * of_test.confidence).astype(int), 9)
filled = [k for k in range(10) if (tens == k).sum() >= 10]
figure, axes = plt.subplots(figsize=(4.2, 4), layout="constrained")
axes.plot([0, 1], [0, 1], color="0.3", linestyle=":", label="as sure as right")
axes.plot(
    [of_test.confidence[tens == k].mean() for k in filled],
    [hits[tens == k].mean() for k in filled],
    color=method_color("ce"),
    marker="o",
    label="test faces",
)
axes.set(xlabel="mean probability of the answer", ylabel="share that is right")
axes.set(xlim=(0, 1.02), ylim=(0, 1.02), aspect="equal")
axes.legend(frameon=False)
show(
    axes,
    alt="Share of test faces named right over the probability of the answer, in ten bins, and a diagonal for comparison",
)
Markdown(
    f"Mean probability of the answers: {of_test.confidence.mean():.1%}; right: {hits.mean():.1%}. The bins differ by "
    f"{100 * calibration_error(test_faces.labels, of_test):.1f} points on average (expected calibration error). You guessed "
    f"*{guess_sure.value or 'nothing yet'}*."
)

# %% [markdown]
# ## What to remember
#
# - Cross-entropy's gradient on an embedding is $W^\top (p - e_y)$. It lies in $K - 1$ directions, and fades as the
#   right answer becomes certain.
# - It asks for the right side of the borders, with growing certainty. It never asks the faces of a class to lie together:
#   *separable is not compact*.
# - A map bends; numbers of the full space do not. Each measure is a few lines, and each answers one question.
# - Accuracy belongs to a mix of classes. With rare classes, look at recalls.
# - Choose on validation. Look at test once.
#
# **To discuss.** For which use would you want compactness, if the answers are the same? Section 4 looked at one
# embedding at a time; why does a network not scatter its faces more, although nothing forbids it? Which of the choices
# in *your* last project were made on test data?
#
# ## Where to read on
#
# - Wen et al., *A Discriminative Feature Learning Approach for Deep Face Recognition*, ECCV 2016: separable and
#   discriminative features. Notebook 03 is about its loss.
# - Wang & Isola, *Understanding Contrastive Representation Learning through Alignment and Uniformity on the Hypersphere*,
#   ICML 2020: section 4.
# - Roy & Vetterli, *The Effective Rank: A Measure of Effective Dimensionality*, EUSIPCO 2007.
# - Rousseeuw, *Silhouettes: a Graphical Aid to the Interpretation and Validation of Cluster Analysis*, Journal of
#   Computational and Applied Mathematics 1987.
# - Musgrave, Belongie & Lim, *A Metric Learning Reality Check*, ECCV 2020: how test data leak into comparisons of losses.
# - Guo et al., *On Calibration of Modern Neural Networks*, ICML 2017.
